//! The talk before the splice, on the engine's side: frames what the client sends into lines and literals for
//! the worker, and carries out what the worker decides. It knows no protocol; the frontend's words and the
//! worker's are all it ever says.
//!
//! Offsets count the client's clear bytes; `base <= base + framed <= base + read.len()`. What is read stays in
//! `read` until the worker says that it is consumed.

use std::collections::VecDeque;
use std::rc::Rc;

use postern_tls::{AnySide, Handshake, PlainSide, ReadOutcome, Side, SideFault, TlsFacts, TlsSide};
use postern_wire::framer::{Fault, Framed, Framer, FramerLimits};
use zeroize::{Zeroize, Zeroizing};

use crate::config::{Endpoint, FrontendTls};
use crate::end_reason::EndReason;
use crate::handoff::{self, Failure, OpenServer, Outcome, Request};
use crate::io_thread::Io;
use crate::placement::{self, PinGuard};
use crate::session::{Client, Ending, SessionGuard, leave_worker};
use crate::slot::{FailedHandoff, Farewell, Interest, Phase, Placement, SessionCommand, Slot, Woken};
use crate::splice::Spliced;
use crate::worker_link::{Event, WorkerId, WorkerLink, worker_for};

type Ended = Box<(Client, Ending)>;

/// From accept to the splice, or to the end.
pub async fn run(guard: &SessionGuard, client: Client) -> Result<Spliced, Ended> {
    let mut preamble = Preamble::new(guard, client);
    match preamble.converse().await {
        Ok(opened) => Ok(preamble.into_spliced(opened)),
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
        let framer = Framer::new(FramerLimits {
            line_bytes_max: limits.line_bytes_max,
            literal_bytes_max: limits.literal_bytes_max,
            literals: true,
            bare_lf_ends_line: true,
        });
        Self {
            guard,
            client,
            framer,
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

    /// During a handoff reading goes on, whatever the worker has room for: so a client that leaves is noticed.
    fn has_room(&self) -> bool {
        let is_delivered = self.undelivered.is_none() || self.slot().phase.get() == Phase::Handoff;
        self.read_total < self.io().engine.config.limits.preamble_bytes_max && is_delivered
    }

    fn put_deadline(&self, deadline_ms: u64) {
        self.io().set_deadline(self.slot(), deadline_ms);
    }

    /// A worker by the client's address, and the session's first event there. Where none can take it just now, one
    /// that starts or drains will.
    fn choose_worker(&mut self, is_greeted: bool) {
        let engine = &self.io().engine;
        let argument = self.slot().frontend as u32 | u32::from(is_greeted) << GREETED_BIT;
        let opened = opened_fields(self.slot(), &self.client, self.client.side.facts().as_ref());
        let chosen = worker_for(&engine.workers, self.slot().client.ip());
        let (id, now_ms) = (self.slot().id, self.io().now_ms());
        let taken = chosen.and_then(|place| {
            let worker = engine.workers.get(place)?;
            let turn = worker.push_news(Event::Opened, id, argument, opened.as_bytes(), now_ms)?;
            worker.session_came();
            Some(WorkerId { place, turn })
        });
        self.slot().worker.set(taken);
        if taken.is_none() {
            self.awaits_worker = Some(is_greeted);
            self.put_deadline(self.slot().deadline_ms().min(now_ms + WORKER_WAIT_MS));
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
        match worker.push_news(event, self.slot().id, argument, bytes, self.io().now_ms()) {
            Some(_) => Ok(()),
            None => Err(Ending::worded(EndReason::WorkerOverloaded, self.guard.frontend())),
        }
    }

    /// Reads until the socket is empty or there is enough.
    fn read_client(&mut self) -> Result<(), Ending> {
        while self.has_room() {
            let Self { client, read, .. } = self;
            let before = read.len();
            let outcome = self.guard.io.with_read_scratch(|scratch| {
                let outcome =
                    client.side.read(&client.net, scratch, &mut |bytes| extend_zeroing(read, bytes));
                scratch.wipe();
                outcome
            });
            self.read_total += self.read.len() - before;
            match outcome {
                Ok(ReadOutcome::Bytes(_)) => {}
                Ok(ReadOutcome::WouldBlock) => return Ok(()),
                Ok(ReadOutcome::Closed | ReadOutcome::Truncated) => return self.client_left(),
                Err(fault) => return Err(broken(&fault)),
            }
        }
        Ok(())
    }

    /// Who leaves with nothing open is gone. Else what it asked for may still be done, within the bound that
    /// frees the server's side (V36).
    fn client_left(&mut self) -> Result<(), Ending> {
        self.has_left = true;
        if self.read.is_empty() {
            return Err(Ending::quiet(EndReason::ClientQuit));
        }
        self.put_deadline(self.slot().deadline_ms().min(self.io().now_ms() + LEFT_GRACE_MS));
        Ok(())
    }

    /// Gives the worker each whole line and literal, until it has enough for now.
    fn frame(&mut self) -> Result<(), Ending> {
        if let Some(delivery) = self.undelivered.take() {
            self.deliver(delivery);
        }
        while self.undelivered.is_none() && self.fault.is_none() && self.unconsumed.len() < PIECES_MAX {
            let start = self.framed;
            match self.framer.next(self.read.get(start..).unwrap_or_default()) {
                Framed::Line { text, length } => {
                    self.framed += length;
                    self.deliver(Delivery { event: Event::Line, start, length: text, end: self.framed });
                }
                Framed::Literal { length } => {
                    self.framed += length;
                    self.deliver(Delivery { event: Event::Literal, start, length, end: self.framed });
                }
                Framed::Incomplete if !self.has_room() => self.fault(EndReason::PreambleTooLong)?,
                Framed::Incomplete | Framed::Blocked => return Ok(()),
                Framed::Fault(fault) => self.fault(reason_of(fault))?,
            }
        }
        Ok(())
    }

    fn deliver(&mut self, delivery: Delivery) {
        let Delivery { event, start, length, end } = delivery;
        let bytes = self.read.get(start..start + length).unwrap_or_default();
        let offset = self.base.wrapping_add(end as u32);
        let now_ms = self.io().now_ms();
        match self.worker() {
            Some(worker) if worker.push(event, self.slot().id, offset, bytes, now_ms) => {
                self.unconsumed.push_back(offset);
            }
            _ => self.undelivered = Some(delivery),
        }
    }

    /// The worker says the refusal in its protocol and ends; should it not, the deadline does.
    fn fault(&mut self, reason: EndReason) -> Result<(), Ending> {
        self.fault = Some(reason);
        let from_ms = self.io().now_ms().max(self.held_until_ms);
        self.put_deadline(self.slot().deadline_ms().min(from_ms + REFUSAL_GRACE_MS));
        self.tell(Event::Fault, reason.code(), &[])
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
            SessionCommand::Hold { milliseconds } => self.hold(milliseconds.into()),
            SessionCommand::Name(user) => *self.slot().user.borrow_mut() = user,
            SessionCommand::End { reason, words } => {
                // The worker knows: it is not told.
                self.dismiss_worker();
                return Err(Ending { reason, detail: String::new(), words });
            }
            // Meant for a handoff that has ended meanwhile.
            SessionCommand::Goodbye(farewell) if concerns_a_server(farewell.reason) => {}
            SessionCommand::Goodbye(Farewell { reason, words, .. }) => {
                return Err(Ending { reason, detail: String::new(), words: words.to_vec() });
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
            #[allow(clippy::panic)]
            SessionCommand::Panic => panic!("provoked by a test"),
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
        let worker = self.slot().worker.take();
        if let Some(worker) = worker.and_then(|worker| self.io().engine.workers.get(worker.place)) {
            worker.session_left();
        }
    }

    /// A client that has said nothing loses nothing: another worker takes it. The rest is told to come again.
    fn worker_gone(&mut self) -> Result<(), Ending> {
        self.dismiss_worker();
        if self.read_total > 0 || self.has_left {
            return Err(Ending::worded(EndReason::WorkerDied, self.guard.frontend()));
        }
        self.choose_worker(self.has_spoken);
        Ok(())
    }

    /// Forgets, and overwrites, what the worker has dealt with. 0: nothing new.
    fn consume(&mut self, offset: u32) {
        let count = offset.wrapping_sub(self.base) as usize;
        if offset == 0 || count == 0 || count > self.framed {
            return;
        }
        let left = self.read.len() - count;
        self.read.copy_within(count.., 0);
        if let Some(tail) = self.read.get_mut(left..) {
            tail.zeroize();
        }
        self.read.truncate(left);
        self.base = offset;
        self.framed -= count;
        while let Some(end) = self.unconsumed.front()
            && offset.wrapping_sub(*end) < u32::MAX / 2
        {
            self.unconsumed.pop_front();
        }
        if let Some(delivery) = &mut self.undelivered {
            delivery.start = delivery.start.saturating_sub(count);
            delivery.end = delivery.end.saturating_sub(count);
        }
    }

    async fn say(&mut self, words: &[u8]) -> Result<(), Ending> {
        self.has_spoken |= !words.is_empty();
        let mut said = 0;
        loop {
            let rest = words.get(said..).unwrap_or_default();
            let Client { net, side } = &mut self.client;
            if rest.is_empty() && side.flush(net).map_err(|fault| broken(&fault))? {
                return Ok(());
            }
            let taken = self.guard.io.with_write_scratch(|scratch| side.write(net, scratch, rest));
            match taken.map_err(|fault| broken(&fault))? {
                0 => self.writable().await?,
                count => said += count,
            }
        }
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

    /// V01: what came behind STARTTLS in clear would be taken for the client's words inside TLS.
    async fn start_tls(&mut self, consumed: u32, answer: &[u8]) -> Result<(), Ending> {
        self.consume(consumed);
        self.read_client()?;
        if !self.read.is_empty() || matches!(self.client.side, AnySide::Tls(_)) {
            return Err(Ending::quiet(EndReason::StarttlsInjection));
        }
        self.say(answer).await?;
        let left_ms = self.slot().deadline_ms().saturating_sub(self.io().now_ms());
        self.client_tls().await?;
        self.put_deadline(self.io().now_ms() + left_ms);
        // Replaced, not emptied: nothing of the clear part stays.
        self.read = Zeroizing::default();
        (self.base, self.framed, self.read_total) = (0, 0, 0);
        self.unconsumed.clear();
        self.framer.reset();
        if std::mem::take(&mut self.has_no_worker) {
            // The next worker is told of a client inside TLS, and has nothing of the clear part.
            self.choose_worker(true);
        } else {
            self.tell(Event::TlsReady, 0, tls_fields(self.client.side.facts().as_ref()).as_bytes())?;
        }
        self.read_client()
    }

    async fn client_tls(&mut self) -> Result<(), Ending> {
        let engine = &self.io().engine;
        let setups = engine.server_setups.load();
        let Some(setup) = setups.get(self.slot().frontend) else {
            return Err(Ending::quiet(EndReason::InternalError));
        };
        self.client.side = TlsSide::server(setup).map_err(|fault| tls_failed(&fault))?.into();
        drop(setups);
        self.put_deadline(self.io().now_ms() + engine.config.limits.tls_timeout_ms);
        loop {
            let Client { net, side } = &mut self.client;
            let interest = match self.guard.io.with_read_scratch(|scratch| side.handshake(net, scratch)) {
                Ok(Handshake::Done) => break,
                Ok(Handshake::WantRead) => Interest::Read,
                Ok(Handshake::WantWrite) => Interest::Write,
                Err(fault) => {
                    // The alert that says why.
                    let _ = side.flush(net);
                    return Err(tls_failed(&fault));
                }
            };
            match self.slot().wait(&self.client.net.stream, interest, || self.io().now_ms()).await {
                Woken::Deadline => return Err(Ending::quiet(EndReason::TlsTimeout)),
                Woken::Command(SessionCommand::Goodbye(farewell)) => {
                    return Err(Ending::quiet(farewell.reason));
                }
                Woken::Command(SessionCommand::End { reason, .. }) => {
                    self.dismiss_worker();
                    return Err(Ending::quiet(reason));
                }
                Woken::Command(SessionCommand::WorkerGone) => {
                    self.dismiss_worker();
                    self.has_no_worker = true;
                }
                _ => {}
            }
        }
        self.note_tls();
        Ok(())
    }

    fn note_tls(&self) {
        let counters = &self.io().engine.counters;
        counters.handshakes.add(1);
        if let Some(facts) = self.client.side.facts() {
            counters.resumed.add(u64::from(facts.resumed));
            *self.slot().tls.borrow_mut() = format!("{} {}", facts.version, facts.cipher_suite).into();
        }
    }

    async fn handoff(&mut self, request: Box<Request>) -> Result<Option<Opened>, Ending> {
        if self.refusals >= self.io().engine.config.limits.login_attempts_max {
            return Err(Ending::worded(EndReason::TooManyFailures, self.guard.frontend()));
        }
        let began_ms = self.io().now_ms();
        let deadline_ms = self.slot().deadline_ms();
        self.slot().phase.set(Phase::Handoff);
        let outcome = self.open_server(request).await?;
        match outcome {
            Outcome::Open(server) => {
                let pin = PinGuard::of(&self.io().engine, self.slot().placement.get());
                return Ok(Some(Opened { server, pin }));
            }
            _ if self.has_no_worker => {
                return Err(Ending::worded(EndReason::WorkerDied, self.guard.frontend()));
            }
            Outcome::Refused { step, line } => {
                self.refusals += 1;
                self.remember(&String::from_utf8_lossy(&line));
                self.tell(Event::HandoffRefused, step, &line)?;
            }
            Outcome::Failed(failure) => {
                self.remember(&failure.detail);
                let argument = failure.reason.code() | u32::from(failure.is_untouched) << UNTOUCHED_BIT;
                // At most 256 characters: far below what a queue takes.
                let detail: String = failure.detail.chars().take(256).collect();
                self.tell(Event::HandoffFailed, argument, detail.as_bytes())?;
            }
        }
        self.slot().phase.set(Phase::Preamble);
        self.slot().placement.set(Placement::default());
        if !self.has_left {
            let spent_ms = self.io().now_ms().saturating_sub(began_ms);
            self.put_deadline(deadline_ms.saturating_add(spent_ms));
        }
        Ok(None)
    }

    /// For the log, should the session end without another handoff.
    fn remember(&self, detail: &str) {
        let (placement, detail) = (self.slot().placement.get(), detail.to_owned());
        *self.slot().failure.borrow_mut() = Some(Box::new(FailedHandoff { placement, detail }));
    }

    /// Plays the handoff while it keeps an eye on the client.
    async fn open_server(&mut self, request: Box<Request>) -> Result<Outcome, Ending> {
        let io = Rc::clone(self.io());
        let table = io.engine.table.load_full();
        let protocol = self.guard.frontend().protocol;
        let Some(endpoint) = table.endpoint(request.server, protocol).cloned() else {
            let detail = format!("no endpoint for server {}", request.server);
            return Ok(failed(EndReason::ServerDown, detail));
        };
        drop(table);
        let Request { server, database, generation, mailbox, is_exclusive, script } = *request;
        let placement = Placement { server: Some(server), database, generation, mailbox, local_port: 0 };
        self.slot().placement.set(placement);
        if !self.has_left {
            self.put_deadline(u64::MAX);
        }
        let outcome = self.play(&io, &endpoint, script).await?;
        let Outcome::Open(opened) = outcome else { return Ok(outcome) };
        let placement = Placement { local_port: opened.net.local_port(), ..placement };
        match placement::admit(&io.engine, placement, protocol, is_exclusive) {
            Ok(()) => {
                self.slot().placement.set(placement);
                Ok(Outcome::Open(opened))
            }
            Err(reason) => Ok(failed(reason, String::new())),
        }
    }

    async fn play(
        &mut self,
        io: &Io,
        endpoint: &Endpoint,
        script: postern_wire::script::Script,
    ) -> Result<Outcome, Ending> {
        let opening = handoff::open(io, endpoint, script);
        tokio::pin!(opening);
        loop {
            let woken = tokio::select! {
                biased;
                outcome = &mut opening => return Ok(outcome),
                woken = self.wait() => woken,
            };
            match woken {
                Woken::Readable => self.read_client()?,
                Woken::Deadline => return Err(Ending::quiet(EndReason::ClientQuit)),
                Woken::Command(command) => {
                    if let Some(outcome) = self.on_command_in_handoff(command)? {
                        return Ok(outcome);
                    }
                }
                Woken::Writable => {}
            }
        }
    }

    fn on_command_in_handoff(&mut self, command: SessionCommand) -> Result<Option<Outcome>, Ending> {
        match command {
            // The server is not to be used any more: the worker looks again, the client notices nothing.
            SessionCommand::Goodbye(farewell) if concerns_a_server(farewell.reason) => {
                Ok(Some(failed(farewell.reason, String::new())))
            }
            SessionCommand::Goodbye(Farewell { reason, words, .. }) => {
                Err(Ending { reason, detail: String::new(), words: words.to_vec() })
            }
            SessionCommand::End { reason, words } => {
                self.dismiss_worker();
                Err(Ending { reason, detail: String::new(), words })
            }
            SessionCommand::WorkerGone => {
                self.dismiss_worker();
                self.has_no_worker = true;
                Ok(None)
            }
            // A worker says nothing else while its handoff is under way.
            _ => Ok(None),
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
        Spliced::new(plain, opened.server, pending, opened.pin).with_client_left(client_left)
    }
}

fn none() -> AnySide {
    PlainSide::new().into()
}

/// Grows without leaving the old bytes behind in freed memory.
fn extend_zeroing(read: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if read.capacity() - read.len() < bytes.len() {
        let mut grown = Vec::with_capacity((read.len() + bytes.len()).next_power_of_two().max(256));
        grown.extend_from_slice(read);
        *read = Zeroizing::new(grown);
    }
    read.extend_from_slice(bytes);
}

/// A goodbye to the sessions of a server, rather than to this client.
fn concerns_a_server(reason: EndReason) -> bool {
    matches!(reason, EndReason::CopyMoved | EndReason::ServerDown | EndReason::Drained)
}

fn failed(reason: EndReason, detail: String) -> Outcome {
    Outcome::Failed(Failure { reason, detail, is_untouched: true })
}

fn reason_of(fault: Fault) -> EndReason {
    match fault {
        Fault::LineTooLong => EndReason::LineTooLong,
        Fault::LiteralTooLong => EndReason::LiteralTooLong,
        Fault::BareCr | Fault::Nul | Fault::BareLf => EndReason::Syntax,
    }
}

fn broken(fault: &SideFault) -> Ending {
    let reason = match fault {
        SideFault::Io(_) => EndReason::ClientReset,
        _ => EndReason::TlsFailed,
    };
    Ending { detail: fault.to_string(), ..Ending::quiet(reason) }
}

fn tls_failed(fault: &SideFault) -> Ending {
    let reason = match fault {
        SideFault::Io(_) => EndReason::ClientReset,
        SideFault::WrongProtocol => EndReason::TlsWrongProtocol,
        _ => EndReason::TlsFailed,
    };
    Ending { detail: fault.to_string(), ..Ending::quiet(reason) }
}

/// The text of the event `opened`: see docs/design/0001-engine-contract.md.
fn opened_fields(slot: &Slot, client: &Client, facts: Option<&TlsFacts>) -> String {
    let local = client.net.stream.local_addr().unwrap_or(slot.client);
    let [from, to] = [slot.client, local];
    format!("{} {} {} {} {}", from.ip(), from.port(), to.ip(), to.port(), tls_fields(facts))
}

fn tls_fields(facts: Option<&TlsFacts>) -> String {
    let Some(facts) = facts else { return "- - - -".into() };
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    format!("{} {} {} {}", facts.version, facts.cipher_suite, or_none(&facts.alpn), or_none(&facts.sni))
}

/// In `opened`: this client has been greeted already.
const GREETED_BIT: u32 = 16;
/// In `handoffFailed`: no login was sent to a server.
const UNTOUCHED_BIT: u32 = 16;
/// V36 asks for the server's side to be closed within a second of the client's leaving.
const LEFT_GRACE_MS: u64 = 900;
/// Commands that a client may have sent ahead before the first of them is answered: a share of the worker's queue
/// that leaves room for others. A login by literals is five pieces.
const PIECES_MAX: usize = 32;
/// A worker that died is replaced well within this time.
const WORKER_WAIT_MS: u64 = 5_000;
/// For the worker to say a refusal.
const REFUSAL_GRACE_MS: u64 = 1_000;
/// A preamble's answers are small: a client that takes none of them in so long is gone.
const UNTAKEN_MAX_MS: u64 = 10_000;
/// Longer than any sensible POSTERN_MOVE_HOLD_FOR; a bound against a worker's mistake.
const HOLD_MAX_MS: u64 = 600_000;
