//! The talk before the splice, on the engine's side: frames what the client sends into lines and literals
//! for the worker, and carries out what the worker decides. It knows no protocol; the frontend's words and
//! the worker's are all it ever says. `reading` has the client's bytes, `client_tls` the handshake, `login`
//! the handoff, `introduction` what a server is told ahead of it, `refusal` the answer to a login that was
//! refused.
//!
//! Offsets count the client's clear bytes; `base <= base + framed <= base + read.len()`. What is read stays
//! in `read` until the worker says that it is consumed.

mod client_tls;
mod introduction;
mod login;
mod reading;
mod refusal;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use postern_queue::worker_queue::Pushed;
use postern_tls::{AnySide, PlainSide, Side, SideFault, TlsFacts};
use postern_wire::customs::client_framing;
use postern_wire::framer::Framer;
use postern_wire::tracker::Tracker;
use zeroize::Zeroizing;

use self::client_tls::tls_fields;
use self::login::concerns_a_server;
use crate::config::FrontendTls;
use crate::end_reason::EndReason;
use crate::goodbye::Farewell;
use crate::handoff::OpenServer;
use crate::io_thread::Io;
use crate::placement::PinGuard;
use crate::session::{Client, Ending, SessionGuard, dismiss_worker, leave_worker};
use crate::slot::{Interest, Phase, SessionCommand, Slot, Woken};
use crate::splice::Spliced;
use crate::worker_link::{Event, News, WorkerLink, place_taking};

type Ended = Box<(Client, Ending)>;

/// From accept to the splice, or to the end.
pub async fn run(guard: &SessionGuard, client: Client) -> Result<Box<Spliced>, Ended> {
    let mut preamble = Preamble::new(guard, client);
    match preamble.converse().await {
        Ok(opened) => Ok(Box::new(preamble.into_spliced(opened))),
        Err(ending) => Err(Box::new((preamble.client, ending))),
    }
}

/// What a handoff that succeeded gives to the splice.
struct Opened {
    server: OpenServer,
    pin: PinGuard,
}

struct Preamble<'a> {
    guard: &'a SessionGuard,
    client: Client,
    framer: Framer,
    /// Zeroed when dropped: it may hold a password.
    read: Zeroizing<Vec<u8>>,
    base: u32,
    framed: usize,
    /// All that was read since the session, or its TLS, began.
    read_total: usize,
    /// Framed, but the worker's queue was full.
    undelivered: Option<Delivery>,
    /// Ends of the pieces that the worker has and has not consumed. `unconsumed.len() <= PIECES_MAX`
    unconsumed: VecDeque<u32>,
    /// The client broke a rule, or is too slow: nothing more is read, and the worker says so.
    fault: Option<EndReason>,
    /// The client has closed its side.
    has_left: bool,
    /// No worker could take the session yet; whether its client has been greeted.
    awaits_worker: Option<bool>,
    /// The worker is gone; what is under way may still succeed without it.
    has_no_worker: bool,
    /// The worker waits for its database: a fault of the client's is said after that.
    held_until_ms: u64,
    /// The client has heard something: it is greeted once.
    has_spoken: bool,
    /// Logins that servers refused. Failures of ours are no guesses of the client's.
    refusals: u32,
    /// The mailbox of the last handoff.
    asked_mailbox: Option<u64>,
}

#[derive(Clone, Copy)]
struct Delivery {
    event: Event,
    start: usize,
    length: usize,
    end: usize,
}

impl<'a> Preamble<'a> {
    fn new(guard: &'a SessionGuard, client: Client) -> Self {
        let limits = guard.io.engine.config.limits;
        let protocol = guard.frontend().protocol;
        let framing = client_framing(protocol, limits.line_bytes_max, limits.literal_bytes_max);
        Self {
            guard,
            client,
            framer: Framer::new(framing),
            read: Zeroizing::default(),
            base: 0,
            framed: 0,
            read_total: 0,
            undelivered: None,
            unconsumed: VecDeque::new(),
            fault: None,
            has_left: false,
            awaits_worker: None,
            has_no_worker: false,
            held_until_ms: 0,
            has_spoken: false,
            refusals: 0,
            asked_mailbox: None,
        }
    }

