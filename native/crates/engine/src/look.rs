//! A second look at a server with whom TLS came to nothing: what does it offer? Only probes look, one server
//! once a minute, and say nothing but a hello (`postern_tls::LookSide`).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use postern_tls::{Offer, ShownCertificate, SideFault, Visiting};
use postern_wire::script::Script;

use crate::config::{Endpoint, EndpointTls};
use crate::handoff::{Asked, Failure, ask};
use crate::io_thread::Io;

/// What a failed handshake showed of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsTrouble {
    /// A certificate that is not believed.
    Untrusted(Box<ShownCertificate>),
    /// No TLS in common with the endpoint's profile; what it offers, as far as that is known.
    Incompatible(Option<Offer>),
}

impl TlsTrouble {
    /// Old servers reset or close as often as they send an alert.
    #[must_use]
    pub fn of(fault: SideFault) -> Option<Self> {
        match fault {
            SideFault::Untrusted { shown, .. } => Some(Self::Untrusted(shown)),
            SideFault::Incompatible { offer, .. } => Some(Self::Incompatible(offer)),
            SideFault::Io(_) | SideFault::ClosedInHandshake => Some(Self::Incompatible(None)),
            SideFault::Tls(_) | SideFault::WrongProtocol => None,
        }
    }
}

/// What was seen, by server. `None` for an offer: it showed nothing.
#[derive(Default)]
pub struct Looks {
    seen: Mutex<HashMap<SocketAddr, Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    at_ms: u64,
    offer: Option<Offer>,
}

impl Looks {
    /// What the last look showed; the outer `None`: it is time for another.
    #[must_use]
    pub fn known(&self, server: SocketAddr, now_ms: u64) -> Option<Option<Offer>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.get(&server)?;
        (now_ms.saturating_sub(seen.at_ms) < KNOWN_MS).then_some(seen.offer)
    }

    fn note(&self, server: SocketAddr, offer: Option<Offer>, at_ms: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= SERVERS_MAX {
            seen.clear();
        }
        seen.insert(server, Seen { at_ms, offer });
    }
}

/// Plays a probe's script, and where no TLS was in common looks what the server offers instead.
pub async fn ask_and_look(io: &Io, endpoint: &Endpoint, script: Script) -> Asked {
    let opening = script.opening();
    let asked = ask(io, endpoint, script).await;
    let Some(Failure { tls: Some(TlsTrouble::Incompatible(None)), .. }) = &asked.failure else {
        return asked;
    };
    let offer = match io.engine.looks.known(endpoint.address, io.now_ms()) {
        Some(known) => known,
        None => look(io, endpoint, opening).await,
    };
    Asked { failure: asked.failure.map(|failure| with_offer(failure, offer)), ..asked }
}

async fn look(io: &Io, endpoint: &Endpoint, opening: Script) -> Option<Offer> {
    let visiting = Arc::new(Visiting::Look);
    let tls = match &endpoint.tls {
        EndpointTls::Off => return None,
        EndpointTls::Implicit(_) => EndpointTls::Implicit(visiting),
        EndpointTls::StartTls(_) => EndpointTls::StartTls(visiting),
    };
    // Before it is asked, so that two probes do not ask at once.
    io.engine.looks.note(endpoint.address, None, io.now_ms());
    let asked = ask(io, &Endpoint { tls, ..endpoint.clone() }, opening).await;
    let offer = match asked.failure?.tls? {
        TlsTrouble::Incompatible(offer) => offer,
        TlsTrouble::Untrusted(_) => None,
    };
    io.engine.looks.note(endpoint.address, offer, io.now_ms());
    offer
}

fn with_offer(failure: Failure, offer: Option<Offer>) -> Failure {
    let Some(offer) = offer else { return failure };
    let detail = format!("{}; it offers {offer}", failure.detail);
    Failure { detail, tls: Some(TlsTrouble::Incompatible(Some(offer))), ..failure }
}

/// A server whose TLS was changed is seen as it is within this time.
const KNOWN_MS: u64 = 60_000;
/// Servers and their ports; far more than a site has.
const SERVERS_MAX: usize = 4096;
