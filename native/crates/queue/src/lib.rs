//! What carries work between threads: session ids, the records of a worker's arrays, the queue of events that
//! it drains in batches, the inbox of an IO thread, and what waits for the main thread. No sockets, no clock:
//! moments are arguments.
//!
//! Read `session_id`, then `records`, `worker_queue`, `inbox` and `batch_queue`. `tests/loom.rs` runs every
//! interleaving of them.

pub mod batch_queue;
pub mod inbox;
pub mod records;
pub mod session_id;
mod sync;
pub mod worker_queue;
