//! A side over OpenSSL, for the old profiles. As `tls_side.rs` it owns the session's TLS state and the few
//! bytes that lie between it and the socket; an idle session owns no buffer.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{Error, ErrorCode, NameType, ShutdownState, Ssl, SslStream, SslVersion};
use postern_wire::tls_offer::Profile;
use rustls_pki_types::ServerName;
use zeroize::Zeroizing;

use crate::directions::{Reading, Writing};
use crate::fault_words::OtherEnd;
use crate::limits::{CLEAR_BYTES_MAX, RECORD_CLEAR_BYTES_MAX};
use crate::openssl_bio::Bio;
use crate::openssl_handshake::{Handshaking, certificate_of, demand};
use crate::openssl_setup::{OpensslClient, OpensslRule, OpensslServer};
use crate::openssl_words::fault_of;
use crate::pending::Pending;
use crate::scratch::Scratch;
use crate::side::{Handshake, ReadOutcome, Side, SideFault, TlsFacts};
use crate::sock::{Got, Sock, read_once, write_most};

/// One end of a session under TLS 1.0 to 1.3.
pub struct OpensslSide {
    stream: SslStream<Bio>,
    other: OtherEnd,
    /// Until the handshake is done.
    handshaking: Option<Box<Handshaking>>,
    /// Clear bytes that came in the same read as the end of the handshake.
    unread: Zeroizing<Vec<u8>>,
    pending: Pending,
    /// Clear bytes that OpenSSL takes only when a message of the other end, a ticket in pieces, is whole.
    waiting: Zeroizing<Vec<u8>>,
    reading: Reading,
    writing: Writing,
    is_dead: bool,
}

/// What a step of OpenSSL over some input came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stepped {
    /// All input was taken in.
    More,
    /// It ends with `close_notify`.
    Last,
}

impl OpensslSide {
    /// The server's side of a fresh connection.
    ///
    /// # Errors
    /// OpenSSL is out of memory.
    pub fn server(setup: &OpensslServer) -> Result<Self, SideFault> {
        let mut ssl = Ssl::new(&setup.context).map_err(own_fault)?;
        ssl.set_accept_state();
        Self::new(ssl, OtherEnd::Client, Handshaking::new(Profile::Legacy))
    }

    /// The client's side of a fresh connection to a server; where authorities are trusted, its certificate
    /// must hold `server_name`, a DNS name or an IP address.
    ///
    /// # Errors
    /// A `server_name` that is neither.
    pub fn client(setup: &OpensslClient, server_name: &str) -> Result<Self, SideFault> {
        let Ok(name) = ServerName::try_from(server_name.to_owned()) else {
            return Err(SideFault::Tls(
                "the server's name is neither a DNS name nor an IP address".to_owned(),
            ));
        };
        let mut handshaking = Handshaking::new(setup.profile);
        let mut ssl = Ssl::new(&setup.context).map_err(own_fault)?;
        ssl.set_connect_state();
        if let ServerName::DnsName(name) = &name {
            ssl.set_hostname(name.as_ref()).map_err(own_fault)?;
        }
        match &setup.rule {
            OpensslRule::Authorities => {
                demand(&mut ssl, &name, Arc::clone(&handshaking.doubted)).map_err(own_fault)?;
            }
            OpensslRule::Pins(pins) => handshaking.pins = Some(pins.clone()),
            OpensslRule::Anyone => {}
        }
        handshaking.name = Some(name);
        Self::new(ssl, OtherEnd::Server, handshaking)
    }

    fn new(ssl: Ssl, other: OtherEnd, handshaking: Handshaking) -> Result<Self, SideFault> {
        Ok(Self {
            stream: SslStream::new(ssl, Bio::default()).map_err(own_fault)?,
            other,
            handshaking: Some(Box::new(handshaking)),
            unread: Zeroizing::default(),
            pending: Pending::default(),
            waiting: Zeroizing::default(),
            reading: Reading::Open,
            writing: Writing::Open,
            is_dead: false,
        })
    }

