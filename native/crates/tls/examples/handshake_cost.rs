//! Prints the CPU of a handshake in memory and of sealing and opening, to notice gross mistakes.
//!
//! `cargo run --release -p postern-tls --example handshake_cost`. Client and server share the thread; each is
//! timed alone. The figures move by a third on a busy machine: read the least of several runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postern_tls::{
    AnySide, CertificatePair, HAS_OPENSSL, Handshake, Hosting, Profile, ReadOutcome, Scratch, Side, Sock,
    TicketKey, TicketKeys, TlsSide, Trust, Visiting,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};

fn main() {
    println!("size of a TLS side {} bytes, of any side {}", size_of::<TlsSide>(), size_of::<AnySide>());
    print_profile(Profile::Modern);
    // With `--features openssl`.
    if HAS_OPENSSL {
        print_profile(Profile::Legacy);
    }
}

fn print_profile(profile: Profile) {
    println!("profile {}:", profile.name());
    for (name, key) in [
        ("P-256", KeyPair::generate().unwrap()),
        ("RSA-2048", KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap()),
    ] {
        let (server, ca_pem) = server_setup(profile, &key);
        let fresh = || Arc::new(client_setup(profile, &ca_pem));
        print_handshakes(&format!("{name} 1.3 full"), &server, fresh);
        // With a server of an old profile every handshake is a full one.
        if profile != Profile::Modern {
            continue;
        }
        let client = fresh();
        handshake(&server, &client);
        print_handshakes(&format!("{name} 1.3 resumed"), &server, || Arc::clone(&client));
    }
    print_bulk(profile);
    print_memory(profile);
}

fn print_handshakes(name: &str, server: &Hosting, client: impl Fn() -> Arc<Visiting>) {
    let mut costs = Vec::new();
    for _ in 0..HANDSHAKES {
        costs.push(handshake(server, &client()).cost);
    }
    let each = |cost: Duration| cost.as_secs_f64() * 1e6;
    let server = median(costs.iter().map(|cost| cost.0));
    let client = median(costs.iter().map(|cost| cost.1));
    println!("{name}: server {:.1} us, client {:.1} us", each(server), each(client));
}

/// Not the mean: what else runs on the machine shows in a few of many.
fn median(costs: impl Iterator<Item = Duration>) -> Duration {
    let mut costs: Vec<_> = costs.collect();
    costs.sort();
    costs[costs.len() / 2]
}

fn print_bulk(profile: Profile) {
    let (server, ca_pem) = server_setup(profile, &KeyPair::generate().unwrap());
    let mut shaken = handshake(&server, &client_setup(profile, &ca_pem));
    for size in [100, 1_000, 16 * 1024, 64 * 1024] {
        let clear = vec![b'x'; size];
        let mut least = (Duration::MAX, Duration::MAX);
        for _ in 0..20 {
            let cost = bulk(&mut shaken, &clear, 4_000_000 / size);
            least = (least.0.min(cost.0), least.1.min(cost.1));
        }
        let bytes = (4_000_000 / size * size) as f64;
        let each = |sum: Duration| sum.as_secs_f64() * 1e9 / bytes;
        println!(
            "{size} bytes a write: seal {:.3} ns/byte, open {:.3} ns/byte",
            each(least.0),
            each(least.1)
        );
    }
}

fn bulk(shaken: &mut Shaken, clear: &[u8], writes: usize) -> (Duration, Duration) {
    let (mut sealing, mut opening) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..writes {
        let begun = Instant::now();
        let taken = shaken.server.write(&shaken.wires.0, &mut shaken.scratch, clear).unwrap();
        sealing += begun.elapsed();
        assert_eq!(taken, clear.len());
        carry(&shaken.wires.0, &shaken.wires.1);
        let begun = Instant::now();
        let mut length = 0;
        while length < clear.len() {
            let mut sum = 0;
            let sink = &mut |bytes: &[u8]| sum += bytes.len();
            let outcome = shaken.client.read(&shaken.wires.1, &mut shaken.scratch, sink).unwrap();
            assert!(matches!(outcome, ReadOutcome::Bytes(_)));
            length += sum;
        }
        opening += begun.elapsed();
    }
    (sealing, opening)
}

