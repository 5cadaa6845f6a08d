//! A probe: a handoff script played without a client. The monitors ask for it; trouble is an answer, too.

use std::rc::Rc;
use std::time::Duration;

use postern_wire::script::Script;
use tokio::time::timeout;

use crate::config::Endpoint;
use crate::end_reason::EndReason;
use crate::handoff::{Asked, Failure, Standing};
use crate::io_thread::Io;
use crate::look::{TlsTrouble, ask_and_look};

pub struct ProbeJob {
    pub endpoint: Endpoint,
    pub script: Script,
    pub answer: ProbeAnswer,
}

/// Who waits for the outcome. It gets one whatever becomes of the probe: also when its task panics, or when
/// the engine stops meanwhile, since a promise that is never settled keeps the process alive.
pub struct ProbeAnswer {
    give: Option<Box<dyn FnOnce(ProbeOutcome) + Send>>,
}

impl ProbeAnswer {
    #[must_use]
    pub fn new(give: impl FnOnce(ProbeOutcome) + Send + 'static) -> Self {
        Self { give: Some(Box::new(give)) }
    }

    fn give(mut self, outcome: ProbeOutcome) {
        if let Some(give) = self.give.take() {
            give(outcome);
        }
    }
}

impl Drop for ProbeAnswer {
    fn drop(&mut self) {
        if let Some(give) = self.give.take() {
            give(ProbeOutcome {
                reason: Some(EndReason::InternalError),
                detail: "the probe broke off".into(),
                lines: Vec::new(),
                elapsed_ms: 0,
                standing: None,
                tls: None,
            });
        }
    }
}

#[derive(Debug)]
pub struct ProbeOutcome {
    /// `None`: every step was accepted.
    pub reason: Option<EndReason>,
    pub detail: String,
    pub lines: Vec<String>,
    pub elapsed_ms: u64,
    pub standing: Option<Standing>,
    /// What a handshake that failed showed of the server.
    pub tls: Option<TlsTrouble>,
}

pub async fn run(io: Rc<Io>, job: Box<ProbeJob>) {
    let ProbeJob { endpoint, script, answer } = *job;
    let began_ms = io.now_ms();
    let outcome = timeout(PROBE_MAX, ask_and_look(&io, &endpoint, script)).await;
    let elapsed_ms = io.now_ms().saturating_sub(began_ms);
    let (failure, lines, standing) = match outcome {
        Ok(Asked { failure, lines, standing }) => (failure, lines, standing),
        Err(_) => (Some(too_long()), Vec::new(), None),
    };
    let (reason, detail, tls) = match failure {
        None => (None, String::new(), None),
        Some(Failure { reason, detail, tls, .. }) => (Some(reason), detail, tls),
    };
    answer.give(ProbeOutcome { reason, detail, lines, elapsed_ms, standing, tls });
}

fn too_long() -> Failure {
    let detail = "the probe took too long".into();
    Failure { reason: EndReason::LoginTimeout, detail, is_untouched: false, tls: None }
}

/// Each step has its own deadline; this one is for a script with many of them.
const PROBE_MAX: Duration = Duration::from_secs(60);
