//! What is said of a panic. Rust's own words go to standard error at once, from the thread that broke: where
//! nobody reads that pipe, an IO thread would wait there with all its sessions (F31). Ours go where every
//! fault of the engine goes. The panic's message stays out: it may quote what a client sent (V53).

use std::panic::{PanicHookInfo, set_hook};
use std::sync::Arc;

use postern_engine::engine::Engine;

/// From now on panics of this process are faults of the engine.
pub fn note_panics(engine: &Arc<Engine>) {
    let engine = Arc::clone(engine);
    set_hook(Box::new(move |panic| engine.note_fault(words_of(panic))));
}

fn words_of(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(|place| format!(" in {}, line {}", place.file(), place.line()));
    format!("a panic{}", place.unwrap_or_default())
}
