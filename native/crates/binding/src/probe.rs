//! Probes: what a monitor may ask a server, and what came of it.

use napi::bindgen_prelude::*;
use napi_derive::napi;
use postern_engine::end_reason::EndReason;
use postern_engine::handoff::Standing;
use postern_engine::look::TlsTrouble;
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
    /// What the server offers, where no TLS was in common with the endpoint's profile and it said so.
    pub offer: Option<TlsOffer>,
    /// What the server showed, where it is not believed.
    pub certificate: Option<ShownCertificate>,
    /// Where there was a connection that stood.
    pub standing: Option<ProbeStanding>,
}

#[napi(object)]
pub struct TlsOffer {
    /// `TLS 1.0`.
    pub version: String,
    /// As OpenSSL names it: `AES128-SHA`.
    pub suite: String,
    /// The strictest profile that would connect; absent where none would.
    #[napi(ts_type = "'modern' | 'compatible' | 'legacy'")]
    pub profile: Option<String>,
}

#[napi(object)]
pub struct ShownCertificate {
    /// 64 hexadecimal digits.
    pub sha256: String,
    pub names: Vec<String>,
    /// Who issued it; empty where that cannot be read.
    pub issuer: String,
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
        let (offer, certificate) = tls_trouble(outcome.tls);
        let outcome = ProbeOutcome {
            reason: outcome.reason.map_or(0, EndReason::code),
            detail: outcome.detail,
            lines: outcome.lines,
            elapsed_ms: outcome.elapsed_ms as i64,
            offer,
            certificate,
            standing: outcome.standing.map(ProbeStanding::from),
        };
        settle(deferred, Ok(outcome));
    };
    engine.probe(ProbeJob { endpoint, script, answer: ProbeAnswer::new(answer) });
    Ok(promise)
}

fn tls_trouble(trouble: Option<TlsTrouble>) -> (Option<TlsOffer>, Option<ShownCertificate>) {
    match trouble {
        None | Some(TlsTrouble::Incompatible(None)) => (None, None),
        Some(TlsTrouble::Incompatible(Some(offer))) => {
            let profile = offer.profile().map(|profile| profile.name().to_owned());
            let (version, suite) = (offer.version_name(), offer.suite_name());
            (Some(TlsOffer { version, suite, profile }), None)
        }
        Some(TlsTrouble::Untrusted(shown)) => {
            let postern_engine::ShownCertificate { sha256, names, issuer } = *shown;
            (None, Some(ShownCertificate { sha256, names, issuer }))
        }
    }
}

/// Whether this build has the TLS profiles `compatible` and `legacy`.
#[napi(catch_unwind)]
pub fn has_openssl() -> bool {
    postern_engine::HAS_OPENSSL
}
