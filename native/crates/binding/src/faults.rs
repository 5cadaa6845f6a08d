//! What tests provoke in a running gateway. In no product build: only tests ask for the feature `faults`.

use napi::bindgen_prelude::*;
use napi_derive::napi;
use postern_engine::commands::OP_PANIC;

use crate::{engine, fault};

/// The session's task panics at the next command that it takes, which is this one.
#[napi(catch_unwind)]
pub fn provoke_panic(session_id: i64) -> Result<()> {
    engine()?.submit(&[OP_PANIC, session_id as u32, (session_id >> 32) as u32, 0, 0], &[]).map_err(fault)
}
