//! A frontend's certificates: read from PEM, and chosen for a ClientHello by the names that they hold.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::limits::{CHAIN_MAX, NAMES_MAX};
use crate::sni;

/// A chain and its key.
pub(crate) type Identity = Arc<CertifiedKey>;

/// Reads one chain and its key, and checks that they belong together; the fault in words.
pub(crate) fn identity(
    certificate_pem: &str,
    key_pem: &str,
    provider: &CryptoProvider,
) -> Result<Identity, String> {
    let chain = chain(certificate_pem)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|fault| match fault {
        pem::Error::NoItemsFound => "no private key in the PEM text of the key".to_owned(),
        fault => format!("the PEM text of the key cannot be read: {fault}"),
    })?;
    match CertifiedKey::from_der(chain, key, provider) {
        Ok(identity) => Ok(Arc::new(identity)),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("the key does not belong to the first certificate of the chain".to_owned())
        }
        Err(Error::InvalidCertificate(_)) => {
            Err("the first certificate of the chain cannot be read".to_owned())
        }
        Err(_) => Err(
            "the key is of a kind that is not supported (wanted: RSA, ECDSA P-256, P-384, P-521 or Ed25519)"
                .to_owned(),
        ),
    }
}

fn chain(certificate_pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate_pem.as_bytes())
        .take(CHAIN_MAX + 1)
        .collect::<Result<_, _>>()
        .map_err(|fault| format!("the PEM text of the certificate cannot be read: {fault}"))?;
    match chain.len() {
        0 => Err("no certificate in the PEM text".to_owned()),
        length if length > CHAIN_MAX => Err(format!("more than {CHAIN_MAX} certificates in one chain")),
        _ => Ok(chain),
    }
}

/// Chooses by name, then by what the client can verify: for one name there may be an ECDSA and an RSA
/// certificate, and the order of the settings is the order of preference.
#[derive(Debug)]
pub(crate) struct ByName {
    exact: HashMap<Box<str>, Vec<Identity>>,
    /// Keyed by what follows the `*.`.
    wildcard: HashMap<Box<str>, Vec<Identity>>,
    /// For clients that ask for no name or an unknown one: the first certificate and its twins.
    fallback: Vec<Identity>,
}

impl ByName {
    /// `identities` in order of preference; the first serves unknown names.
    pub(crate) fn build(identities: Vec<Identity>) -> Result<Self, String> {
        let mut by_name = Self { exact: HashMap::new(), wildcard: HashMap::new(), fallback: Vec::new() };
        let mut first_names: Option<Vec<String>> = None;
        for (at, identity) in identities.into_iter().enumerate() {
            let names = names(&identity).map_err(|fault| format!("certificate {}: {fault}", at + 1))?;
            for name in &names {
                let (table, key) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut by_name.wildcard, parent),
                    None => (&mut by_name.exact, name.as_str()),
                };
                table.entry(key.into()).or_default().push(Arc::clone(&identity));
            }
            if first_names.as_ref().is_none_or(|first| first.iter().any(|name| names.contains(name))) {
                by_name.fallback.push(identity);
            }
            first_names.get_or_insert(names);
        }
        Ok(by_name)
    }

    fn candidates(&self, name: Option<&str>) -> &[Identity] {
        let Some(name) = name else { return &self.fallback };
        // RFC 9525 section 6.3: a wildcard stands for one label, the leftmost.
        let parent = || name.split_once('.').and_then(|(_, parent)| self.wildcard.get(parent));
        self.exact.get(name).or_else(parent).unwrap_or(&self.fallback)
    }

    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Identity> {
        let candidates = self.candidates(name);
        let fitting = candidates.iter().find(|identity| identity.key.choose_scheme(schemes).is_some());
        fitting.or_else(|| candidates.first()).cloned()
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Identity> {
        sni::note(hello.server_name());
        let lower = hello.server_name().map(str::to_ascii_lowercase);
        self.choose(lower.as_deref(), hello.signature_schemes())
    }
}

/// The DNS names of a certificate, in lower case.
fn names(identity: &CertifiedKey) -> Result<Vec<String>, String> {
    let unreadable = "the first certificate of the chain cannot be read";
    let certificate = identity.end_entity_cert().map_err(|_| unreadable)?;
    let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|_| unreadable)?;
    let names: Vec<String> =
        parsed.valid_dns_names().take(NAMES_MAX + 1).map(str::to_ascii_lowercase).collect();
    match names.len() > NAMES_MAX {
        true => Err(format!("more than {NAMES_MAX} names in one certificate")),
        false => Ok(names),
    }
}
