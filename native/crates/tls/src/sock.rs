//! The socket as this crate needs it: three non-blocking calls. Waiting for readiness is left to the engine.

use std::io;

/// A non-blocking socket. `WouldBlock` means: wait for readiness outside, then call again.
pub trait Sock {
    /// Reads what is there; 0 is the other end's FIN.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; anything else ends the session.
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize>;
    /// Writes a prefix of `from` and says how long it was.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room; anything else ends the session.
    fn try_write(&self, from: &[u8]) -> io::Result<usize>;
    /// As `try_write`, of the last bytes before a FIN that follows at once: they may wait for it, so that
    /// both go out in one segment.
    ///
    /// # Errors
    /// As `try_write`.
    fn try_write_last(&self, from: &[u8]) -> io::Result<usize> {
        self.try_write(from)
    }
    /// Sends FIN behind what was written; reading goes on.
    ///
    /// # Errors
    /// What the system says.
    fn shutdown_write(&self) -> io::Result<()>;
}

/// One read, with the two outcomes that a caller branches on apart from real faults.
pub(crate) enum Got {
    Bytes(usize),
    Fin,
    Nothing,
}

pub(crate) fn read_once(sock: &dyn Sock, into: &mut [u8]) -> io::Result<Got> {
    loop {
        return match sock.try_read(into) {
            Ok(0) => Ok(Got::Fin),
            Ok(length) => Ok(Got::Bytes(length)),
            Err(fault) => match fault.kind() {
                io::ErrorKind::Interrupted => continue,
                io::ErrorKind::WouldBlock => Ok(Got::Nothing),
                _ => Err(fault),
            },
        };
    }
}

/// Writes until all is out or the socket is full; gives how many bytes went out.
pub(crate) fn write_most(sock: &dyn Sock, from: &[u8]) -> io::Result<usize> {
    write_by(from, |rest| sock.try_write(rest))
}

/// As `write_most`, where a FIN follows at once.
pub(crate) fn write_last(sock: &dyn Sock, from: &[u8]) -> io::Result<usize> {
    write_by(from, |rest| sock.try_write_last(rest))
}

fn write_by(from: &[u8], mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
    let mut out = 0;
    while let Some(rest) = from.get(out..).filter(|rest| !rest.is_empty()) {
        match write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => out += length,
            Err(fault) => match fault.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => break,
                _ => return Err(fault),
            },
        }
    }
    Ok(out)
}

/// FIN; a connection that the other end has reset in the meantime needs none.
pub(crate) fn send_fin(sock: &dyn Sock) -> io::Result<()> {
    match sock.shutdown_write() {
        Err(fault) if fault.kind() == io::ErrorKind::NotConnected => Ok(()),
        outcome => outcome,
    }
}
