//! What we need to begin TLS with a server: whom we believe, and the sessions that can be taken up again.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::limits::{RESUMABLE_NAMES_MAX, ROOTS_MAX};
use crate::server_setup::SetupFault;
use crate::suites::{VERSIONS, provider};

/// Everything that a client's side of TLS begins with. Shared by all connections to servers of one trust.
///
/// It remembers sessions by server name. A ticket of TLS 1.3 is used once, so of more than 8 handshakes with
/// one name at the same moment some are full ones.
pub struct ClientSetup {
    pub(crate) config: Arc<ClientConfig>,
}

impl ClientSetup {
    /// Believes servers whose certificate was issued by one in `ca_pem` and holds the name dialled. A
    /// server's self-signed certificate may stand there itself.
    ///
    /// # Errors
    /// Which of the certificates is wrong, and how.
    pub fn verifying(ca_pem: &str) -> Result<Self, SetupFault> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|fault| SetupFault(fault.to_string()))?
            .with_root_certificates(roots(ca_pem)?)
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(RESUMABLE_NAMES_MAX * TICKETS_PER_NAME);
        Ok(Self { config: Arc::new(config) })
    }
}

fn roots(ca_pem: &str) -> Result<RootCertStore, SetupFault> {
    let mut roots = RootCertStore::empty();
    for (at, root) in CertificateDer::pem_slice_iter(ca_pem.as_bytes()).enumerate() {
        if at == ROOTS_MAX {
            return Err(SetupFault(format!("more than {ROOTS_MAX} certificates of authorities")));
        }
        let root = root.map_err(|fault| {
            SetupFault(format!("the PEM text of the authorities cannot be read: {fault}"))
        })?;
        if roots.add(root).is_err() {
            return Err(SetupFault(format!("certificate {} of the authorities cannot be read", at + 1)));
        }
    }
    match roots.is_empty() {
        true => Err(SetupFault("no certificate in the PEM text of the authorities".to_owned())),
        false => Ok(roots),
    }
}

/// Fixed by rustls; its cache is sized in tickets.
const TICKETS_PER_NAME: usize = 8;
