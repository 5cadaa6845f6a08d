//! The splice: two connections joined, bytes carried both ways, nothing else. One direction is written once
//! (`carry`) and run twice. Back-pressure is the bound of memory: a side is read only while the other has
//! taken all that was read before. `parting` says when a session that was told goodbye goes.

mod parting;

use std::future::poll_fn;
use std::task::{Context, Poll};

use postern_tls::{AnySide, ReadOutcome, Side, SideFault};
use postern_wire::tracker::{Boundary, Tracker};

use self::parting::{Manner, Parting, Standing};

use crate::end_reason::EndReason;
use crate::handoff::OpenServer;
use crate::io_thread::Io;
use crate::net::Net;
use crate::placement::PinGuard;
use crate::session::{Client, Ending, SessionGuard};

/// A session whose two sides only exchange bytes.
pub struct Spliced {
    client: End,
    server: End,
    tracker: Tracker,
    parting: Parting,
    /// The side that closed first says whose doing the end is.
    first_close: Option<EndReason>,
    /// The server takes nothing any more, for this reason; what it has said still goes to the client.
    deaf_server: Option<String>,
    _pin: PinGuard,
}

/// Carries bytes until both directions are done, a side breaks, time is up, or the session is told to go.
///
/// Boxed, since a future keeps what it was given beside what it works on, and its caller's has room for
/// both.
pub async fn run(guard: &SessionGuard, mut spliced: Box<Spliced>) -> (Client, Ending) {
    guard.io.engine.counters.spliced.add(1);
    guard.slot.active_ms.set(guard.io.now_ms());
    spliced.put_deadline(guard, guard.io.now_ms() + spliced.allowed_ms(guard));
    let ending = poll_fn(|context| spliced.poll(guard, context)).await;
    let End { net, side, .. } = spliced.client;
    (Client { net, side }, ending)
}

impl Spliced {
    /// `tracker` has seen what the server answered to the login.
    #[must_use]
    pub fn new(client: Client, server: OpenServer, pin: PinGuard, tracker: Tracker) -> Self {
        Self {
            client: End::new(client.net, client.side, server.words),
            server: End::new(server.net, server.side, Vec::new()),
            tracker,
            parting: Parting::default(),
            first_close: None,
            deaf_server: None,
            _pin: pin,
        }
    }

    /// What the client sent behind its login.
    #[must_use]
    pub fn with_pending(mut self, pending: Vec<u8>) -> Self {
        self.tracker.saw_client(&pending);
        self.server.backlog = pending;
        self
    }

    /// The client has closed its side already, before the splice.
    #[must_use]
    pub fn with_client_left(mut self, has_left: bool) -> Self {
        self.client.is_read_closed = has_left;
        if has_left {
            self.first_close = Some(EndReason::ClientClosed);
        }
        self
    }