/// What the process grows by for each idle session; one side is kept, the other dropped.
fn print_memory(profile: Profile) {
    let (server, ca_pem) = server_setup(profile, &KeyPair::generate().unwrap());
    let client = client_setup(profile, &ca_pem);
    let mut kept = Vec::with_capacity(2 * SESSIONS);
    handshake(&server, &client);
    for name in ["server", "client"] {
        let before = anonymous_bytes();
        for _ in 0..SESSIONS {
            let shaken = handshake(&server, &client);
            kept.push(Box::new(if name == "server" { shaken.server } else { shaken.client }));
        }
        let each = anonymous_bytes().saturating_sub(before) / SESSIONS;
        println!("{SESSIONS} idle {name}s: {each} bytes each");
    }
}

fn anonymous_bytes() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = rollup.lines().find(|line| line.starts_with("Anonymous:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) * 1024
}

struct Shaken {
    server: AnySide,
    client: AnySide,
    wires: (Wire, Wire),
    scratch: Scratch,
    cost: (Duration, Duration),
}

fn handshake(server: &Hosting, client: &Visiting) -> Shaken {
    thread_local!(static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) });
    let mut shaken = Shaken {
        server: server.side().unwrap(),
        client: client.side(NAME).unwrap(),
        wires: (Wire::default(), Wire::default()),
        scratch: SCRATCH.take().unwrap_or_default(),
        cost: (Duration::ZERO, Duration::ZERO),
    };
    for _ in 0..ROUNDS_MAX {
        let begun = Instant::now();
        let client = shaken.client.handshake(&shaken.wires.1, &mut shaken.scratch).unwrap();
        shaken.cost.1 += begun.elapsed();
        carry(&shaken.wires.1, &shaken.wires.0);
        let begun = Instant::now();
        let server = shaken.server.handshake(&shaken.wires.0, &mut shaken.scratch).unwrap();
        shaken.cost.0 += begun.elapsed();
        carry(&shaken.wires.0, &shaken.wires.1);
        if (client, server) == (Handshake::Done, Handshake::Done) {
            // The ticket.
            shaken.client.read(&shaken.wires.1, &mut shaken.scratch, &mut |_| {}).unwrap();
            SCRATCH.set(Some(Scratch::new()));
            return shaken;
        }
    }
    panic!("no handshake within {ROUNDS_MAX} rounds");
}

fn client_setup(profile: Profile, ca_pem: &str) -> Visiting {
    Visiting::build(profile, &Trust::Authorities(ca_pem.to_owned())).unwrap()
}

fn server_setup(profile: Profile, key: &KeyPair) -> (Hosting, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let certificate = CertificateParams::new(vec![NAME.to_owned()]).unwrap().signed_by(key, &issuer).unwrap();
    let tickets = TicketKeys::new(&TicketKey::random().unwrap(), Instant::now()).unwrap();
    let (certificate_pem, key_pem) = (certificate.pem(), key.serialize_pem());
    let pair = CertificatePair { certificate_pem: &certificate_pem, key_pem: &key_pem };
    (Hosting::build(profile, &[pair], &["imap"], &tickets).unwrap(), ca_pem)
}

/// A socket in memory without limits.
#[derive(Default)]
struct Wire {
    inward: RefCell<Vec<u8>>,
    read: Cell<usize>,
    outward: RefCell<Vec<u8>>,
}

impl Sock for Wire {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let inward = self.inward.borrow();
        let rest = &inward[self.read.get()..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.read.set(self.read.get() + length);
        if length == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(length) }
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        self.outward.borrow_mut().extend_from_slice(from);
        Ok(from.len())
    }

    fn shutdown_write(&self) -> io::Result<()> {
        Ok(())
    }
}

fn carry(from: &Wire, to: &Wire) {
    let mut inward = to.inward.borrow_mut();
    inward.drain(..to.read.take());
    inward.append(&mut from.outward.borrow_mut());
}

const NAME: &str = "mail.example.org";
const HANDSHAKES: usize = 1_000;
const SESSIONS: usize = 4_000;
const ROUNDS_MAX: usize = 8;
