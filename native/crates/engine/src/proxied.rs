//! A connection of a load balancer, until its PROXY header says whose it is. V51: on a listener for them
//! there is always a header, and only from who is trusted; what it must look like is
//! `postern_wire::proxy_header`'s.
//!
//! No session before that: what counts for limits, for the choice of a worker and in the log is the client.
//! The header is taken from the socket to the byte, so nothing of what follows it is ever here.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use postern_wire::proxy_header::{self, Client, HEADER_BYTES_MAX, Verdict};
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::addresses::Admitted;
use crate::end_reason::EndReason;
use crate::io_thread::Io;
use crate::session::{Arrival, Contained, Ending, begin_admitted, refuse, turn_away};
use crate::slot::Via;

/// Takes the connection in, or turns it away before a byte of it is read.
pub fn begin(io: &Rc<Io>, frontend: usize, stream: TcpStream, proxy: SocketAddr) {
    if !io.engine.config.trusted_proxies.has(proxy.ip()) {
        let detail = format!("{} is not in POSTERN_TRUSTED_PROXIES", proxy.ip().to_canonical());
        return refuse(io, frontend, proxy, &Ending { detail, ..Ending::quiet(EndReason::ProxyUntrusted) });
    }
    match io.engine.addresses.admit_unnamed() {
        Ok(admitted) => {
            let awaited = Awaited { io: Rc::clone(io), frontend, stream, proxy, admitted };
            drop(spawn_local(Contained::new(awaited.take_in())));
        }
        Err(reason) => turn_away(io, frontend, &stream, reason),
    }
}

/// A connection whose header is still to come.
struct Awaited {
    io: Rc<Io>,
    frontend: usize,
    stream: TcpStream,
    proxy: SocketAddr,
    admitted: Admitted,
}

impl Awaited {
    async fn take_in(self) {
        let header = match timeout(HEADER_TIMEOUT, read_header(&self.stream)).await {
            Ok(header) => header,
            Err(_) => Err(bad(format!("no whole header within {} ms", HEADER_TIMEOUT.as_millis()))),
        };
        match header {
            Ok(client) => self.begin_session(client),
            Err(ending) => refuse(&self.io, self.frontend, self.proxy, &ending),
        }
    }

    fn begin_session(self, client: Client) {
        let Self { io, frontend, stream, proxy, admitted } = self;
        if io.has_stopped_accepting() {
            return turn_away(&io, frontend, &stream, EndReason::Shutdown);
        }
        let (client, via) = match client {
            Client::Forwarded { from, to } => (Some(from), Some(Box::new(Via { proxy, to }))),
            // A load balancer's own connections are bounded in all, and not as one client's.
            Client::Local => (None, None),
        };
        match admitted.named(client.map(|client| client.ip())) {
            Ok(admitted) => {
                begin_admitted(
                    &io,
                    Arrival { frontend, stream, client: client.unwrap_or(proxy), via },
                    admitted,
                );
            }
            Err(reason) => turn_away(&io, frontend, &stream, reason),
        }
    }
}

async fn read_header(stream: &TcpStream) -> Result<Client, Ending> {
    let mut header = Vec::new();
    loop {
        match take_header(stream, &mut header) {
            Ok(Some(client)) => return Ok(client),
            Ok(None) => stream.readable().await.map_err(|error| broken(&error))?,
            Err(ending) => return Err(ending),
        }
    }
}

/// Takes what is there of the header, and not one byte more. `None`: there must come more.
fn take_header(stream: &TcpStream, header: &mut Vec<u8>) -> Result<Option<Client>, Ending> {
    loop {
        let taken = header.len();
        let mut seen = [0; SEEN_BYTES];
        let count = match receive(stream, &mut seen, RecvFlags::PEEK) {
            Ok(0) if taken == 0 => return Err(Ending::quiet(EndReason::ClientQuit)),
            Ok(0) => return Err(bad("the connection was closed inside the header".into())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(broken(&error)),
        };
        header.extend_from_slice(seen.get(..count).unwrap_or_default());
        let (client, length) = match proxy_header::parse(header) {
            Verdict::Incomplete => (None, header.len()),
            Verdict::Header { client, length } => (Some(client), length),
            Verdict::Refused(refusal) => return Err(bad(refusal.to_string())),
        };
        // `taken < length <= taken + count`: what was taken before was no whole header.
        consume(stream, length - taken)?;
        header.truncate(length);
        if client.is_some() {
            return Ok(client);
        }
    }
}

/// What was seen is there: it is read in one piece.
fn consume(stream: &TcpStream, count: usize) -> Result<(), Ending> {
    let mut bytes = [0; SEEN_BYTES];
    let into = bytes.get_mut(..count).unwrap_or_default();
    match receive(stream, into, RecvFlags::empty()) {
        Ok(read) if read == count => Ok(()),
        Ok(_) => Err(bad("the header went away while it was read".into())),
        Err(error) => Err(broken(&error)),
    }
}

fn receive(stream: &TcpStream, into: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
    stream.try_io(Interest::READABLE, || Ok(rustix::net::recv(stream, &mut *into, flags)?.0))
}

fn bad(detail: String) -> Ending {
    Ending { detail, ..Ending::quiet(EndReason::ProxyHeaderBad) }
}

fn broken(error: &io::Error) -> Ending {
    Ending { detail: error.to_string(), ..Ending::quiet(EndReason::ClientReset) }
}

/// A load balancer sends its header with the connection; more than a lost segment or two is a fault of it.
const HEADER_TIMEOUT: Duration = Duration::from_secs(3);
/// The usual header with a certificate's facts; a longer one is taken in pieces.
const SEEN_BYTES: usize = 512;
const _: () = assert!(SEEN_BYTES < HEADER_BYTES_MAX);