    fn poll(&mut self, guard: &SessionGuard, context: &mut Context<'_>) -> Poll<Ending> {
        if self.parting.hear(&guard.slot) {
            self.put_deadline(guard, guard.slot.deadline_ms());
        }
        if let Some(ending) = self.told_to_go(guard).or_else(|| self.overdue(guard)) {
            return Poll::Ready(ending);
        }
        for _ in 0..ROUNDS_MAX {
            let progress = match self.carry_both(guard, context) {
                Ok(progress) => progress,
                Err(ending) => return Poll::Ready(ending),
            };
            if let Progress::Finished = progress {
                return Poll::Ready(Ending::quiet(self.first_close.unwrap_or(EndReason::ClientClosed)));
            }
            if let Some(ending) = self.told_to_go(guard) {
                return Poll::Ready(ending);
            }
            if let Progress::Waiting = progress {
                self.look_again(guard);
                guard.slot.wake_with(context);
                return Poll::Pending;
            }
        }
        // Others of this thread have their turn first.
        guard.slot.wake_with(context);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn carry_both(&mut self, guard: &SessionGuard, context: &mut Context<'_>) -> Result<Progress, Ending> {
        let Self { client, server, tracker, parting, deaf_server, .. } = self;
        let slot = &guard.slot;
        // Nearly nobody is told anything, and then there is no need to ask for the time.
        let is_told = parting.farewell().is_some() && parting.is_told(guard.io.now_ms());
        let moved_before = (slot.bytes_in.get(), slot.bytes_out.get());
        let up = match deaf_server {
            Some(_) => Progress::Finished,
            None => carry(&guard.io, client, server, context, &mut |bytes| {
                slot.bytes_in.set(slot.bytes_in.get() + bytes.len() as u64);
                // Behind one command that the server did not get it gets no other.
                if parting.has_refused || is_told && tracker.may_refuse(bytes) {
                    parting.has_refused = true;
                    return Verdict::Keep;
                }
                tracker.saw_client(bytes);
                Verdict::PassOn
            })
            .or_else(|broken| broken.of_client_to_server(deaf_server))?,
        };
        let down = carry(&guard.io, server, client, context, &mut |bytes| {
            slot.bytes_out.set(slot.bytes_out.get() + bytes.len() as u64);
            tracker.saw_server(bytes);
            Verdict::PassOn
        })
        .map_err(|broken| broken.of_server_to_client(deaf_server.take()))?;
        if moved_before != (slot.bytes_in.get(), slot.bytes_out.get()) {
            slot.active_ms.set(guard.io.now_ms());
        }
        self.note_close(guard);
        Ok(match (up, down) {
            (Progress::Finished, Progress::Finished) => Progress::Finished,
            (Progress::Moved, _) | (_, Progress::Moved) => Progress::Moved,
            _ => Progress::Waiting,
        })
    }

    /// With one direction closed the other gets a shorter time: IMAP has nothing more to say then.
    fn note_close(&mut self, guard: &SessionGuard) {
        if self.first_close.is_some() {
            return;
        }
        if self.deaf_server.is_some() {
            self.first_close = Some(EndReason::ServerReset);
            return self.put_deadline(guard, guard.io.now_ms() + LAST_ANSWERS_MS);
        }
        self.first_close = match (self.client.is_read_closed, self.server.is_read_closed) {
            (false, false) => return,
            _ if self.client.is_truncated || self.server.is_truncated => Some(EndReason::TlsTruncated),
            (true, _) => Some(EndReason::ClientClosed),
            (false, true) => Some(EndReason::ServerClosed),
        };
        self.put_deadline(guard, guard.io.now_ms() + HALF_CLOSED_MS);
    }

    /// A session that was told goodbye is weighed after each step of carrying, and at its deadlines.
    fn told_to_go(&mut self, guard: &SessionGuard) -> Option<Ending> {
        let reason = self.parting.farewell()?.reason;
        let standing = self.standing(guard);
        let manner = self.parting.manner(&standing)?;
        let counters = &guard.io.engine.counters;
        Some(match manner {
            Manner::Worded => {
                counters.goodbyes_worded.add(1);
                let words = self.last_words(guard.frontend().words.of(reason));
                Ending { reason, detail: String::new(), words }
            }
            Manner::Plain => {
                counters.goodbyes_plain.add(1);
                // What the client has still to get is whole where no response is half sent.
                let is_whole = matches!(standing.boundary, Boundary::Quiet | Boundary::Owed);
                let words = if is_whole { self.last_words(&[]) } else { Vec::new() };
                Ending { reason, detail: why_plain(standing.boundary).into(), words }
            }
        })
    }

    fn standing(&self, guard: &SessionGuard) -> Standing {
        Standing {
            boundary: self.tracker.boundary(),
            is_flushed: !self.client.has_unsent(),
            active_ms: guard.slot.active_ms.get(),
            now_ms: guard.io.now_ms(),
        }
    }

    /// A session that was told goodbye may have to be looked at earlier now than its deadline says.
    fn look_again(&self, guard: &SessionGuard) {
        if self.parting.farewell().is_some() {
            self.put_deadline(guard, guard.slot.active_ms.get() + self.allowed_ms(guard));
        }
    }

    /// What the client has still to get of the server, then ours: after them nothing follows. A server that
    /// has said goodbye itself, or that has closed, has had the last word.
    fn last_words(&mut self, ours: &[u8]) -> Vec<u8> {
        let mut words = std::mem::take(&mut self.client.backlog);
        if !self.tracker.has_said_bye() && !self.client.is_write_closed {
            words.extend_from_slice(ours);
        }
        words
    }

    /// The deadline: when nothing may have moved until then, or when a goodbye wants a look, if that is
    /// earlier.
    fn put_deadline(&self, guard: &SessionGuard, quiet_ms: u64) {
        let look_ms = self.parting.next_look_ms(&self.standing(guard));
        guard.io.set_deadline(&guard.slot, quiet_ms.min(look_ms));
    }

    /// How long nothing may move.
    fn allowed_ms(&self, guard: &SessionGuard) -> u64 {
        match (&self.deaf_server, self.first_close) {
            (Some(_), _) => LAST_ANSWERS_MS,
            (None, Some(_)) => HALF_CLOSED_MS,
            (None, None) => guard.frontend().idle_timeout_ms,
        }
    }

    /// The deadline is looked at when it comes up, and put off by what moved meanwhile.
    fn overdue(&mut self, guard: &SessionGuard) -> Option<Ending> {
        let now_ms = guard.io.now_ms();
        if now_ms < guard.slot.deadline_ms() {
            return None;
        }
        let until_ms = guard.slot.active_ms.get() + self.allowed_ms(guard);
        if now_ms < until_ms {
            self.put_deadline(guard, until_ms);
            return None;
        }
        let reason = self.first_close.unwrap_or(EndReason::IdleTimeout);
        Some(match self.tracker.boundary() {
            Boundary::Safe | Boundary::Between => {
                let words = self.last_words(guard.frontend().words.of(reason));
                Ending { reason, detail: String::new(), words }
            }
            // RFC 1939 section 3: a server whose client is idle closes without a word.
            Boundary::Quiet | Boundary::Owed | Boundary::Inside | Boundary::Opaque => Ending::quiet(reason),
        })
    }
}

/// One side of a splice, and what it has not taken yet.
struct End {
    net: Net,
    side: AnySide,
    backlog: Vec<u8>,
    is_read_closed: bool,
    is_write_closed: bool,
    is_truncated: bool,
}

/// What becomes of the bytes that were read.
enum Verdict {
    PassOn,
    /// The other side does not get them.
    Keep,
}

enum Progress {
    Moved,
    Waiting,
    Finished,
}

/// Which side broke, seen from one direction.
enum Broken {
    Reading(SideFault),
    Writing(SideFault),
}

impl Broken {
    /// A server that breaks off has often said why: that is still to be carried.
    fn of_client_to_server(self, deaf_server: &mut Option<String>) -> Result<Progress, Ending> {
        match self {
            Self::Reading(fault) => Err(broken(EndReason::ClientReset, &fault)),
            Self::Writing(fault) => {
                *deaf_server = Some(fault.to_string());
                Ok(Progress::Moved)
            }
        }
    }

