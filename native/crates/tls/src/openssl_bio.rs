//! What lies between OpenSSL and the socket: the buffers of the IO thread, lent for one call. OpenSSL reads
//! what was read from the socket, and writes what is to be sent; it never waits and never sees the socket.

use std::io::{self, Read, Write};

use crate::limits::FLIGHT_BYTES_MAX;
use crate::scratch::Scratch;

/// Empty but for the length of a call. `input[at..end]` is to be read, `output[..used]` to be sent.
#[derive(Default)]
pub(crate) struct Bio {
    input: Vec<u8>,
    at: usize,
    end: usize,
    output: Vec<u8>,
    used: usize,
}

impl Bio {
    /// Takes the thread's buffers; the first `length` bytes of the input came from the socket.
    pub(crate) fn borrow(&mut self, scratch: &mut Scratch, length: usize) {
        *self = Self {
            input: std::mem::take(&mut scratch.input),
            at: 0,
            end: length,
            output: std::mem::take(&mut scratch.output),
            used: 0,
        };
    }

    /// Gives them back; of the output the first so many bytes are to be sent.
    pub(crate) fn give_back(&mut self, scratch: &mut Scratch) -> usize {
        let Self { input, output, used, .. } = std::mem::take(self);
        (scratch.input, scratch.output) = (input, output);
        used
    }
}

impl Read for Bio {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.input.get(self.at..self.end).unwrap_or_default();
        let length = rest.len().min(into.len());
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = rest.get(..length).unwrap_or_default();
        into.get_mut(..length).unwrap_or_default().copy_from_slice(taken);
        self.at += length;
        Ok(length)
    }
}

impl Write for Bio {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let end = self.used + from.len();
        if end > FLIGHT_BYTES_MAX {
            return Err(io::Error::other("more than 256 KiB in one flight"));
        }
        if end > self.output.len() {
            self.output.resize(end, 0);
        }
        self.output.get_mut(self.used..end).unwrap_or_default().copy_from_slice(from);
        self.used = end;
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
