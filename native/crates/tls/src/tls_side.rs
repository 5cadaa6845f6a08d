//! A side over rustls: owns the session's TLS state and the few bytes that lie between it and the socket.
//! How rustls is stepped is in `records.rs`; what is agreed on, in `server_setup.rs` and `client_setup.rs`.
//!
//! An idle session owns no buffer: each is replaced by an empty one once it is drained.

use std::io;
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::{CipherSuite, HandshakeKind, ProtocolVersion};
use rustls_pki_types::ServerName;

use zeroize::Zeroizing;

use crate::client_setup::ClientSetup;
use crate::directions::{Reading, Writing};
use crate::fault_words::{OtherEnd, fault_of};
use crate::limits::{CLEAR_BYTES_MAX, STRANGER_BYTES_MAX};
use crate::pending::Pending;
use crate::records::{Connection, Outgoing, Sealing};
use crate::scratch::Scratch;
use crate::server_setup::ServerSetup;
use crate::side::{Handshake, ReadOutcome, Side, SideFault, TlsFacts};
use crate::sni;
use crate::sock::{Got, Sock, read_once, write_most};

/// One end of a session under TLS 1.2 or 1.3.
pub struct TlsSide {
    connection: Connection,
    /// The front of a record that is not whole yet, or of a message spread over records. No whole record
    /// that could still be decrypted lies in it.
    held: Vec<u8>,
    /// Clear bytes that came in the same read as the end of the handshake.
    unread: Zeroizing<Vec<u8>>,
    pending: Pending,
    asked_name: Option<Box<str>>,
    reading: Reading,
    writing: Writing,
    /// A client speaks first; false once its hello is sealed.
    has_hello_to_send: bool,
    /// What lies in `pending` goes out together with what is said next: nobody waits for it alone. So session
    /// tickets cost no segment of their own, nor does `close_notify` before a FIN.
    holds_back: bool,
    is_dead: bool,
}

impl TlsSide {
    /// The server's side of a fresh connection.
    ///
    /// # Errors
    /// A setup that rustls does not take; `ServerSetup::build` has already refused those.
    pub fn server(setup: &ServerSetup) -> Result<Self, SideFault> {
        let connection = UnbufferedServerConnection::new(Arc::clone(&setup.config));
        let connection = connection.map_err(|error| fault_of(&error, OtherEnd::Client, true))?;
        Ok(Self::new(Connection::Server(connection)))
    }

    /// The client's side of a fresh connection to a server whose certificate must hold `server_name`, a DNS
    /// name or an IP address.
    ///
    /// # Errors
    /// A `server_name` that is neither.
    pub fn client(setup: &ClientSetup, server_name: &str) -> Result<Self, SideFault> {
        let Ok(name) = ServerName::try_from(server_name.to_owned()) else {
            return Err(SideFault::Tls(
                "the server's name is neither a DNS name nor an IP address".to_owned(),
            ));
        };
        let connection = UnbufferedClientConnection::new(Arc::clone(&setup.config), name);
        let connection = connection.map_err(|error| fault_of(&error, OtherEnd::Server, true))?;
        Ok(Self::new(Connection::Client(connection)))
    }