    fn of_server_to_client(self, deaf_server: Option<String>) -> Ending {
        match (self, deaf_server) {
            (Self::Reading(_), Some(detail)) => Ending { detail, ..Ending::quiet(EndReason::ServerReset) },
            (Self::Reading(fault), None) => broken(EndReason::ServerReset, &fault),
            (Self::Writing(fault), _) => broken(EndReason::ClientReset, &fault),
        }
    }
}

fn broken(reason: EndReason, fault: &SideFault) -> Ending {
    Ending { detail: fault.to_string(), ..Ending::quiet(reason) }
}

/// One direction, one step: what waits goes out first, then what is there is read and passed on.
fn carry(
    io: &Io,
    from: &mut End,
    to: &mut End,
    context: &mut Context<'_>,
    seen: &mut dyn FnMut(&[u8]) -> Verdict,
) -> Result<Progress, Broken> {
    if !to.send_backlog(io, context).map_err(Broken::Writing)? {
        return Ok(Progress::Waiting);
    }
    if from.is_read_closed {
        return to.close_write(io, context).map_err(Broken::Writing);
    }
    let End { net, side, .. } = from;
    let mut fault = None;
    let outcome = io.with_read_scratch(|scratch| {
        side.read(net, scratch, &mut |bytes| {
            if let Verdict::PassOn = seen(bytes)
                && let Err(error) = to.send(io, bytes)
            {
                fault.get_or_insert(error);
            }
        })
    });
    if let Some(fault) = fault {
        return Err(Broken::Writing(fault));
    }
    match outcome.map_err(Broken::Reading)? {
        ReadOutcome::Bytes(_) => Ok(Progress::Moved),
        ReadOutcome::WouldBlock => match from.net.stream.poll_read_ready(context) {
            Poll::Ready(_) => Ok(Progress::Moved),
            Poll::Pending => Ok(Progress::Waiting),
        },
        outcome @ (ReadOutcome::Closed | ReadOutcome::Truncated) => {
            from.is_read_closed = true;
            from.is_truncated = outcome == ReadOutcome::Truncated;
            Ok(Progress::Moved)
        }
    }
}

impl End {
    fn new(net: Net, side: AnySide, backlog: Vec<u8>) -> Self {
        Self { net, side, backlog, is_read_closed: false, is_write_closed: false, is_truncated: false }
    }

