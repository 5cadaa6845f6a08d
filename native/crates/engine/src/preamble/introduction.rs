//! What a server is told of the client before anything else: a PROXY header, where its endpoint asks for one.

use postern_tls::Side;
use postern_wire::proxy_header::{Introduction, TlsFacts, write_header};

use super::{Preamble, connected_to};
use crate::config::{Endpoint, EndpointTls};

impl Preamble<'_> {
    /// Empty where the server is told nothing.
    pub(super) fn introduction(&self, endpoint: &Endpoint) -> Vec<u8> {
        let Some(version) = endpoint.proxy else { return Vec::new() };
        let slot = self.slot();
        let facts = match &endpoint.tls {
            // A server that is told of TLS may take the connection for encrypted: Dovecot 2.4 then offers no
            // STARTTLS.
            EndpointTls::StartTls(_) => None,
            EndpointTls::Implicit(_) | EndpointTls::Off => self.client.side.facts(),
        };
        let tls = facts.as_ref().map(|facts| TlsFacts {
            version: facts.version,
            cipher_suite: facts.cipher_suite,
            server_name: facts.sni.as_deref(),
            alpn: facts.alpn.as_deref(),
        });
        let session = format!("{:014x}", slot.id.number());
        let (from, to) = (slot.client, connected_to(slot, &self.client));
        write_header(version, &Introduction { from, to, tls, session: &session })
    }
}
