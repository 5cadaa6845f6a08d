//! The engine as Node sees it: each function converts, calls, converts back. What it means is said here for
//! TypeScript (these comments become native/index.d.ts); what it does is in the engine.
//!
//! A panic must not cross into Node: every function catches it (`catch_unwind`) and throws.

// Nothing here is tested by cargo: without the registration that napi leaves out of tests, all of it looks
// unused.
#![cfg_attr(test, allow(dead_code))]

mod arrays;
mod config;
mod control;
#[cfg(feature = "faults")]
mod faults;
mod panics;
mod probe;
mod worker;

use std::sync::{Arc, OnceLock};

use napi::bindgen_prelude::*;
use postern_engine::engine::Engine;

static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();

fn engine() -> Result<&'static Arc<Engine>> {
    ENGINE.get().ok_or_else(|| Error::from_reason("the engine is not started"))
}

fn fault(words: impl Into<String>) -> Error {
    Error::from_reason(words.into())
}
