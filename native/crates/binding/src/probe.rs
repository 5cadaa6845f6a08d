//! Probes: one question of the main thread to a server.

use napi::bindgen_prelude::*;
use napi_derive::napi;
use postern_engine::end_reason::EndReason;
use postern_engine::handoff::Standing;
use postern_engine::probe::{ProbeAnswer, ProbeJob};
use postern_engine::script::Script;

use crate::config::EngineEndpoint;
use crate::control::{later, settle};
use crate::{engine, fault};

#[napi(object, object_to_js = false)]
pub struct ProbeRequest {
    pub endpoint: EngineEndpoint,
    /// As encodeScript writes it.
    pub script: Uint8Array,
}

#[napi(object)]
pub struct ProbeOutcome {
    /// 0: every step was accepted. Else the code of an end reason.
    pub reason: u32,
    /// What went wrong, in words.
    pub detail: String,
    /// The lines that the script kept, until something went wrong.
    pub lines: Vec<String>,
    pub elapsed_ms: i64,
    /// Where there was a connection that stood.
    pub standing: Option<ProbeStanding>,
}

/// How a probe's connection stood when its script ended.
#[napi(object)]
pub struct ProbeStanding {
    /// The gateway's address on it.
    pub local_address: String,
    /// Empty while it is clear, as the next one.
    pub tls_version: String,
    pub cipher_suite: String,
    /// The server's own, DER.
    pub certificate: Option<Uint8Array>,
}

impl From<Standing> for ProbeStanding {
    fn from(standing: Standing) -> Self {
        let tls = standing.tls.as_ref();
        Self {
            local_address: standing.local.map(|local| local.ip().to_string()).unwrap_or_default(),
            tls_version: tls.map(|tls| tls.version.to_owned()).unwrap_or_default(),
            cipher_suite: tls.map(|tls| tls.cipher_suite.to_owned()).unwrap_or_default(),
            certificate: standing.certificate.map(Uint8Array::from),
        }
    }
}

/// Plays a handoff script without a client. Rejects only when the request is malformed.
#[napi(catch_unwind, ts_return_type = "Promise<ProbeOutcome>")]
pub fn probe(env: &Env, request: ProbeRequest) -> Result<Object<'_>> {
    let engine = engine()?;
    let endpoint = request.endpoint.into_engine(engine)?;
    let script = Script::decode(&request.script).map_err(|words| fault(words.to_string()))?;
    let (deferred, promise) = later(env)?;
    let answer = move |outcome: postern_engine::probe::ProbeOutcome| {
        let outcome = ProbeOutcome {
            reason: outcome.reason.map_or(0, EndReason::code),
            detail: outcome.detail,
            lines: outcome.lines,
            elapsed_ms: outcome.elapsed_ms as i64,
            standing: outcome.standing.map(ProbeStanding::from),
        };
        settle(deferred, Ok(outcome));
    };
    engine.probe(ProbeJob { endpoint, script, answer: ProbeAnswer::new(answer) });
    Ok(promise)
}
