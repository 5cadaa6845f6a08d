//! A frontend's certificates: read from PEM, and chosen for a ClientHello by the names that they hold.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::limits::{CERTIFICATES_MAX, CHAIN_MAX, NAMES_MAX};
use crate::server_setup::{CertificatePair, SetupFault};
use crate::sni;

/// A chain and its key.
pub(crate) type Identity = Arc<CertifiedKey>;

/// One certificate of a frontend, read and checked.
pub(crate) struct Read {
    pub(crate) identity: Identity,
    /// Its DNS names, in lower case.
    pub(crate) names: Vec<String>,
}

/// Reads all certificates of a frontend, in order.
///
/// # Errors
/// The place of the first that is wrong, and how.
pub(crate) fn read_all(
    certificates: &[CertificatePair<'_>],
    provider: &CryptoProvider,
) -> Result<Vec<Read>, SetupFault> {
    if certificates.is_empty() {
        return Err(SetupFault("no certificate is given".to_owned()));
    }
    if certificates.len() > CERTIFICATES_MAX {
        return Err(SetupFault(format!("more than {CERTIFICATES_MAX} certificates for one frontend")));
    }
    let read = |pair: &CertificatePair<'_>| {
        let identity = identity(pair.certificate_pem, pair.key_pem, provider)?;
        let names = names(&identity)?;
        Ok(Read { identity, names })
    };
    let place = |at: usize, fault: String| SetupFault(format!("certificate {}: {fault}", at + 1));
    certificates.iter().enumerate().map(|(at, pair)| read(pair).map_err(|fault| place(at, fault))).collect()
}

/// Reads one chain and its key, and checks that they belong together; the fault in words.
fn identity(certificate_pem: &str, key_pem: &str, provider: &CryptoProvider) -> Result<Identity, String> {
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

/// Chooses by name; `Kept` is a chain and its key, in whatever form a TLS library takes them.
#[derive(Debug)]
pub(crate) struct ByName<Kept> {
    exact: HashMap<Box<str>, Vec<Kept>>,
    /// Keyed by what follows the `*.`.
    wildcard: HashMap<Box<str>, Vec<Kept>>,
    /// For clients that ask for no name or an unknown one: the first certificate and its twins.
    fallback: Vec<Kept>,
}

impl<Kept: Clone> ByName<Kept> {
    /// From names and what they stand for, in order of preference; the first serves unknown names.
    pub(crate) fn build(certificates: Vec<(Vec<String>, Kept)>) -> Self {
        let mut by_name = Self { exact: HashMap::new(), wildcard: HashMap::new(), fallback: Vec::new() };
        let mut first_names: Option<Vec<String>> = None;
        for (names, kept) in certificates {
            for name in &names {
                let (table, key) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut by_name.wildcard, parent),
                    None => (&mut by_name.exact, name.as_str()),
                };
                table.entry(key.into()).or_default().push(kept.clone());
            }
            if first_names.as_ref().is_none_or(|first| first.iter().any(|name| names.contains(name))) {
                by_name.fallback.push(kept);
            }
            first_names.get_or_insert(names);
        }
        by_name
    }

    /// All for this name, in order of preference: there may be an ECDSA and an RSA certificate. `name` in
    /// lower case.
    pub(crate) fn candidates(&self, name: Option<&str>) -> &[Kept] {
        let Some(name) = name else { return &self.fallback };
        // RFC 9525 section 6.3: a wildcard stands for one label, the leftmost.
        let parent = || name.split_once('.').and_then(|(_, parent)| self.wildcard.get(parent));
        self.exact.get(name).or_else(parent).unwrap_or(&self.fallback)
    }
}

impl ByName<Identity> {
    /// Of those for a name the first that the client can verify.
    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Identity> {
        let candidates = self.candidates(name);
        let fitting = candidates.iter().find(|identity| identity.key.choose_scheme(schemes).is_some());
        fitting.or_else(|| candidates.first()).cloned()
    }
}

impl ResolvesServerCert for ByName<Identity> {
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
