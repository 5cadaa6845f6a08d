//! A socket in memory that follows a script, and the two kinds of session that tests drive over it: a side of
//! ours, and rustls's own buffered connection as a peer that shares none of our code.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use postern_tls::{
    AnySide, CertificatePair, Handshake, Hosting, Profile, ReadOutcome, Scratch, Side, SideFault, Sock,
    TicketKey, TicketKeys, Trust, Visiting,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::authority::{Authority, Pair};

/// How many bytes each call moves at most, over and over; 0 is `WouldBlock`.
pub struct Script {
    turns: Vec<usize>,
    at: Cell<usize>,
}

impl Script {
    pub fn of(turns: &[usize]) -> Self {
        assert!(turns.iter().any(|turn| *turn > 0), "nothing would ever move");
        Self { turns: turns.to_vec(), at: Cell::new(0) }
    }

    fn next(&self) -> usize {
        let at = self.at.get();
        self.at.set(at + 1);
        self.turns[at % self.turns.len()]
    }
}

pub struct Wire {
    pub inward: RefCell<VecDeque<u8>>,
    pub outward: RefCell<Vec<u8>>,
    /// FIN follows the inward bytes.
    pub fin_in: Cell<bool>,
    /// RST follows the inward bytes, and writing fails once they are read.
    pub reset_in: Cell<bool>,
    pub fin_out: Cell<bool>,
    pub reads: Script,
    pub writes: Script,
}

impl Wire {
    pub fn open() -> Self {
        Self::scripted(&[usize::MAX], &[usize::MAX])
    }

    pub fn scripted(reads: &[usize], writes: &[usize]) -> Self {
        Self {
            inward: RefCell::default(),
            outward: RefCell::default(),
            fin_in: Cell::new(false),
            reset_in: Cell::new(false),
            fin_out: Cell::new(false),
            reads: Script::of(reads),
            writes: Script::of(writes),
        }
    }

    pub fn feed(&self, bytes: &[u8]) {
        self.inward.borrow_mut().extend(bytes);
    }

    pub fn drain(&self) -> Vec<u8> {
        self.outward.take()
    }

    fn is_reset(&self) -> bool {
        self.reset_in.get() && self.inward.borrow().is_empty()
    }
}