    /// Memory that this side keeps for bytes on their way outside OpenSSL: 0 while a session is idle.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.unread.capacity() + self.waiting.capacity() + self.pending.kept_bytes()
    }

    /// Runs OpenSSL over the first `length` bytes of the input, and sends what it has to say: behind a fault
    /// that is the alert.
    fn run<Answer>(
        &mut self,
        sock: &dyn Sock,
        lent: (&mut Scratch, usize),
        work: impl FnOnce(&mut SslStream<Bio>, &mut [u8]) -> Result<Answer, Error>,
    ) -> Result<Answer, SideFault> {
        let (scratch, length) = lent;
        let mut clear = std::mem::take(&mut scratch.clear);
        clear.resize(RECORD_CLEAR_BYTES_MAX, 0);
        self.stream.get_mut().borrow(scratch, length);
        // The thread's buffers must come back though it panics: all other sessions of the thread need them.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut self.stream, &mut clear)));
        let used = self.stream.get_mut().give_back(scratch);
        scratch.clear = clear;
        let outcome = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        let sent = self.send(sock, scratch.output.get(..used).unwrap_or_default());
        // The other end's fault says more than the socket's that may follow from it.
        let outcome = outcome.map_err(|fault| self.fault(&fault))?;
        sent.map(|()| outcome)
    }

    fn fault(&self, fault: &Error) -> SideFault {
        match &self.handshaking {
            Some(handshaking) => handshaking.fault(fault, self.other, self.stream.ssl()),
            None => fault_of(fault, self.other, (None, Profile::Legacy), None),
        }
    }

    /// To the socket, and what it does not take to `pending`.
    fn send(&mut self, sock: &dyn Sock, bytes: &[u8]) -> Result<(), SideFault> {
        // Behind close_notify nothing may follow (RFC 8446 section 6.1).
        if bytes.is_empty() || self.writing != Writing::Open {
            return Ok(());
        }
        let out = if self.pending.is_empty() { write_most(sock, bytes)? } else { 0 };
        self.pending.append(bytes.get(out..).unwrap_or_default())
    }

    fn shake(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<Handshake, SideFault> {
        let mut length = 0;
        loop {
            if self.handshaking.is_some() {
                self.step(sock, (scratch, length))?;
            }
            if !self.pending.write(sock)? {
                return Ok(Handshake::WantWrite);
            }
            if self.handshaking.is_none() {
                return Ok(Handshake::Done);
            }
            length = match read_once(sock, &mut scratch.input)? {
                Got::Nothing => return Ok(Handshake::WantRead),
                Got::Fin => return Err(SideFault::ClosedInHandshake),
                Got::Bytes(length) => length,
            };
            scratch.touched = scratch.touched.max(length);
            if let Some(handshaking) = &mut self.handshaking {
                handshaking.note(scratch.input.get(..length).unwrap_or_default());
            }
        }
    }

    /// One step of the handshake; where it is the last, also what came behind it.
    fn step(&mut self, sock: &dyn Sock, lent: (&mut Scratch, usize)) -> Result<(), SideFault> {
        let is_server = self.other == OtherEnd::Client;
        let mut unread = std::mem::take(&mut self.unread);
        let stepped = self.run(sock, lent, |stream, clear| {
            let shaken = if is_server { stream.accept() } else { stream.connect() };
            match shaken {
                Ok(()) => drain(stream, clear, &mut |bytes| unread.extend_from_slice(bytes)).map(Some),
                Err(fault) if fault.code() == ErrorCode::WANT_READ => Ok(None),
                Err(fault) => Err(fault),
            }
        });
        self.unread = unread;
        let Some(handshaking) = &self.handshaking else { return Ok(()) };
        let Some(stepped) = stepped? else { return handshaking.check_stranger(self.other) };
        handshaking.judge(self.stream.ssl())?;
        self.handshaking = None;
        if stepped == Stepped::Last {
            self.end(ReadOutcome::Closed);
        }
        Ok(())
    }

    fn end(&mut self, outcome: ReadOutcome) {
        self.reading = Reading::ended(outcome);
    }

    fn check_alive(&self) -> Result<(), SideFault> {
        match self.is_dead {
            true => Err(SideFault::Tls("the session has failed already".to_owned())),
            false => Ok(()),
        }
    }

    /// Reads once and takes in what came.
    fn take_in(
        &mut self,
        sock: &dyn Sock,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Stepped>, SideFault> {
        let length = match read_once(sock, &mut scratch.input)? {
            Got::Nothing => return Ok(None),
            Got::Fin => {
                self.end(ReadOutcome::Truncated);
                return Ok(Some(Stepped::Last));
            }
            Got::Bytes(length) => length,
        };
        scratch.touched = scratch.touched.max(length);
        scratch.clear_is_used = true;
        let stepped = self.run(sock, (scratch, length), |stream, clear| drain(stream, clear, sink))?;
        if stepped == Stepped::Last {
            self.end(ReadOutcome::Closed);
        }
        self.seal_waiting(sock, scratch)?;
        Ok(Some(stepped))
    }

    /// Takes all of `clear`: seals it, or keeps it until that is possible.
    fn seal(&mut self, sock: &dyn Sock, scratch: &mut Scratch, clear: &[u8]) -> Result<(), SideFault> {
        let is_sealed = match self.waiting.is_empty() {
            true => self.try_seal(sock, scratch, clear),
            false => Ok(false),
        };
        let outcome = is_sealed.and_then(|is_sealed| match is_sealed {
            true => Ok(()),
            false if self.waiting.len() + clear.len() > CLEAR_BYTES_MAX => {
                Err(SideFault::Tls("the other end leaves a message of the protocol unfinished".to_owned()))
            }
            false => {
                self.waiting.extend_from_slice(clear);
                Ok(())
            }
        });
        self.is_dead = outcome.is_err();
        outcome
    }

    fn try_seal(&mut self, sock: &dyn Sock, scratch: &mut Scratch, clear: &[u8]) -> Result<bool, SideFault> {
        self.run(sock, (scratch, 0), |stream, _| match stream.ssl_write(clear) {
            Ok(_) => Ok(true),
            Err(fault) if fault.code() == ErrorCode::WANT_READ => Ok(false),
            Err(fault) => Err(fault),
        })
    }

    /// What waited for a message to be whole.
    fn seal_waiting(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<(), SideFault> {
        if self.waiting.is_empty() || self.writing != Writing::Open {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        if !self.try_seal(sock, scratch, &waiting)? {
            self.waiting = waiting;
        }
        Ok(())
    }
}

/// Decrypts all that lies in the input.
fn drain(
    stream: &mut SslStream<Bio>,
    clear: &mut [u8],
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Stepped, Error> {
    loop {
        match stream.ssl_read(clear) {
            Ok(length) => sink(clear.get(..length).unwrap_or_default()),
            Err(fault) if fault.code() == ErrorCode::WANT_READ => return Ok(Stepped::More),
            Err(fault) if fault.code() == ErrorCode::ZERO_RETURN => return Ok(Stepped::Last),
            Err(fault) => return Err(fault),
        }
    }
}

/// Mail programs seldom say `close_notify`: OpenSSL would forget the session of each that does not.
impl Drop for OpensslSide {
    fn drop(&mut self) {
        if !self.is_dead {
            self.stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
        }
    }
}

impl Side for OpensslSide {
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
        let stepped = self.take_in(sock, scratch, &mut |clear| {
            length += clear.len();
            sink(clear);
        });
        self.is_dead = stepped.is_err();
        match stepped? {
            None => Ok(ReadOutcome::WouldBlock),
            Some(Stepped::Last) if length == 0 => self.read(sock, scratch, sink),
            Some(_) => Ok(ReadOutcome::Bytes(length)),
        }
    }

    fn write(&mut self, sock: &dyn Sock, scratch: &mut Scratch, clear: &[u8]) -> Result<usize, SideFault> {
        self.check_alive()?;
        if self.writing != Writing::Open {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        if self.handshaking.is_some() {
            self.is_dead = true;
            return Err(SideFault::Tls("nothing can be sent before the handshake is done".to_owned()));
        }
        let mut taken = 0;
        let mut chunks = clear.chunks(CLEAR_BYTES_MAX);
        let mut may_seal = self.pending.write(sock)?;
        while may_seal && let Some(chunk) = chunks.next() {
            self.seal(sock, scratch, chunk)?;
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
        self.writing.flush(&mut self.pending, sock)
    }

    fn close_write(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<bool, SideFault> {
        if self.writing == Writing::Open {
            // Behind a fault the alert says it all, and before the handshake's end there is nothing to close.
            if !self.is_dead && self.handshaking.is_none() {
                self.seal_waiting(sock, scratch)?;
                // It refuses in the middle of a message of the other end: then FIN has to do.
                self.run(sock, (scratch, 0), |stream, _| {
                    drop(stream.shutdown());
                    Ok(())
                })?;
            }
            self.writing = Writing::Closing;
        }
        self.flush(sock)
    }

    fn peer_certificate(&self) -> Option<Vec<u8>> {
        certificate_of(self.stream.ssl())
    }

    fn facts(&self) -> Option<TlsFacts> {
        if self.handshaking.is_some() {
            return None;
        }
        let ssl = self.stream.ssl();
        let name = match self.other {
            OtherEnd::Client => ssl
                .servername(NameType::HOST_NAME)
                .filter(|name| is_dns_name(name))
                .map(str::to_ascii_lowercase),
            OtherEnd::Server => None,
        };
        Some(TlsFacts {
            version: version_name(ssl.version2()?),
            cipher_suite: ssl.current_cipher()?.standard_name().unwrap_or("unknown"),
            alpn: ssl.selected_alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            sni: name,
            resumed: ssl.session_reused(),
        })
    }
}

/// OpenSSL gives a client's SNI as it came: with spaces, line ends and whatever else (RFC 6066 section 3).
fn is_dns_name(name: &str) -> bool {
    matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_)))
}

fn version_name(version: SslVersion) -> &'static str {
    match version {
        SslVersion::TLS1 => "TLSv1.0",
        SslVersion::TLS1_1 => "TLSv1.1",
        SslVersion::TLS1_2 => "TLSv1.2",
        _ => "TLSv1.3",
    }
}

fn own_fault(fault: ErrorStack) -> SideFault {
    SideFault::Tls(format!("OpenSSL: {fault}"))
}
