//! A login on its way to a server: the handoff is played, and the client watched meanwhile.

use std::rc::Rc;

use postern_wire::request::Request;
use postern_wire::script::Script;

use super::{Opened, Preamble};
use crate::config::Endpoint;
use crate::end_reason::EndReason;
use crate::goodbye::Farewell;
use crate::handoff::{self, Failure, Outcome};
use crate::io_thread::Io;
use crate::placement::{self, PinGuard};
use crate::session::Ending;
use crate::slot::{FailedHandoff, Phase, Placement, SessionCommand, Woken};
use crate::worker_link::Event;

impl Preamble<'_> {
    pub(super) async fn handoff(&mut self, request: Box<Request>) -> Result<Option<Opened>, Ending> {
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
        let placement = Placement { server: Some(server), database, generation, mailbox, local: None };
        self.slot().placement.set(placement);
        if !self.has_left {
            self.put_deadline(u64::MAX);
        }
        self.asked_mailbox = Some(mailbox);
        let outcome = self.play(&io, &endpoint, script).await?;
        let Outcome::Open(opened) = outcome else { return Ok(outcome) };
        if self.is_counted() {
            io.engine.logins.let_in(self.slot().client.ip(), mailbox, io.now_ms());
        }
        let placement = Placement { local: opened.net.local(), ..placement };
        match placement::admit(&io.engine, placement, protocol, is_exclusive) {
            Ok(()) => {
                self.slot().placement.set(placement);
                Ok(Outcome::Open(opened))
            }
            // A server has let the client in: asking another one changes nothing.
            Err(reason @ EndReason::TooManyForMailbox) => {
                Ok(Outcome::Failed(Failure { reason, detail: String::new(), is_untouched: false }))
            }
            Err(reason) => Ok(failed(reason, String::new())),
        }
    }

    async fn play(&mut self, io: &Io, endpoint: &Endpoint, script: Script) -> Result<Outcome, Ending> {
        let header = self.introduction(endpoint);
        let opening = handoff::open(io, endpoint, &header, script);
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
        #[cfg(feature = "faults")]
        command.break_if_told();
        match command {
            // The server is not to be used any more: the worker looks again, the client notices nothing.
            SessionCommand::Goodbye(farewell) if concerns_a_server(farewell.reason) => {
                Ok(Some(failed(farewell.reason, String::new())))
            }
            SessionCommand::Goodbye(Farewell { reason, .. }) => {
                Err(Ending::worded(reason, self.guard.frontend()))
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
}

/// A goodbye to the sessions of a server, rather than to this client.
pub(super) fn concerns_a_server(reason: EndReason) -> bool {
    matches!(reason, EndReason::CopyMoved | EndReason::ServerDown | EndReason::Drained)
}

fn failed(reason: EndReason, detail: String) -> Outcome {
    Outcome::Failed(Failure { reason, detail, is_untouched: true })
}

/// In `handoffFailed`: no login was sent to a server.
const UNTOUCHED_BIT: u32 = 16;
