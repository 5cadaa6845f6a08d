//! What we need to begin TLS with a server: whom we believe, and the sessions that can be taken up again.

use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::limits::{RESUMABLE_NAMES_MAX, ROOTS_MAX};
use crate::server_setup::SetupFault;
use crate::suites::{VERSIONS, provider};
use crate::trust::Trust;
use crate::verifier::{Rule, Verifier};

/// Everything that a client's side of TLS begins with. Shared by all connections to servers of one trust.
///
/// It remembers sessions by server name. A ticket of TLS 1.3 is used once, so of more than 8 handshakes with
/// one name at the same moment some are full ones.
pub struct ClientSetup {
    pub(crate) config: Arc<ClientConfig>,
}

impl ClientSetup {
    /// As `build`, with these authorities, PEM.
    ///
    /// # Errors
    /// Which of the certificates is wrong, and how.
    pub fn verifying(ca_pem: &str) -> Result<Self, SetupFault> {
        Self::build(&Trust::Authorities(ca_pem.to_owned()))
    }

    /// Believes servers as `trust` says.
    ///
    /// # Errors
    /// Which of the authorities' certificates is wrong, and how.
    pub fn build(trust: &Trust) -> Result<Self, SetupFault> {
        let provider = provider();
        let rule = match trust {
            Trust::Authorities(pem) => {
                let roots = Arc::new(roots(pem)?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
                Rule::Authorities(verifier.build().map_err(|fault| SetupFault(fault.to_string()))?)
            }
            Trust::Pins(pins) => Rule::Pins(pins.clone().into()),
            Trust::Anyone => Rule::Anyone,
        };
        let verifier = Verifier { rule, provider: Arc::clone(&provider) };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .map_err(|fault| SetupFault(fault.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(RESUMABLE_NAMES_MAX * TICKETS_PER_NAME);
        Ok(Self { config: Arc::new(config) })
    }
}

fn roots(ca_pem: &str) -> Result<RootCertStore, SetupFault> {
    let mut roots = RootCertStore::empty();
    for (at, root) in root_certificates(ca_pem)?.into_iter().enumerate() {
        if roots.add(root).is_err() {
            return Err(unreadable(at));
        }
    }
    Ok(roots)
}

/// The authorities' certificates.
///
/// # Errors
/// None or too many, or what the PEM text has in their place.
pub(crate) fn root_certificates(ca_pem: &str) -> Result<Vec<CertificateDer<'static>>, SetupFault> {
    let roots = CertificateDer::pem_slice_iter(ca_pem.as_bytes()).take(ROOTS_MAX + 1);
    let roots: Vec<_> = roots
        .collect::<Result<_, _>>()
        .map_err(|fault| SetupFault(format!("the PEM text of the authorities cannot be read: {fault}")))?;
    match roots.len() {
        0 => Err(SetupFault("no certificate in the PEM text of the authorities".to_owned())),
        count if count > ROOTS_MAX => {
            Err(SetupFault(format!("more than {ROOTS_MAX} certificates of authorities")))
        }
        _ => Ok(roots),
    }
}

/// One of the authorities' certificates, counted from 0.
pub(crate) fn unreadable(at: usize) -> SetupFault {
    SetupFault(format!("certificate {} of the authorities cannot be read", at + 1))
}

/// Fixed by rustls; its cache is sized in tickets.
const TICKETS_PER_NAME: usize = 8;