    fn io(&self) -> &'a Rc<Io> {
        &self.guard.io
    }

    fn slot(&self) -> &'a Slot {
        &self.guard.slot
    }

    async fn converse(&mut self) -> Result<Opened, Ending> {
        if self.guard.frontend().tls == FrontendTls::Implicit {
            self.client_tls().await?;
        }
        let preamble_ms = self.io().engine.config.limits.preamble_timeout_ms;
        self.put_deadline(self.io().now_ms() + preamble_ms);
        self.slot().phase.set(Phase::Preamble);
        self.choose_worker(false);
        // The client's first bytes may have come together with its end of the handshake.
        self.read_client()?;
        loop {
            self.frame()?;
            match self.wait().await {
                Woken::Command(command) => {
                    if let Some(opened) = self.on_command(command).await? {
                        return Ok(opened);
                    }
                }
                Woken::Readable => self.read_client()?,
                Woken::Deadline => self.on_deadline()?,
                Woken::Writable => {}
            }
        }
    }

    async fn wait(&self) -> Woken {
        let may_read = !self.has_left && self.fault.is_none() && self.has_room();
        let interest = if may_read { Interest::Read } else { Interest::Commands };
        self.slot().wait(&self.client.net.stream, interest, || self.io().now_ms()).await
    }

    fn put_deadline(&self, deadline_ms: u64) {
        self.io().set_deadline(self.slot(), deadline_ms);
    }

    /// A worker by the client's address, and the session's first event there. Where none can take it just
    /// now, one that starts or drains will.
    fn choose_worker(&mut self, is_greeted: bool) {
        let engine = &self.io().engine;
        let argument = self.slot().frontend as u32 | u32::from(is_greeted) << GREETED_BIT;
        let opened = opened_fields(self.slot(), &self.client, self.client.side.facts().as_ref());
        let news = News { event: Event::Opened, id: self.slot().id, argument, bytes: opened.as_bytes() };
        let taken = place_taking(&engine.workers, self.slot().client.ip(), |worker| {
            worker.push_news(self.io(), news)
        });
        self.slot().worker.set(taken);
        if taken.is_none() {
            self.awaits_worker = Some(is_greeted);
            self.put_deadline(self.slot().deadline_ms().min(self.io().now_ms() + WORKER_WAIT_MS));
            return;
        }
        if self.awaits_worker.take().is_some() {
            // The wait was ours, not the client's.
            self.put_deadline(self.io().now_ms() + engine.config.limits.preamble_timeout_ms);
        }
    }

    fn worker(&self) -> Option<&'a WorkerLink> {
        self.io().engine.workers.get(self.slot().worker.get()?.place)
    }

    /// Tells the worker what became of the session.
    ///
    /// Without room even for that, the worker would wait for ever: the session ends.
    fn tell(&self, event: Event, argument: u32, bytes: &[u8]) -> Result<(), Ending> {
        let Some(worker) = self.worker() else { return Ok(()) };
        match worker.push_news(self.io(), News { event, id: self.slot().id, argument, bytes }) {
            // That it is gone the session hears next.
            Pushed::Taken { .. } | Pushed::Vacant => Ok(()),
            Pushed::Full => Err(Ending::worded(EndReason::WorkerOverloaded, self.guard.frontend())),
        }
    }

    fn on_deadline(&mut self) -> Result<(), Ending> {
        if self.awaits_worker.is_some() {
            return Err(Ending::worded(EndReason::WorkerOverloaded, self.guard.frontend()));
        }
        if self.has_left {
            return Err(Ending::quiet(EndReason::ClientQuit));
        }
        if let Some(reason) = self.fault {
            return Err(Ending::worded(reason, self.guard.frontend()));
        }
        self.put_deadline(u64::MAX);
        self.fault(EndReason::PreambleTimeout)
    }

    async fn on_command(&mut self, command: SessionCommand) -> Result<Option<Opened>, Ending> {
        match command {
            SessionCommand::Write { consumed, bytes } => {
                self.consume(consumed);
                self.say(&bytes).await?;
            }
            SessionCommand::ExpectLiteral { length, continuation } => {
                if !self.framer.expect_literal(length as usize) {
                    let detail = "the worker expects a literal that was not announced".into();
                    return Err(Ending {
                        detail,
                        ..Ending::worded(EndReason::InternalError, self.guard.frontend())
                    });
                }
                self.say(&continuation).await?;
            }
            SessionCommand::ExpectLine => self.framer.expect_line(),
            SessionCommand::StartTls { consumed, answer } => self.start_tls(consumed, &answer).await?,
            SessionCommand::Handoff { consumed, request } => {
                self.consume(consumed);
                return self.handoff(request).await;
            }
            SessionCommand::Refuse { consumed, bytes } => self.refuse(consumed, &bytes).await?,
            SessionCommand::Hold { milliseconds } => self.hold(milliseconds.into()),
            SessionCommand::Name(user) => *self.slot().user.borrow_mut() = user,
            SessionCommand::End { reason, words } => {
                // The worker knows: it is not told.
                self.dismiss_worker();
                if reason == EndReason::UnknownMailbox {
                    // Names that nobody has must not be guessed faster than passwords. Whoever does not wait
                    // for the answer was told no all the same.
                    match self.wait_as_refused(None).await {
                        Err(ending) if ending.reason != EndReason::ClientQuit => return Err(ending),
                        Ok(()) | Err(_) => {}
                    }
                }
                return Err(Ending { reason, detail: String::new(), words });
            }
            // Meant for a handoff that has ended meanwhile.
            SessionCommand::Goodbye(farewell) if concerns_a_server(farewell.reason) => {}
            SessionCommand::Goodbye(Farewell { reason, .. }) => {
                return Err(Ending::worded(reason, self.guard.frontend()));
            }
            SessionCommand::WorkerGone => self.worker_gone()?,
            // `frame` tries again.
            SessionCommand::WorkerHasRoom => {
                if let Some(is_greeted) = self.awaits_worker {
                    self.choose_worker(is_greeted);
                }
                self.read_client()?;
            }
            #[cfg(feature = "faults")]
            SessionCommand::Panic => command.break_if_told(),
        }
        Ok(None)
    }

    /// The preamble timeout measures the client, not us.
    fn hold(&mut self, milliseconds: u64) {
        let milliseconds = milliseconds.min(HOLD_MAX_MS);
        self.held_until_ms = self.io().now_ms() + milliseconds;
        if !self.has_left {
            self.put_deadline(self.slot().deadline_ms().saturating_add(milliseconds));
        }
    }

    fn dismiss_worker(&self) {
        dismiss_worker(self.io(), self.slot());
    }

    /// A client that has said nothing loses nothing: another worker takes it. The rest is told to come
    /// again.
    fn worker_gone(&mut self) -> Result<(), Ending> {
        self.dismiss_worker();
        if self.read_total > 0 || self.has_left {
            return Err(Ending::worded(EndReason::WorkerDied, self.guard.frontend()));
        }
        self.choose_worker(self.has_spoken);
        Ok(())
    }

    async fn say(&mut self, words: &[u8]) -> Result<(), Ending> {
        self.has_spoken |= !words.is_empty();
        let mut said = 0;
        while !self.client.write_out(self.io(), words, &mut said).map_err(|fault| broken(&fault))? {
            self.writable().await?;
        }
        Ok(())
    }

    /// A client that takes no answer is given no more time than the preamble has.
    async fn writable(&self) -> Result<(), Ending> {
        let left_ms = self.slot().deadline_ms().saturating_sub(self.io().now_ms()).min(UNTAKEN_MAX_MS);
        let writable = self.client.net.stream.writable();
        match tokio::time::timeout(std::time::Duration::from_millis(left_ms), writable).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&SideFault::Io(error))),
            Err(_) => Err(Ending::quiet(EndReason::PreambleTimeout)),
        }
    }

    fn into_spliced(mut self, opened: Opened) -> Spliced {
        let slot = self.slot();
        leave_worker(self.io(), slot, Event::Spliced, 0);
        slot.phase.set(Phase::Spliced);
        slot.failure.take();
        slot.preamble_ms.set(self.io().now_ms().saturating_sub(slot.started_ms));
        let pending = std::mem::take(&mut *self.read);
        let client_left = self.has_left;
        let plain = Client { net: self.client.net, side: std::mem::replace(&mut self.client.side, none()) };
        let tracker = Tracker::behind_login(self.guard.frontend().protocol, &opened.server.words);
        Spliced::new(plain, opened.server, opened.pin, tracker)
            .with_pending(pending)
            .with_client_left(client_left)
    }
}

