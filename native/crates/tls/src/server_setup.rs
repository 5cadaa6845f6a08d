//! What a listener needs to begin TLS with a client: certificates, ALPN, tickets and our preferences.
//! Built whole or not at all; a reload builds another and lets sessions keep the one they began with.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;

use crate::certificates::{ByName, Read, read_all};
use crate::suites::{VERSIONS, provider};
use crate::ticket_keys::{ScopedTickets, TicketKeys};

/// A certificate with its intermediates, and its key, both as PEM text.
pub struct CertificatePair<'t> {
    /// The server's own certificate first, then its intermediates.
    pub certificate_pem: &'t str,
    /// PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key_pem: &'t str,
}

/// Everything that a server's side of TLS begins with. Shared by all sessions of a frontend.
pub struct ServerSetup {
    pub(crate) config: Arc<ServerConfig>,
}

/// What is wrong with certificates, keys or roots, in words for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupFault(pub(crate) String);

impl ServerSetup {
    /// Builds from certificates in order of preference: the first serves clients that ask for no name or an
    /// unknown one; for the same name put ECDSA P-256 before RSA, it costs a third of the CPU.
    ///
    /// `alpn` in order of preference. A client that offers ALPN without one of these is refused, a client
    /// without ALPN is not. Tickets made under one `alpn` list are of no use under another.
    ///
    /// # Errors
    /// Which certificate or key is wrong, and how. That one has expired is not an error here.
    pub fn build(
        certificates: &[CertificatePair<'_>],
        alpn: &[&str],
        tickets: &Arc<TicketKeys>,
    ) -> Result<Self, SetupFault> {
        let provider = provider();
        let read = read_all(certificates, &provider)?.into_iter();
        let by_name = ByName::build(read.map(|Read { names, identity }| (names, identity)).collect());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .map_err(|fault| SetupFault(fault.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(by_name));
        config.alpn_protocols = alpn_list(alpn)?;
        config.ticketer = Arc::new(ScopedTickets::new(Arc::clone(tickets), &config.alpn_protocols));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ignore_client_order = true;
        config.max_early_data_size = 0;
        // A client that opens several connections at once makes as many full handshakes and so collects as
        // many tickets; each resumption replaces the one it used. A second ticket each time only costs.
        config.send_tls13_tickets = 1;
        Ok(Self { config: Arc::new(config) })
    }
}

pub(crate) fn alpn_list(alpn: &[&str]) -> Result<Vec<Vec<u8>>, SetupFault> {
    let fault = || SetupFault("an ALPN protocol has 1 to 255 bytes (RFC 7301 section 3.1)".to_owned());
    alpn.iter()
        .map(|name| match name.len() {
            1..=255 => Ok(name.as_bytes().to_vec()),
            _ => Err(fault()),
        })
        .collect()
}

impl fmt::Display for SetupFault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for SetupFault {}
