//! A probe: a handoff script played without a client. The monitors ask for it; trouble is an answer, too.

use std::rc::Rc;
use std::time::Duration;

use postern_wire::script::Script;
use tokio::time::timeout;

use crate::config::Endpoint;
use crate::end_reason::EndReason;
use crate::handoff::{Failure, ask};
use crate::io_thread::Io;

pub struct ProbeJob {
    pub endpoint: Endpoint,
    pub script: Script,
    pub answer: Box<dyn FnOnce(ProbeOutcome) + Send>,
}

#[derive(Debug)]
pub struct ProbeOutcome {
    /// `None`: every step was accepted.
    pub reason: Option<EndReason>,
    pub detail: String,
    pub lines: Vec<String>,
    pub elapsed_ms: u64,
}

pub async fn run(io: Rc<Io>, job: Box<ProbeJob>) {
    let ProbeJob { endpoint, script, answer } = *job;
    let began_ms = io.now_ms();
    let outcome = timeout(PROBE_MAX, ask(&io, &endpoint, script)).await;
    let elapsed_ms = io.now_ms().saturating_sub(began_ms);
    let (reason, detail, lines) = match outcome {
        Ok((None, lines)) => (None, String::new(), lines),
        Ok((Some(Failure { reason, detail, .. }), lines)) => (Some(reason), detail, lines),
        Err(_) => (Some(EndReason::LoginTimeout), "the probe took too long".into(), Vec::new()),
    };
    answer(ProbeOutcome { reason, detail, lines, elapsed_ms });
}

/// Each step has its own deadline; this one is for a script with many of them.
const PROBE_MAX: Duration = Duration::from_secs(60);
