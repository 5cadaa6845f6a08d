//! What carries work between the IO threads and the workers: session ids, and the queue of events that a
//! worker drains in batches. No sockets, no clock: moments are arguments.
//!
//! Read `session_id`, then `worker_queue`.

pub mod session_id;
pub mod worker_queue;