    /// Memory that this side keeps for bytes on their way, in either direction: 0 while a session is idle.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.held.capacity() + self.unread.capacity() + self.pending.kept_bytes()
    }

    fn new(connection: Connection) -> Self {
        Self {
            has_hello_to_send: matches!(connection, Connection::Client(_)),
            connection,
            held: Vec::new(),
            unread: Zeroizing::default(),
            pending: Pending::default(),
            asked_name: None,
            reading: Reading::Open,
            writing: Writing::Open,
            holds_back: false,
            is_dead: false,
        }
    }

    /// Reads once and takes in what came. `None`: the socket has nothing.
    fn take_in(
        &mut self,
        sock: &dyn Sock,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Taken>, SideFault> {
        let front = self.held.len();
        let Some(room) = scratch.input.get_mut(front..).filter(|room| !room.is_empty()) else {
            return Err(SideFault::Tls("a handshake message is larger than 64 KiB".to_owned()));
        };
        let length = match read_once(sock, room)? {
            Got::Nothing => return Ok(None),
            Got::Fin => return Ok(Some(Taken::Fin)),
            Got::Bytes(length) => length,
        };
        scratch.touched = scratch.touched.max(front + length);
        let input = scratch.input.get_mut(..front + length).unwrap_or_default();
        if let Some(start) = input.get_mut(..front) {
            start.copy_from_slice(&self.held);
        }
        let mut out = Outgoing::new(&mut scratch.output);
        let was_handshaking = self.connection.state().is_handshaking();
        let advance = self.connection.advance(input, &mut out, sink);
        self.holds_back |= was_handshaking && advance.is_ok() && self.has_only_tickets_to_send();
        if let Some(name) = sni::take() {
            self.asked_name = Some(name);
        }
        let sent = self.send(sock, out.bytes());
        // The other end's fault says more than the socket's that may follow from it.
        let advance = match advance {
            Err(fault) if was_handshaking => return Err(fault.seen_in(input)),
            advance => advance?,
        };
        sent?;
        self.keep(input.get(advance.consumed..).unwrap_or_default())?;
        Ok(Some(if advance.is_closed { Taken::Last } else { Taken::Some }))
    }

    /// Keeps what must be given to rustls again.
    fn keep(&mut self, rest: &[u8]) -> Result<(), SideFault> {
        if self.is_stranger() && rest.len() > STRANGER_BYTES_MAX {
            return Err(SideFault::Tls("the client's handshake message is too large".to_owned()));
        }
        self.held = rest.to_vec();
        Ok(())
    }

    /// In TLS 1.3 a server has nothing to say once the client's Finished is there, but tickets (RFC 8446
    /// section 4.6.1).
    fn has_only_tickets_to_send(&self) -> bool {
        let state = self.connection.state();
        matches!(self.connection, Connection::Server(_))
            && !state.is_handshaking()
            && state.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    fn is_stranger(&self) -> bool {
        matches!(self.connection, Connection::Server(_)) && self.connection.state().is_handshaking()
    }

    /// To the socket, and what it does not take to `pending`.
    fn send(&mut self, sock: &dyn Sock, bytes: &[u8]) -> Result<(), SideFault> {
        // Behind close_notify nothing may follow (RFC 8446 section 6.1).
        if bytes.is_empty() || self.writing != Writing::Open {
            return Ok(());
        }
        let is_next = self.pending.is_empty() && !self.holds_back;
        let out = if is_next { write_most(sock, bytes)? } else { 0 };
        self.pending.append(bytes.get(out..).unwrap_or_default())
    }

    fn seal(
        &mut self,
        scratch: &mut Scratch,
        sealing: Sealing<'_>,
        sock: &dyn Sock,
    ) -> Result<(), SideFault> {
        let mut out = Outgoing::new(&mut scratch.output);
        let advance = self.connection.seal(&mut self.held, sealing, &mut out);
        self.is_dead = advance.is_err();
        let advance = advance?;
        if advance.is_closed {
            self.reading = Reading::Ended { outcome: ReadOutcome::Closed, is_told: false };
        }
        if advance.consumed > 0 {
            self.held = self.held.split_off(advance.consumed.min(self.held.len()));
        }
        self.send(sock, out.bytes())
    }

    fn check_alive(&self) -> Result<(), SideFault> {
        match self.is_dead {
            true => Err(SideFault::Tls("the session has failed already".to_owned())),
            false => Ok(()),
        }
    }

    fn shake(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<Handshake, SideFault> {
        if std::mem::take(&mut self.has_hello_to_send) {
            let mut out = Outgoing::new(&mut scratch.output);
            self.connection.advance(&mut [], &mut out, &mut |_| {})?;
            self.send(sock, out.bytes())?;
        }
        loop {
            if !self.holds_back && !self.pending.write(sock)? {
                return Ok(Handshake::WantWrite);
            }
            if !self.connection.state().is_handshaking() {
                return Ok(Handshake::Done);
            }
            let mut unread = std::mem::take(&mut self.unread);
            let taken = self.take_in(sock, scratch, &mut |clear| unread.extend_from_slice(clear));
            self.unread = unread;
            match taken? {
                None => return Ok(Handshake::WantRead),
                Some(Taken::Some) => {}
                Some(Taken::Last) if !self.connection.state().is_handshaking() => {
                    self.end(ReadOutcome::Closed)
                }
                Some(Taken::Last | Taken::Fin) => return Err(SideFault::ClosedInHandshake),
            }
        }
    }

    fn end(&mut self, outcome: ReadOutcome) {
        self.held = Vec::new();
        self.reading = Reading::ended(outcome);
    }
}

enum Taken {
    Some,
    /// These bytes end with `close_notify`.
    Last,
    Fin,
}

impl Side for TlsSide {
    fn handshake(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<Handshake, SideFault> {
        self.check_alive()?;
        let outcome = self.shake(sock, scratch);
        self.is_dead = outcome.is_err();
        outcome
    }

    fn read(
        &mut self,
        sock: &dyn Sock,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<ReadOutcome, SideFault> {
        if !self.unread.is_empty() {
            let unread = std::mem::take(&mut self.unread);
            sink(&unread);
            return Ok(ReadOutcome::Bytes(unread.len()));
        }
        self.check_alive()?;
        if let Some(outcome) = self.reading.tell_end() {
            return Ok(outcome);
        }
        let mut length = 0;
        let taken = self.take_in(sock, scratch, &mut |clear| {
            length += clear.len();
            sink(clear);
        });
        self.is_dead = taken.is_err();
        match taken? {
            None => return Ok(ReadOutcome::WouldBlock),
            Some(Taken::Some) => return Ok(ReadOutcome::Bytes(length)),
            Some(Taken::Last) => self.end(ReadOutcome::Closed),
            Some(Taken::Fin) => self.end(ReadOutcome::Truncated),
        }
        match length {
            0 => self.read(sock, scratch, sink),
            _ => Ok(ReadOutcome::Bytes(length)),
        }
    }

    fn write(&mut self, sock: &dyn Sock, scratch: &mut Scratch, clear: &[u8]) -> Result<usize, SideFault> {
        self.check_alive()?;
        if self.writing != Writing::Open {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let mut taken = 0;
        let mut chunks = clear.chunks(CLEAR_BYTES_MAX);
        let held_back = std::mem::take(&mut self.holds_back);
        let mut may_seal = held_back || self.pending.write(sock)?;
        while may_seal && let Some(chunk) = chunks.next() {
            self.seal(scratch, Sealing::Clear(chunk), sock)?;
            taken += chunk.len();
            may_seal = self.pending.write(sock)?;
        }
        Ok(taken)
    }

    fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn has_unread(&self) -> bool {
        !self.unread.is_empty() || self.reading.has_untold_end()
    }

    fn flush(&mut self, sock: &dyn Sock) -> Result<bool, SideFault> {
        self.holds_back = false;
        self.writing.flush(&mut self.pending, sock)
    }

    fn close_write(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<bool, SideFault> {
        if self.writing == Writing::Open {
            // Behind a fault the alert says it all, and before the handshake's end there is nothing to close.
            if !self.is_dead && !self.connection.state().is_handshaking() {
                self.holds_back = true;
                self.seal(scratch, Sealing::CloseNotify, sock)?;
            }
            self.writing = Writing::Closing;
        }
        self.flush(sock)
    }

    fn facts(&self) -> Option<TlsFacts> {
        let state = self.connection.state();
        if state.is_handshaking() {
            return None;
        }
        Some(TlsFacts {
            version: match state.protocol_version()? {
                ProtocolVersion::TLSv1_3 => "TLSv1.3",
                _ => "TLSv1.2",
            },
            cipher_suite: suite_name(state.negotiated_cipher_suite()?.suite()),
            alpn: state.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            sni: self.asked_name.as_deref().map(str::to_owned),
            resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }

    fn peer_certificate(&self) -> Option<Vec<u8>> {
        Some(self.connection.state().peer_certificates()?.first()?.to_vec())
    }
}

/// rustls has its own names for the suites of TLS 1.3.
fn suite_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        _ => suite.as_str().unwrap_or("unknown"),
    }
}
