//! READ THIS FIRST: one session on the engine's side, from accept to its one end.
//!
//! `preamble` talks with the worker until the worker hands the session off; `handoff` brings a server to
//! where the client believes it stands; `splice` carries bytes between the two. Each of them returns the
//! `Ending` where there is one; here the client gets its last words, and the end is recorded, exactly once.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use postern_tls::{AnySide, PlainSide, ReadOutcome, Side, SideFault};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use crate::addresses::Admitted;
use crate::config::{FrontendConfig, FrontendTls};
use crate::end_reason::EndReason;
use crate::ends::EndRecord;
use crate::io_thread::Io;
use crate::net::Net;
use crate::selection::SessionRow;
use crate::slot::{Phase, Slot, Via};
use crate::worker_link::{Event, News, WorkerLink};
use crate::{preamble, proxied, splice};

/// The client's connection, before the splice and after it.
pub struct Client {
    pub net: Net,
    pub side: AnySide,
}

impl Client {
    /// Writes on from `said`, as far as the socket takes it. False: wait until it is writable, then call
    /// again.
    ///
    /// # Errors The client's connection is broken.
    pub fn write_out(&mut self, io: &Io, words: &[u8], said: &mut usize) -> Result<bool, SideFault> {
        let Self { net, side } = self;
        loop {
            let rest = words.get(*said..).unwrap_or_default();
            if rest.is_empty() {
                return side.flush(net);
            }
            match io.with_write_scratch(|scratch| side.write(net, scratch, rest))? {
                0 => return Ok(false),
                count => *said += count,
            }
        }
    }
}

/// Why a session ends, what the log says of it, and the client's last words.
pub struct Ending {
    pub reason: EndReason,
    pub detail: String,
    pub words: Vec<u8>,
}

impl Ending {
    #[must_use]
    pub fn quiet(reason: EndReason) -> Self {
        Self { reason, detail: String::new(), words: Vec::new() }
    }

    /// With the words that the frontend has for this reason.
    #[must_use]
    pub fn worded(reason: EndReason, frontend: &FrontendConfig) -> Self {
        Self { reason, detail: String::new(), words: frontend.words.of(reason).to_vec() }
    }
}

/// Takes a connection in, or turns it away.
pub fn begin(io: &Rc<Io>, frontend: usize, stream: TcpStream, address: SocketAddr) {
    if io.engine.config.frontends.get(frontend).is_some_and(|frontend| frontend.is_proxied) {
        return proxied::begin(io, frontend, stream, address);
    }
    match io.engine.addresses.admit(address.ip()) {
        Ok(admitted) => {
            begin_admitted(io, Arrival { frontend, stream, client: address, via: None }, admitted)
        }
        Err(refusal) => turn_away(io, frontend, &stream, refusal),
    }
}

/// A connection of which it is known whose it is.
pub struct Arrival {
    pub frontend: usize,
    pub stream: TcpStream,
    pub client: SocketAddr,
    pub via: Option<Box<Via>>,
}

/// Begins the session, where the thread has a number left for it.
pub fn begin_admitted(io: &Rc<Io>, arrival: Arrival, admitted: Admitted) {
    let Arrival { frontend, stream, client, via } = arrival;
    let Some(slot) = io.open_slot(frontend, client, via) else {
        return turn_away(io, frontend, &stream, EndReason::TooManyConnections);
    };
    io.engine.counters.opened.add(1);
    io.engine.counters.open.add(1);
    let guard = SessionGuard { io: Rc::clone(io), slot, admitted: Some(admitted) };
    spawn_local(Contained::new(run(guard, Net::new(stream))));
}

/// Ends a connection that never became a session: with a record, for whoever wonders why nobody gets in.
pub fn refuse(io: &Rc<Io>, frontend: usize, address: SocketAddr, ending: &Ending) {
    io.engine.counters.opened.add(1);
    io.engine.counters.open.add(1);
    match io.open_slot(frontend, address, None) {
        Some(slot) => drop(SessionGuard { io: Rc::clone(io), slot, admitted: None }.end(ending)),
        None => {
            io.engine.counters.open.subtract(1);
            io.engine.counters.ended(ending.reason);
        }
    }
}

/// One write, if the protocol is clear and the socket takes it: a flood must not cost more than this.
pub fn turn_away(io: &Rc<Io>, frontend: usize, stream: &TcpStream, reason: EndReason) {
    io.engine.counters.opened.add(1);
    io.engine.counters.ended(reason);
    if let Some(frontend) = io.engine.config.frontends.get(frontend)
        && frontend.tls == FrontendTls::StartTls
    {
        // Fresh from accept the runtime does not know yet that the socket is writable: ask the system.
        let _ = SockRef::from(stream).send(frontend.words.of(reason));
    }
}

async fn run(guard: SessionGuard, net: Net) {
    let client = Client { net, side: PlainSide::new().into() };
    // Boxed, so that its memory is gone once the session only carries bytes.
    let (client, ending) = match Box::pin(preamble::run(&guard, client)).await {
        Ok(spliced) => splice::run(&guard, spliced).await,
        Err(ended) => *ended,
    };
    let (io, admitted) = guard.end(&ending);
    Box::pin(part(&io, client, ending)).await;
    drop(admitted);
}

