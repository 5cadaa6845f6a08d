//! TLS and clear text behind one trait: what the engine sees of a connection is clear bytes.
//!
//! `side.rs` is the interface; `plain_side.rs` and `tls_side.rs` implement it over any non-blocking socket
//! (`sock.rs`) with buffers lent by the IO thread (`scratch.rs`). `server_setup.rs` and `client_setup.rs`
//! build what a session needs to begin; `ticket_keys.rs` owns the keys of session tickets.
//! `profile.rs` chooses between the modern profile and the old ones, which are OpenSSL's: built in by the
//! feature `openssl`, they cost a session of the modern profile nothing.
//! Readiness, timers and the meaning of the bytes are left to the engine.

mod certificates;
mod client_setup;
mod directions;
mod fault_words;
mod limits;
mod look_side;
#[cfg(feature = "openssl")]
mod openssl_bio;
#[cfg(feature = "openssl")]
mod openssl_handshake;
#[cfg(feature = "openssl")]
mod openssl_setup;
#[cfg(feature = "openssl")]
mod openssl_side;
#[cfg(feature = "openssl")]
mod openssl_words;
mod pending;
mod plain_side;
mod profile;
mod records;
mod scratch;
mod server_setup;
mod shown;
mod side;
mod sni;
mod sock;
mod suites;
mod ticket_keys;
mod tls_side;
mod trust;
mod verifier;

pub use client_setup::ClientSetup;
pub use look_side::LookSide;
#[cfg(feature = "openssl")]
pub use openssl_setup::{OpensslClient, OpensslServer};
#[cfg(feature = "openssl")]
pub use openssl_side::OpensslSide;
pub use plain_side::PlainSide;
pub use postern_wire::tls_offer::{Offer, Profile};
pub use profile::{HAS_OPENSSL, Hosting, Visiting};
pub use scratch::Scratch;
pub use server_setup::{CertificatePair, ServerSetup, SetupFault};
pub use shown::ShownCertificate;
pub use side::{AnySide, Handshake, ReadOutcome, Side, SideFault, TlsFacts};
pub use sock::Sock;
pub use ticket_keys::{TicketKey, TicketKeyFault, TicketKeys};
pub use tls_side::TlsSide;
pub use trust::{Pin, Trust};
