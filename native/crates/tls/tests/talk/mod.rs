//! One whole session between a side of ours and a buffered connection of rustls: what the peer does is a list
//! of steps, how the wire cuts and ends is chosen, and what comes of it is a trace that can be foretold.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;

use postern_tls::{Handshake, Hosting, ReadOutcome, Side, SideFault, Visiting};

use super::authority::{Authority, Pair};
use super::wire::*;

/// Who we are, and what is spoken.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    pub is_server: bool,
    pub versions: &'static [&'static rustls::SupportedProtocolVersion],
}

/// What the peer does, one step after the other.
#[derive(Debug, Clone)]
pub enum Step {
    Send(usize),
    /// TLS 1.3: new keys in its direction, and it asks for new ones in ours.
    UpdateKeys,
    CloseNotify,
    /// Bytes that no TLS library sent.
    Raw(&'static [u8]),
}

/// How the connection ends behind the last byte.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Fin,
    Reset,
}

/// What became of it.
#[derive(Debug, PartialEq)]
pub struct Trace {
    /// The clear bytes that came, and the last outcome in words.
    pub got: Vec<u8>,
    pub outcome: String,
    /// What the peer got of ours.
    pub peer_got: Vec<u8>,
}

/// All setups, made once: keys are dear.
pub struct Site {
    pub authority: Authority,
    pub pair: Pair,
    pub setup: Hosting,
    pub trust: Visiting,
}

impl Site {
    pub fn new() -> Self {
        let authority = Authority::new();
        // An RSA signature has one length, so that the same byte is the same place in every session.
        let pair = authority.issue_rsa(&[NAME]);
        let (setup, trust) = (setup(std::slice::from_ref(&pair), &[]), trust(&authority.pem));
        Self { authority, pair, setup, trust }
    }

    pub fn meet(&self, role: Role, wire: Wire) -> (Ours, rustls::Connection) {
        match role.is_server {
            true => {
                (Ours::server(&self.setup, wire), buffered_client(&self.authority, role.versions, |_| {}))
            }
            false => (Ours::client(&self.trust, wire), buffered_server(&self.pair, role.versions, |_| {})),
        }
    }
}

/// The peer at the other end of a wire that lets `left` of its bytes through, and then ends.
pub struct Other {
    connection: rustls::Connection,
    pub got: Vec<u8>,
    left: usize,
    end: End,
    has_ended: bool,
}

impl Other {
    pub fn new(connection: rustls::Connection, left: usize, end: End) -> Self {
        Self { connection, got: Vec::new(), left, end, has_ended: false }
    }

    /// Takes in what we wrote and says what it has to say.
    fn turn(&mut self, wire: &Wire) {
        let bytes = wire.drain();
        let mut rest = bytes.as_slice();
        // A fault of ours in its eyes is told by its alert.
        while !rest.is_empty() && self.connection.read_tls(&mut rest).is_ok() {
            if self.connection.process_new_packets().is_err() {
                break;
            }
            self.got.extend(received(&mut self.connection));
        }
        self.speak(wire);
    }

    fn speak(&mut self, wire: &Wire) {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).unwrap();
        }
        self.pass(wire, &bytes);
    }

    fn pass(&mut self, wire: &Wire, bytes: &[u8]) {
        let passed = bytes.len().min(self.left);
        self.left -= passed;
        wire.feed(&bytes[..passed]);
        if passed < bytes.len() {
            self.end(wire);
        }
    }

    fn end(&mut self, wire: &Wire) {
        self.has_ended = true;
        match self.end {
            End::Fin => wire.fin_in.set(true),
            End::Reset => wire.reset_in.set(true),
        }
    }

    fn step(&mut self, step: &Step, wire: &Wire) {
        match step {
            Step::Send(length) => {
                // The peer's own buffer is bounded: it speaks a piece at a time.
                for piece in pattern(*length).chunks(16 * 1024) {
                    self.connection.writer().write_all(piece).unwrap();
                    self.speak(wire);
                }
            }
            Step::UpdateKeys => self.connection.refresh_traffic_keys().unwrap(),
            Step::CloseNotify => self.connection.send_close_notify(),
            Step::Raw(bytes) => self.pass(wire, bytes),
        }
        self.speak(wire);
    }
}

