//! Ciphertext that the socket has not taken yet.

use std::io;

use crate::limits::{FLIGHT_BYTES_MAX, OUTPUT_BYTES};
use crate::side::SideFault;
use crate::sock::{Sock, write_last, write_most};

/// `bytes[written..]` waits; `written < bytes.len()` or both are 0.
#[derive(Default)]
pub(crate) struct Pending {
    bytes: Vec<u8>,
    written: usize,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), SideFault> {
        if self.bytes.len() + bytes.len() > FLIGHT_BYTES_MAX + OUTPUT_BYTES {
            return Err(SideFault::Tls("the other end asks for answers and does not read them".to_owned()));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// True once all is out.
    pub(crate) fn write(&mut self, sock: &dyn Sock) -> Result<bool, SideFault> {
        self.write_by(|rest| write_most(sock, rest))
    }

    /// As `write`, where a FIN follows at once.
    pub(crate) fn write_last(&mut self, sock: &dyn Sock) -> Result<bool, SideFault> {
        self.write_by(|rest| write_last(sock, rest))
    }

    fn write_by(&mut self, write: impl FnOnce(&[u8]) -> io::Result<usize>) -> Result<bool, SideFault> {
        self.written += write(self.bytes.get(self.written..).unwrap_or_default())?;
        if self.written < self.bytes.len() {
            return Ok(false);
        }
        *self = Self::default();
        Ok(true)
    }
}
