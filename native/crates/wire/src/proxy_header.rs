//! Reads and writes the PROXY protocol, versions 1 and 2: the true client's address, which a trusted load
//! balancer puts before the first byte of a connection, and which we put before the first byte to a server.
//!
//! Pure. That there must be a header, from whom it is believed and how long it may take, the engine decides:
//! the specification forbids to guess, so nothing here says "no header, go on". Which version it is shows in
//! its first bytes. Source: HAProxy, doc/proxy-protocol.txt, section 2.

mod checksum;
mod v1;
mod v2;
mod writing;

use std::net::SocketAddr;

pub use writing::{Introduction, TlsFacts, Version, write_header, write_own_header};

/// What the first bytes of a connection amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All of them belong to the header, and it is not whole.
    Incomplete,
    /// A whole header; the client's own bytes begin at `length`. `length <= HEADER_BYTES_MAX`
    Header { client: Client, length: usize },
    /// No header that is taken. The connection ends: its sender is misconfigured, or not who we think.
    Refused(Refusal),
}

/// Who is at the other end of the load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The addresses that the load balancer saw: the client's, and the one that it connected to.
    Forwarded { from: SocketAddr, to: SocketAddr },
    /// The load balancer itself (its health check), or a client that has no TCP address: the connection's
    /// own addresses count.
    Local,
}

/// Why a header is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NoSignature,
    LineTooLong,
    LineEnd,
    Family,
    Address,
    Port,
    Version(u8),
    Command(u8),
    FamilyCode(u8),
    TooLong(u16),
    AddressCutShort,
    Extension,
    Checksum,
}

/// Decides what `bytes`, the first of a connection, amount to.
#[must_use]
pub fn parse(bytes: &[u8]) -> Verdict {
    if begins_like(bytes, v1::SIGNATURE) {
        v1::parse(bytes)
    } else if begins_like(bytes, v2::SIGNATURE) {
        v2::parse(bytes)
    } else {
        Verdict::Refused(Refusal::NoSignature)
    }
}

/// The bytes may still become the signature, or hold it.
fn begins_like(bytes: &[u8], signature: &[u8]) -> bool {
    let shown = bytes.len().min(signature.len());
    bytes.get(..shown) == signature.get(..shown)
}

/// An IPv4 client of a load balancer that listens on IPv6 is still the IPv4 client.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

impl std::fmt::Display for Refusal {
    /// For the log, and so without a byte of the sender's.
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSignature => to.write_str("the first bytes are no PROXY header"),
            Self::LineTooLong => write!(to, "a version 1 line of more than {} bytes", v1::LINE_BYTES_MAX),
            Self::LineEnd => to.write_str("a version 1 line that does not end in CRLF"),
            Self::Family => to.write_str("a version 1 line that is none of TCP4, TCP6 and UNKNOWN"),
            Self::Address => to.write_str("a version 1 line with an address that is none of its family"),
            Self::Port => to.write_str("a version 1 line with a port that is none"),
            Self::Version(version) => write!(to, "version {version} behind the signature of version 2"),
            Self::Command(command) => write!(to, "a version 2 header with the unknown command {command}"),
            Self::FamilyCode(code) => write!(to, "a version 2 header of the unknown family {code:#04x}"),
            Self::TooLong(length) => {
                write!(to, "a version 2 header announces {length} bytes, and {HEADER_BYTES_MAX} are taken")
            }
            Self::AddressCutShort => to.write_str("a version 2 header without room for its addresses"),
            Self::Extension => to.write_str("a version 2 header with extensions (TLVs) of a wrong length"),
            Self::Checksum => to.write_str("a version 2 header whose checksum is wrong"),
        }
    }
}

/// The specification promises that 536 bytes are enough for the addresses; names of certificates, tickets and
/// a cloud's own extensions come on top. A page holds them, and no stranger's connection more memory.
pub const HEADER_BYTES_MAX: usize = 4096;
