//! What the pins share between threads: std's, or loom's where `tests/loom.rs` runs every interleaving of
//! them (`--cfg loom`).

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};