impl Sock for Wire {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.reads.next().min(into.len()).min(self.inward.borrow().len());
        if length == 0 {
            let is_end = self.fin_in.get() && self.inward.borrow().is_empty();
            if self.is_reset() {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            return if is_end { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        self.inward.borrow_mut().read_exact(&mut into[..length])?;
        Ok(length)
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        if self.fin_out.get() || self.is_reset() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = self.writes.next().min(from.len());
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.outward.borrow_mut().extend_from_slice(&from[..length]);
        Ok(length)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        assert!(!self.fin_out.replace(true), "FIN was sent twice");
        Ok(())
    }
}

/// Everything that `from` has written becomes readable at `to`.
pub fn carry(from: &Wire, to: &Wire) {
    to.feed(&from.drain());
    to.fin_in.set(from.fin_out.get());
}

/// A side of ours with all that it needs.
pub struct Ours {
    pub side: AnySide,
    pub wire: Wire,
    pub scratch: Scratch,
    pub got: Vec<u8>,
}

impl Ours {
    pub fn server(setup: &Hosting, wire: Wire) -> Self {
        Self::new(setup.side().unwrap(), wire)
    }

    pub fn client(setup: &Visiting, wire: Wire) -> Self {
        Self::new(setup.side(NAME).unwrap(), wire)
    }

    pub fn new(side: AnySide, wire: Wire) -> Self {
        Self { side, wire, scratch: Scratch::new(), got: Vec::new() }
    }

    pub fn kept_bytes(&self) -> usize {
        match &self.side {
            AnySide::Tls(side) => side.kept_bytes(),
            #[cfg(feature = "openssl")]
            AnySide::Openssl(side) => side.kept_bytes(),
            AnySide::Plain(_) | AnySide::Look(_) => panic!("no TLS"),
        }
    }

    pub fn handshake(&mut self) -> Result<Handshake, SideFault> {
        self.side.handshake(&self.wire, &mut self.scratch)
    }

    pub fn read(&mut self) -> Result<ReadOutcome, SideFault> {
        let got = &mut self.got;
        self.side.read(&self.wire, &mut self.scratch, &mut |clear| got.extend_from_slice(clear))
    }

    /// Reads until an end, or until nothing moves although the script had its turn.
    pub fn read_all(&mut self) -> Result<ReadOutcome, SideFault> {
        loop {
            match self.read()? {
                ReadOutcome::Bytes(_) => {}
                ReadOutcome::WouldBlock if !self.wire.inward.borrow().is_empty() => {}
                outcome => return Ok(outcome),
            }
        }
    }

    pub fn write(&mut self, clear: &[u8]) -> Result<usize, SideFault> {
        self.side.write(&self.wire, &mut self.scratch, clear)
    }

    /// Writes all, whatever the script says.
    pub fn write_all(&mut self, mut clear: &[u8]) {
        while !clear.is_empty() {
            clear = &clear[self.write(clear).unwrap()..];
        }
        while !self.side.flush(&self.wire).unwrap() {}
    }

    pub fn close_write(&mut self) {
        if !self.side.close_write(&self.wire, &mut self.scratch).unwrap() {
            while !self.side.flush(&self.wire).unwrap() {}
        }
    }
}

/// Drives both to the end of the handshake, or to the first fault: (server's, client's).
pub fn shake(server: &mut Ours, client: &mut Ours) -> (Outcome, Outcome) {
    for _ in 0..100_000 {
        let ours = client.handshake();
        let _ = client.side.flush(&client.wire);
        carry(&client.wire, &server.wire);
        let theirs = server.handshake();
        let _ = server.side.flush(&server.wire);
        carry(&server.wire, &client.wire);
        match (theirs, ours) {
            (Ok(Handshake::Done), Ok(Handshake::Done)) => return (None, None),
            (Ok(_), Ok(_)) => {}
            // The one that sees the fault second may see it only with the alert.
            (theirs, ours) => return (fault(theirs), fault(ours).or_else(|| fault(client.handshake()))),
        }
    }
    panic!("the handshake does not end");
}

pub type Outcome = Option<SideFault>;

fn fault(outcome: Result<Handshake, SideFault>) -> Outcome {
    outcome.err()
}

/// Moves bytes between a side of ours and a buffered connection of rustls.
pub fn exchange(wire: &Wire, peer: &mut rustls::Connection) -> Result<(), rustls::Error> {
    let bytes = wire.drain();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        peer.read_tls(&mut rest).unwrap();
        let outcome = peer.process_new_packets();
        answer(wire, peer);
        outcome?;
    }
    answer(wire, peer);
    Ok(())
}

fn answer(wire: &Wire, peer: &mut rustls::Connection) {
    let mut answer = Vec::new();
    while peer.wants_write() {
        peer.write_tls(&mut answer).unwrap();
    }
    wire.feed(&answer);
}

/// Our side's handshake with a buffered connection.
pub fn shake_with(ours: &mut Ours, peer: &mut rustls::Connection) -> Result<(), SideFault> {
    for _ in 0..100_000 {
        let outcome = ours.handshake();
        let _ = ours.side.flush(&ours.wire);
        let _ = exchange(&ours.wire, peer);
        if outcome? == Handshake::Done && !peer.is_handshaking() {
            return Ok(());
        }
    }
    panic!("the handshake does not end");
}

/// What the peer has received and not yet been asked for.
pub fn received(peer: &mut rustls::Connection) -> Vec<u8> {
    let mut clear = Vec::new();
    match peer.reader().read_to_end(&mut clear) {
        Err(fault) if fault.kind() != io::ErrorKind::WouldBlock => panic!("{fault}"),
        _ => clear,
    }
}

pub fn send(peer: &mut rustls::Connection, wire: &Wire, clear: &[u8]) {
    peer.writer().write_all(clear).unwrap();
    answer(wire, peer);
}

/// A buffered client; `adjust` changes its configuration first.
pub fn buffered_client(
    authority: &Authority,
    versions: &[&'static rustls::SupportedProtocolVersion],
    adjust: impl FnOnce(&mut rustls::ClientConfig),
) -> rustls::Connection {
    connect(&Arc::new(client_config(authority, versions, adjust)), NAME)
}

pub fn client_config(
    authority: &Authority,
    versions: &[&'static rustls::SupportedProtocolVersion],
    adjust: impl FnOnce(&mut rustls::ClientConfig),
) -> rustls::ClientConfig {
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots_of(authority))
        .with_no_client_auth();
    adjust(&mut config);
    config
}

pub fn client_config_with(
    authority: &Authority,
    adjust: impl FnOnce(&mut rustls::crypto::CryptoProvider),
) -> rustls::ClientConfig {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    adjust(&mut provider);
    rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(TLS13)
        .unwrap()
        .with_root_certificates(roots_of(authority))
        .with_no_client_auth()
}

fn roots_of(authority: &Authority) -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    roots
}

pub fn connect(config: &Arc<rustls::ClientConfig>, name: &str) -> rustls::Connection {
    let name = name.to_owned().try_into().unwrap();
    rustls::ClientConnection::new(Arc::clone(config), name).unwrap().into()
}

/// A buffered server with one certificate.
pub fn buffered_server(
    pair: &Pair,
    versions: &[&'static rustls::SupportedProtocolVersion],
    adjust: impl FnOnce(&mut rustls::ServerConfig),
) -> rustls::Connection {
    rustls::ServerConnection::new(server_config(pair, versions, adjust)).unwrap().into()
}

pub fn server_config(
    pair: &Pair,
    versions: &[&'static rustls::SupportedProtocolVersion],
    adjust: impl FnOnce(&mut rustls::ServerConfig),
) -> Arc<rustls::ServerConfig> {
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key_pem.as_bytes()).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    adjust(&mut config);
    Arc::new(config)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

pub fn ticket_keys() -> Arc<TicketKeys> {
    TicketKeys::new(&TicketKey::random().unwrap(), Instant::now()).unwrap()
}

pub fn setup(pairs: &[Pair], alpn: &[&str]) -> Hosting {
    setup_with(pairs, alpn, &ticket_keys())
}

pub fn setup_with(pairs: &[Pair], alpn: &[&str], tickets: &Arc<TicketKeys>) -> Hosting {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|pair| CertificatePair { certificate_pem: &pair.certificate_pem, key_pem: &pair.key_pem })
        .collect();
    Hosting::build(PROFILE, &pairs, alpn, tickets).unwrap()
}

/// Believes what this authority signs.
pub fn trust(ca_pem: &str) -> Visiting {
    Visiting::build(PROFILE, &Trust::Authorities(ca_pem.to_owned())).unwrap()
}

/// Server and client that trust each other, hands shaken.
pub fn shaken(server_wire: Wire, client_wire: Wire) -> (Ours, Ours) {
    let authority = Authority::new();
    let mut server = Ours::server(&setup(&[authority.issue(&[NAME])], &[]), server_wire);
    let mut client = Ours::client(&trust(&authority.pem), client_wire);
    assert!(matches!(shake(&mut server, &mut client), (None, None)));
    (server, client)
}

/// Over which library our side is: these tests are compiled twice, the second time by `old_profiles.rs`.
pub const PROFILE: Profile = if IS_OPENSSL { Profile::Legacy } else { Profile::Modern };
pub const IS_OPENSSL: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"old_profiles");

pub const NAME: &str = "mail.example.org";
pub const TLS12: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
pub const TLS13: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];
