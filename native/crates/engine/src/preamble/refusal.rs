//! A refused login's answer, which waits the longer the more were refused before (`logins`). The wait is
//! the engine's alone: the worker has said its answer, and hears nothing until the client has it. The
//! preamble timeout stands still, since the wait is ours.

use super::{Preamble, concerns_a_server};
use crate::session::Ending;
use crate::slot::{SessionCommand, Woken};

impl Preamble<'_> {
    pub(super) async fn refuse(&mut self, consumed: u32, answer: &[u8]) -> Result<(), Ending> {
        self.consume(consumed);
        self.wait_as_refused(self.asked_mailbox).await?;
        self.say(answer).await
    }

    /// A load balancer that speaks for itself is many people, or none: it is neither counted nor held back.
    /// For those whom it brings by a PROXY header `client` is their own address.
    pub(super) fn is_counted(&self) -> bool {
        let slot = self.slot();
        slot.via.is_some() || !self.io().engine.config.trusted_proxies.has(slot.client.ip())
    }

    /// Counts one more refusal, and waits for as long as that takes.
    pub(super) async fn wait_as_refused(&mut self, mailbox: Option<u64>) -> Result<(), Ending> {
        let (engine, now_ms) = (&self.io().engine, self.io().now_ms());
        let refused = || engine.logins.refused(self.slot().client.ip(), mailbox, now_ms);
        let delay_ms = if self.is_counted() { refused() } else { 0 };
        if delay_ms == 0 {
            engine.counters.refusals.add(1);
        } else {
            engine.counters.refusals_delayed.add(1);
            let deadline_ms = self.slot().deadline_ms();
            self.wait_out(now_ms.saturating_add(delay_ms)).await?;
            if !self.has_left {
                self.put_deadline(deadline_ms.saturating_add(delay_ms));
            }
        }
        Ok(())
    }

    /// What the worker says meanwhile keeps its place behind the answer. A client that leaves ends the
    /// session, which costs nobody anything: its failure is counted already.
    async fn wait_out(&mut self, until_ms: u64) -> Result<(), Ending> {
        self.put_deadline(if self.has_left { self.slot().deadline_ms().min(until_ms) } else { until_ms });
        let mut early = Vec::new();
        let waited = loop {
            match self.wait().await {
                Woken::Deadline if self.io().now_ms() >= until_ms => break Ok(()),
                Woken::Deadline => break self.on_deadline(),
                Woken::Readable => {
                    if let Err(ending) = self.read_client() {
                        break Err(ending);
                    }
                }
                Woken::Command(SessionCommand::WorkerGone) => {
                    if let Err(ending) = self.worker_gone() {
                        break Err(ending);
                    }
                }
                // There is no server any more that the client could be told goodbye from.
                Woken::Command(SessionCommand::Goodbye(farewell)) if concerns_a_server(farewell.reason) => {}
                Woken::Command(SessionCommand::Goodbye(farewell)) => {
                    break Err(Ending::worded(farewell.reason, self.guard.frontend()));
                }
                // `frame`, which comes behind the answer, tries again.
                Woken::Command(SessionCommand::WorkerHasRoom) => {}
                Woken::Command(command) => early.push(command),
                Woken::Writable => {}
            }
        };
        self.slot().put_back(early);
        waited
    }
}