/// Last words, then a polite close: what the client has sent meanwhile is read away, since closing over
/// unread bytes makes the system send a reset, which can overtake the words.
async fn part(io: &Rc<Io>, mut client: Client, ending: Ending) {
    let farewell = async {
        if say(io, &mut client, &ending.words).await.is_err() {
            return;
        }
        let closed = io.with_write_scratch(|scratch| client.side.close_write(&client.net, scratch));
        if closed.is_ok() {
            let _ = read_away(io, &mut client).await;
        }
    };
    let _ = tokio::time::timeout(PARTING, farewell).await;
}

/// Writes all of it, however slowly the client takes it: the caller bounds the time.
async fn say(io: &Rc<Io>, client: &mut Client, words: &[u8]) -> Result<(), ()> {
    let mut said = 0;
    while !client.write_out(io, words, &mut said).map_err(drop)? {
        client.net.stream.writable().await.map_err(drop)?;
    }
    Ok(())
}

async fn read_away(io: &Rc<Io>, client: &mut Client) -> Result<(), ()> {
    let mut left = READ_AWAY_BYTES;
    while left > 0 {
        client.side.flush(&client.net).map_err(drop)?;
        let read = io.with_read_scratch(|scratch| client.side.read(&client.net, scratch, &mut |_| {}));
        match read.map_err(drop)? {
            ReadOutcome::Bytes(count) => left = left.saturating_sub(count.max(1)),
            ReadOutcome::WouldBlock => client.net.stream.readable().await.map_err(drop)?,
            ReadOutcome::Closed | ReadOutcome::Truncated => return Ok(()),
        }
    }
    Ok(())
}

/// Sees to it that a session ends exactly once, however its task ends.
pub struct SessionGuard {
    pub io: Rc<Io>,
    pub slot: Rc<Slot>,
    /// `None`: the end is recorded.
    admitted: Option<Admitted>,
}

impl SessionGuard {
    #[must_use]
    pub fn frontend(&self) -> &FrontendConfig {
        // The index came from the listeners, which were made from the frontends.
        let frontends = &self.io.engine.config.frontends;
        match frontends.get(self.slot.frontend).or_else(|| frontends.first()) {
            Some(frontend) => frontend,
            None => unreachable!("a session comes from a listener, a listener from a frontend"),
        }
    }

    fn end(mut self, ending: &Ending) -> (Rc<Io>, Option<Admitted>) {
        let admitted = self.admitted.take();
        self.record(ending.reason, &ending.detail);
        (Rc::clone(&self.io), admitted)
    }

    fn record(&self, reason: EndReason, detail: &str) {
        let Self { io, slot, .. } = self;
        let engine = &io.engine;
        leave_worker(io, slot, Event::Closed, reason.code());
        if slot.phase.get() != Phase::Spliced {
            slot.preamble_ms.set(io.now_ms().saturating_sub(slot.started_ms));
        }
        io.close_slot(slot.id);
        engine.counters.open.subtract(1);
        engine.counters.ended(reason);
        engine.counters.bytes_in.add(slot.bytes_in.get());
        engine.counters.bytes_out.add(slot.bytes_out.get());
        engine.ends.push(|| end_record(io, slot, reason, detail));
    }
}

/// A session that ends without a server shows where its last handoff failed, and how.
fn end_record(io: &Io, slot: &Slot, reason: EndReason, detail: &str) -> EndRecord {
    let mut session = SessionRow::of(slot, io.now_ms());
    let mut detail = detail.to_owned();
    if session.placement.server.is_none()
        && let Some(failed) = slot.failure.take()
    {
        session.placement = failed.placement;
        if detail.is_empty() {
            detail = failed.detail;
        }
    }
    let detail = detail.chars().take(DETAIL_CHARACTERS_MAX).collect();
    let (tls, preamble_ms) = (slot.tls.get(), slot.preamble_ms.get());
    EndRecord { session, reason, detail, tls, preamble_ms }
}

/// The session is no longer its worker's: it is told so, as the last it hears.
pub fn leave_worker(io: &Io, slot: &Slot, event: Event, argument: u32) {
    if let Some(worker) = dismiss_worker(io, slot) {
        worker.push_last(io, News { event, id: slot.id, argument, bytes: &[] });
    }
}

/// The session is no longer its worker's, which knows or is gone.
pub fn dismiss_worker<'a>(io: &'a Io, slot: &Slot) -> Option<&'a WorkerLink> {
    let worker = io.engine.workers.get(slot.worker.take()?.place)?;
    worker.session_left();
    Some(worker)
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        if self.admitted.is_none() {
            return;
        }
        if self.io.is_stopping() {
            self.record(EndReason::Shutdown, "");
        } else {
            self.io.engine.counters.panics.add(1);
            self.record(EndReason::InternalError, "the session's task broke off");
        }
    }
}

/// A panic ends the session it happens in, and no other: the guard inside records it while it unwinds.
pub struct Contained<Session> {
    session: Pin<Box<Session>>,
}

impl<Session> Contained<Session> {
    pub fn new(session: Session) -> Self {
        Self { session: Box::pin(session) }
    }
}

impl<Session: Future<Output = ()>> Future for Contained<Session> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let poll = AssertUnwindSafe(|| self.session.as_mut().poll(context));
        std::panic::catch_unwind(poll).unwrap_or(Poll::Ready(()))
    }
}

/// For the last words and the client's close; who needs longer is gone.
const PARTING: Duration = Duration::from_secs(2);
const READ_AWAY_BYTES: usize = 256 * 1024;
const DETAIL_CHARACTERS_MAX: usize = 256;
