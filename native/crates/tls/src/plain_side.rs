//! A side without TLS: the socket's bytes are the clear bytes. It keeps nothing.

use std::io;

use crate::scratch::Scratch;
use crate::side::{Handshake, ReadOutcome, Side, SideFault, TlsFacts};
use crate::sock::{Got, Sock, read_once, send_fin, write_most};

/// One end of a session in clear text. After STARTTLS it is dropped for a fresh `TlsSide`: no byte read here
/// can be taken for one read there.
#[derive(Debug, Default)]
pub struct PlainSide {
    write_closed: bool,
}

impl PlainSide {
    /// A side over a connected socket.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Side for PlainSide {
    fn handshake(&mut self, _: &dyn Sock, _: &mut Scratch) -> Result<Handshake, SideFault> {
        Ok(Handshake::Done)
    }

    fn read(
        &mut self,
        sock: &dyn Sock,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<ReadOutcome, SideFault> {
        match read_once(sock, &mut scratch.input)? {
            Got::Nothing => Ok(ReadOutcome::WouldBlock),
            Got::Fin => Ok(ReadOutcome::Closed),
            Got::Bytes(length) => {
                scratch.touched = scratch.touched.max(length);
                sink(scratch.input.get(..length).unwrap_or_default());
                Ok(ReadOutcome::Bytes(length))
            }
        }
    }

    fn write(&mut self, sock: &dyn Sock, _: &mut Scratch, clear: &[u8]) -> Result<usize, SideFault> {
        if self.write_closed {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        Ok(write_most(sock, clear)?)
    }

    fn has_pending(&self) -> bool {
        false
    }

    fn has_unread(&self) -> bool {
        false
    }

    fn flush(&mut self, _: &dyn Sock) -> Result<bool, SideFault> {
        Ok(true)
    }

    fn close_write(&mut self, sock: &dyn Sock, _: &mut Scratch) -> Result<bool, SideFault> {
        if !self.write_closed {
            send_fin(sock)?;
            self.write_closed = true;
        }
        Ok(true)
    }

    fn facts(&self) -> Option<TlsFacts> {
        None
    }
}
