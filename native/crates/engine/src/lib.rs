//! The engine: owns every socket, does TLS, frames the preamble for the workers, dials servers, plays
//! handoff scripts, and carries all bytes after that. It decides nothing about mail: TypeScript decides,
//! Rust carries.
//!
//! Read `session` first, then `preamble`, `handoff`, `splice`; `io_thread` is what they run on, `engine`
//! what all threads share, `commands` and `worker_link` the border to the workers.

pub mod addresses;
pub mod clock;
pub mod commands;
pub mod config;
pub mod counters;
pub mod end_reason;
pub mod ends;
pub mod engine;
pub mod goodbye;
pub mod handoff;
mod handshake_turns;
pub mod inbox;
pub mod io_thread;
pub mod listener;
pub mod logins;
pub mod look;
pub mod net;
pub mod placement;
mod preamble;
pub mod probe;
mod proxied;
pub mod selection;
pub mod session;
pub mod slot;
pub mod source_addresses;
mod splice;
pub mod trusted_proxies;
mod wheel;
pub mod worker_link;

pub use postern_queue::session_id::THREADS_MAX as IO_THREADS_MAX;
pub use postern_tls::{CertificatePair, HAS_OPENSSL, Offer, Pin, Profile, ShownCertificate, Trust, Visiting};
pub use postern_wire::proxy_header::Version as ProxyVersion;
pub use postern_wire::script;
