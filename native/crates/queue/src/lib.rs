//! What carries work between threads: session ids, the queue of events that a worker drains in batches, the
//! inbox of an IO thread, and the records that wait for the main thread. No sockets, no clock: moments are
//! arguments.
//!
//! Read `session_id`, then `worker_queue`, `inbox` and `batch_queue`. `tests/loom.rs` runs every interleaving
//! of them.

pub mod batch_queue;
pub mod inbox;
pub mod session_id;
mod sync;
pub mod worker_queue;
