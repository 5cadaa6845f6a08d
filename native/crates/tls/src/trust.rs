//! Whom we believe at the other end of a connection to a server, and how a certificate is told from others.

use aws_lc_rs::digest::{SHA256, digest};

/// What makes a server's certificate good enough. That the server has the certificate's key is proven by the
/// handshake in any case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Issued by one of these, as PEM text, and for the name that was dialled. A server's self-signed
    /// certificate may stand there itself.
    Authorities(String),
    /// One of these, whatever it says.
    Pins(Vec<Pin>),
    /// Any: who can answer in the server's place can read all.
    Anyone,
}

/// The SHA-256 of a whole certificate (DER).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut pin = [0; 32];
        for (byte, at) in pin.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
        }
        Some(Self(pin))
    }

    /// Of a certificate as it goes over the wire.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(digest(&SHA256, certificate).as_ref().first_chunk().copied().unwrap_or_default())
    }
}

/// 64 hexadecimal digits in lower case.
impl std::fmt::Display for Pin {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
    }
}