/// One session: the handshake, then `ours` goes out while the peer takes its steps; then the connection ends.
pub fn run(ours: &mut Ours, other: &mut Other, steps: &[Step], send: &[u8]) -> Trace {
    let mut outcome = shake_hands(ours, other);
    let (mut steps, mut sent) = (steps.iter(), 0);
    for _ in 0..TURNS_MAX {
        if let Some(outcome) = outcome {
            // The other direction goes on where there is one.
            while !ours.wire.reset_in.get() && ["Closed", "Truncated"].contains(&&outcome[..]) {
                let is_sent = offer(ours, send, &mut sent);
                other.turn(&ours.wire);
                if is_sent {
                    break;
                }
            }
            let (got, peer_got) = (std::mem::take(&mut ours.got), std::mem::take(&mut other.got));
            return Trace { got, outcome, peer_got };
        }
        let is_sent = offer(ours, send, &mut sent);
        other.turn(&ours.wire);
        match steps.next() {
            Some(step) => other.step(step, &ours.wire),
            // Only now, so that a fault of ours in the peer's eyes could not pass for the end.
            None if is_sent && !other.has_ended => other.end(&ours.wire),
            None => {}
        }
        outcome = match ours.read() {
            Ok(ReadOutcome::Bytes(_) | ReadOutcome::WouldBlock) => None,
            other => Some(words(other)),
        };
    }
    panic!("the session does not end");
}

fn shake_hands(ours: &mut Ours, other: &mut Other) -> Option<String> {
    for _ in 0..TURNS_MAX {
        match ours.handshake() {
            Ok(Handshake::Done) => return None,
            Ok(_) => other.turn(&ours.wire),
            Err(fault) => return Some(words(Err(fault))),
        }
    }
    panic!("the handshake does not end");
}

/// True once all is written and out. A fault of the socket shows with the next read.
fn offer(ours: &mut Ours, send: &[u8], sent: &mut usize) -> bool {
    *sent += ours.write(&send[*sent..]).unwrap_or_default();
    let is_out = ours.side.flush(&ours.wire).unwrap_or(false);
    (*sent == send.len() && is_out) || ours.wire.reset_in.get()
}

fn words(outcome: Result<ReadOutcome, SideFault>) -> String {
    match outcome {
        Ok(outcome) => format!("{outcome:?}"),
        Err(SideFault::Io(fault)) => match fault.kind() {
            // Which of the two a reset shows as depends on whether a read or a write meets it.
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => "reset".to_owned(),
            other => format!("{other:?}"),
        },
        Err(fault) => fault.to_string(),
    }
}

pub fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).take(length).collect()
}

/// What `steps` come to, whatever the wire does.
pub fn expected(steps: &[Step], end: End, send: &[u8]) -> Trace {
    let mut got = Vec::new();
    let mut outcome = match end {
        End::Fin => "Truncated".to_owned(),
        End::Reset => "reset".to_owned(),
    };
    for step in steps {
        match step {
            Step::Send(length) => got.extend(pattern(*length)),
            Step::UpdateKeys => {}
            Step::CloseNotify => {
                outcome = "Closed".to_owned();
                break;
            }
            Step::Raw(_) => unreachable!("raw bytes have tests of their own"),
        }
    }
    Trace { got, outcome, peer_got: send.to_vec() }
}

pub fn roles() -> [Role; 4] {
    [(true, TLS12), (true, TLS13), (false, TLS12), (false, TLS13)]
        .map(|(is_server, versions)| Role { is_server, versions })
}

/// Ways to cut: all at once; one byte a call; nothing between any two bytes; and odd sizes.
pub fn cuts() -> Vec<Vec<usize>> {
    vec![vec![usize::MAX], vec![1], vec![1, 0], vec![0, 0, 1], vec![5, 0, 16_384, 1], vec![4_096]]
}

pub const TURNS_MAX: usize = 300_000;