    fn has_unsent(&self) -> bool {
        !self.backlog.is_empty() || self.side.has_pending()
    }

    /// Writes at once what the socket takes; the rest waits here, at most what one read gave.
    fn send(&mut self, io: &Io, bytes: &[u8]) -> Result<(), SideFault> {
        let taken = if self.backlog.is_empty() { self.write(io, bytes)? } else { 0 };
        self.backlog.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        Ok(())
    }

    fn write(&mut self, io: &Io, bytes: &[u8]) -> Result<usize, SideFault> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..)
            && !rest.is_empty()
        {
            match io.with_write_scratch(|scratch| self.side.write(&self.net, scratch, rest))? {
                0 => break,
                count => taken += count,
            }
        }
        Ok(taken)
    }

    /// True once nothing waits. Else the task is woken when the socket takes more.
    fn send_backlog(&mut self, io: &Io, context: &mut Context<'_>) -> Result<bool, SideFault> {
        while self.has_unsent() {
            if self.side.flush(&self.net)? && !self.backlog.is_empty() {
                let backlog = std::mem::take(&mut self.backlog);
                let taken = self.write(io, &backlog)?;
                if taken < backlog.len() {
                    self.backlog = backlog;
                    self.backlog.drain(..taken);
                }
            }
            if self.has_unsent() && self.net.stream.poll_write_ready(context).is_pending() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Half-close: the other direction goes on.
    fn close_write(&mut self, io: &Io, context: &mut Context<'_>) -> Result<Progress, SideFault> {
        if !self.is_write_closed {
            self.is_write_closed = true;
            io.with_write_scratch(|scratch| self.side.close_write(&self.net, scratch))?;
        }
        while !self.side.flush(&self.net)? {
            if self.net.stream.poll_write_ready(context).is_pending() {
                return Ok(Progress::Waiting);
            }
        }
        Ok(Progress::Finished)
    }
}

/// For the log: a mail program that was not told why may show an error.
fn why_plain(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::Opaque => "closed without words: the stream is compressed, or no protocol that is known",
        Boundary::Quiet => "closed without words: the client has asked nothing",
        Boundary::Owed => {
            "closed without words: the server did not say whether it has done what it was asked"
        }
        Boundary::Safe | Boundary::Between | Boundary::Inside => {
            "closed without words, in the middle of a response"
        }
    }
}

/// Fairness: so many buffers each way, then the thread's other sessions have their turn.
const ROUNDS_MAX: usize = 16;
/// A server that has closed, or a client that has: what remains takes seconds, not the half hour of IDLE.
const HALF_CLOSED_MS: u64 = 60_000;
/// For what a server said before it broke off.
const LAST_ANSWERS_MS: u64 = 2_000;
