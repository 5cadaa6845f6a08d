//! A look at what TLS a server offers: says the most lenient hello, and ends with the first words of the
//! answer. No session comes of it, and nothing but the hello is sent.

use std::io;

use postern_wire::tls_hello::{Answer, asking_hello, read_answer};
use rustls_pki_types::ServerName;

use crate::fault_words::{OtherEnd, alert_fault, foreign_words};
use crate::limits::ANSWER_BYTES_MAX;
use crate::pending::Pending;
use crate::scratch::Scratch;
use crate::side::{Handshake, ReadOutcome, Side, SideFault, TlsFacts};
use crate::sock::{Got, Sock, read_once};

/// A question to one server.
pub struct LookSide {
    pending: Pending,
    answer: Vec<u8>,
}

impl LookSide {
    /// `name` goes out as SNI where it is a DNS name.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(name: &str) -> Result<Self, SideFault> {
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| SideFault::Tls("no randomness for a hello".to_owned()))?;
        let is_name = matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_)));
        let mut pending = Pending::default();
        pending.append(&asking_hello(&random, is_name.then_some(name)))?;
        Ok(Self { pending, answer: Vec::new() })
    }
}

impl Side for LookSide {
    /// Always ends with a fault; `Incompatible` with an offer is what was asked for.
    fn handshake(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<Handshake, SideFault> {
        if !self.pending.write(sock)? {
            return Ok(Handshake::WantWrite);
        }
        loop {
            let length = match read_once(sock, &mut scratch.input)? {
                Got::Nothing => return Ok(Handshake::WantRead),
                Got::Fin => return Err(SideFault::ClosedInHandshake),
                Got::Bytes(length) => length,
            };
            scratch.touched = scratch.touched.max(length);
            let room = ANSWER_BYTES_MAX.saturating_sub(self.answer.len());
            self.answer.extend(scratch.input.iter().take(length.min(room)));
            match read_answer(&self.answer) {
                Answer::Incomplete if self.answer.len() < ANSWER_BYTES_MAX => {}
                Answer::Incomplete | Answer::Foreign => {
                    return Err(SideFault::Tls(foreign_words(OtherEnd::Server).to_owned()));
                }
                Answer::Alert(alert) => return Err(alert_fault(alert.into(), OtherEnd::Server)),
                Answer::Offer(offer) => {
                    let words = "the server was asked what it offers".to_owned();
                    return Err(SideFault::Incompatible { words, offer: Some(offer) });
                }
            }
        }
    }

    fn read(
        &mut self,
        _: &dyn Sock,
        _: &mut Scratch,
        _: &mut dyn FnMut(&[u8]),
    ) -> Result<ReadOutcome, SideFault> {
        Err(no_session())
    }

    fn write(&mut self, _: &dyn Sock, _: &mut Scratch, _: &[u8]) -> Result<usize, SideFault> {
        Err(no_session())
    }

    fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn has_unread(&self) -> bool {
        false
    }

    fn flush(&mut self, sock: &dyn Sock) -> Result<bool, SideFault> {
        self.pending.write(sock)
    }

    fn close_write(&mut self, _: &dyn Sock, _: &mut Scratch) -> Result<bool, SideFault> {
        Err(no_session())
    }

    fn facts(&self) -> Option<TlsFacts> {
        None
    }
}

fn no_session() -> SideFault {
    io::Error::from(io::ErrorKind::NotConnected).into()
}
