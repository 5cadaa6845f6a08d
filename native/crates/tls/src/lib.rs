//! TLS and clear text behind one trait: what the engine sees of a connection is clear bytes.
//!
//! `side.rs` is the interface; `plain_side.rs` and `tls_side.rs` implement it over any non-blocking socket
//! (`sock.rs`) with buffers lent by the IO thread (`scratch.rs`). `server_setup.rs` and `client_setup.rs`
//! build what a session needs to begin; `ticket_keys.rs` owns the keys of session tickets.
//! Readiness, timers and the meaning of the bytes are left to the engine.

mod certificates;
mod client_setup;
mod fault_words;
mod limits;
mod plain_side;
mod records;
mod scratch;
mod server_setup;
mod side;
mod sni;
mod sock;
mod suites;
mod ticket_keys;
mod tls_side;

pub use client_setup::ClientSetup;
pub use plain_side::PlainSide;
pub use scratch::Scratch;
pub use server_setup::{CertificatePair, ServerSetup, SetupFault};
pub use side::{AnySide, Handshake, ReadOutcome, Side, SideFault, TlsFacts};
pub use sock::Sock;
pub use ticket_keys::{TicketKey, TicketKeyFault, TicketKeys};
pub use tls_side::TlsSide;
