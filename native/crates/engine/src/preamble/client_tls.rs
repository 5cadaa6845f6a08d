//! TLS with the client: from the first byte, or at the worker's STARTTLS.

use std::rc::Rc;

use postern_tls::{AnySide, Handshake, Side, SideFault, TlsFacts};
use zeroize::Zeroizing;

use super::Preamble;
use crate::end_reason::EndReason;
use crate::session::{Client, Ending};
use crate::slot::{Agreed, Interest, SessionCommand, Woken};
use crate::worker_link::Event;

impl Preamble<'_> {
    /// V01: what came behind STARTTLS in clear would be taken for the client's words inside TLS.
    pub(super) async fn start_tls(&mut self, consumed: u32, answer: &[u8]) -> Result<(), Ending> {
        self.consume(consumed);
        self.read_client()?;
        if !self.read.is_empty() || !matches!(self.client.side, AnySide::Plain(_)) {
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

    pub(super) async fn client_tls(&mut self) -> Result<(), Ending> {
        let engine = &self.io().engine;
        let hosting = engine.hosting.load();
        let Some(setup) = hosting.get(self.slot().frontend) else {
            return Err(Ending::quiet(EndReason::InternalError));
        };
        self.client.side = setup.side().map_err(|fault| tls_failed(&fault))?;
        drop(hosting);
        self.put_deadline(self.io().now_ms() + engine.config.limits.tls_timeout_ms);
        loop {
            let interest = match self.handshake_step().await {
                Ok(Handshake::Done) => break,
                Ok(Handshake::WantRead) => Interest::Read,
                Ok(Handshake::WantWrite) => Interest::Write,
                Err(fault) => {
                    // The alert that says why.
                    let Client { net, side } = &mut self.client;
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

    /// One step, once it is this session's turn.
    async fn handshake_step(&mut self) -> Result<Handshake, SideFault> {
        let io = Rc::clone(&self.guard.io);
        let Client { net, side } = &mut self.client;
        let step = || io.with_read_scratch(|scratch| side.handshake(net, scratch));
        io.handshake_turns.take(step).await
    }

    fn note_tls(&self) {
        let counters = &self.io().engine.counters;
        counters.handshakes.add(1);
        if let Some(facts) = self.client.side.facts() {
            counters.resumed.add(u64::from(facts.resumed));
            self.slot().tls.set(Some(Agreed { version: facts.version, cipher_suite: facts.cipher_suite }));
        }
    }
}

fn tls_failed(fault: &SideFault) -> Ending {
    let reason = match fault {
        SideFault::Io(_) => EndReason::ClientReset,
        SideFault::WrongProtocol => EndReason::TlsWrongProtocol,
        _ => EndReason::TlsFailed,
    };
    Ending { detail: fault.to_string(), ..Ending::quiet(reason) }
}

pub(super) fn tls_fields(facts: Option<&TlsFacts>) -> String {
    let Some(facts) = facts else { return "- - - -".into() };
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    format!("{} {} {} {}", facts.version, facts.cipher_suite, or_none(&facts.alpn), or_none(&facts.sni))
}