fn none() -> AnySide {
    PlainSide::new().into()
}

fn broken(fault: &SideFault) -> Ending {
    let reason = match fault {
        SideFault::Io(_) => EndReason::ClientReset,
        _ => EndReason::TlsFailed,
    };
    Ending { detail: fault.to_string(), ..Ending::quiet(reason) }
}

/// The address that the client connected to.
fn connected_to(slot: &Slot, client: &Client) -> SocketAddr {
    match &slot.via {
        Some(via) => via.to,
        None => client.net.local().unwrap_or(slot.client),
    }
}

/// The text of the event `opened`: see docs/design/0001-engine-contract.md.
fn opened_fields(slot: &Slot, client: &Client, facts: Option<&TlsFacts>) -> String {
    let [from, to] = [slot.client, connected_to(slot, client)];
    format!("{} {} {} {} {}", from.ip(), from.port(), to.ip(), to.port(), tls_fields(facts))
}

/// In `opened`: this client has been greeted already.
const GREETED_BIT: u32 = 16;
/// A worker that died is replaced well within this time.
const WORKER_WAIT_MS: u64 = 5_000;
/// A preamble's answers are small: a client that takes none of them in so long is gone.
const UNTAKEN_MAX_MS: u64 = 10_000;
/// Longer than any sensible POSTERN_MOVE_HOLD_FOR; a bound against a worker's mistake.
const HOLD_MAX_MS: u64 = 600_000;
