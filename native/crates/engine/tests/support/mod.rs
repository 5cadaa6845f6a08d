//! An engine with real sockets, a worker that a test scripts, and servers and clients over std's TCP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, dead_code)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use postern_engine::config::{
    Endpoint, EndpointTls, EngineConfig, FrontendConfig, FrontendTls, Limits, Words,
};
use postern_engine::end_reason::EndReason;
use postern_engine::engine::Engine;
use postern_engine::goodbye::Order;
use postern_engine::selection::Selection;
use postern_engine::trusted_proxies::TrustedProxies;
use postern_engine::worker_link::WorkerId;
use postern_engine::{CertificatePair, Profile, ProxyVersion};
use postern_queue::session_id::SessionId;
use postern_route::table::{DatabaseRow, ServerRow, TableRows};

pub const PATIENCE: Duration = Duration::from_secs(5);

pub struct Bench {
    pub engine: Arc<Engine>,
    pub address: SocketAddr,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

pub fn limits() -> Limits {
    Limits {
        connections_max: 100,
        connections_per_address_max: 50,
        line_bytes_max: 1000,
        literal_bytes_max: 2000,
        preamble_bytes_max: 8000,
        preamble_timeout_ms: 60_000,
        tls_timeout_ms: 5_000,
        connect_timeout_ms: 1_000,
        login_attempts_max: 3,
        sessions_per_mailbox_max: u32::MAX,
        login_delay_max_ms: 0,
    }
}

/// A clear-text frontend, so that tests read what goes over the wire. Two IO threads, two worker places.
pub fn start(limits: Limits) -> Bench {
    start_as(limits, |_| {})
}

/// The same with another configuration.
pub fn start_as(limits: Limits, change: impl FnOnce(&mut EngineConfig)) -> Bench {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate_pem, key_pem) = (key.cert.pem(), key.signing_key.serialize_pem());
    let words = [
        (0, "* BYE 0\r\n"),
        (9, "* BYE worker\r\n"),
        (5, "* BYE idle\r\n"),
        (7, "* BYE address\r\n"),
        (37, "* BYE drained\r\n"),
        (38, "* BYE kicked\r\n"),
    ];
    let words: HashMap<u32, Vec<u8>> = words.map(|(code, text)| (code, text.as_bytes().to_vec())).into();
    let frontend = FrontendConfig {
        name: "imap".into(),
        protocol: 1,
        listeners: vec!["127.0.0.1:0".parse().unwrap()],
        tls: FrontendTls::StartTls,
        tls_profile: Profile::Modern,
        is_proxied: false,
        alpn: vec!["imap".into()],
        idle_timeout_ms: 1_800_000,
        words: Words::new(words),
    };
    let mut config = EngineConfig {
        io_threads: 2,
        workers: 2,
        limits,
        frontends: vec![frontend],
        trusted_proxies: TrustedProxies::default(),
        source_addresses: Vec::new(),
    };
    change(&mut config);
    let pair = CertificatePair { certificate_pem: &certificate_pem, key_pem: &key_pem };
    let (engine, bound) = Engine::start(config, &[pair]).unwrap();
    engine.accept();
    Bench { engine, address: bound[0].address }
}

impl Bench {
    pub fn client(&self) -> Talk {
        Talk::over(TcpStream::connect(self.address).unwrap())
    }

    pub fn worker(&self, place: usize) -> Worker {
        Worker::join(&self.engine, place)
    }

    /// One server (index 0 upward) an address; database 0 is on `owner` with `generation`.
    pub fn publish(&self, servers: &[SocketAddr], owner: u32, generation: u64) {
        self.publish_with(servers, (owner, generation), None);
    }

    /// The same, with servers that are told who the client is.
    pub fn publish_with(&self, servers: &[SocketAddr], owned: (u32, u64), proxy: Option<ProxyVersion>) {
        let (owner, generation) = owned;
        let endpoint = |address: &SocketAddr| endpoint(*address, proxy);
        let servers = servers.iter().enumerate().map(|(index, address)| ServerRow {
            index: index as u32,
            weight: 100,
            endpoints: (1..=4).map(|protocol| (protocol, endpoint(address))).collect(),
        });
        let databases = vec![DatabaseRow { index: 0, server: Some(owner), generation }];
        self.engine
            .publish(TableRows { revision: generation, servers: servers.collect(), databases })
            .unwrap();
    }

    /// Tells all that are, or will be, on a server; gives who will hear it.
    pub fn goodbye(&self, selection: &Selection, order: Order) -> Vec<SessionId> {
        let (give, told) = channel();
        self.engine.goodbye(selection, order, Box::new(move |ids| give.send(ids).unwrap()));
        told.recv_timeout(PATIENCE).unwrap()
    }

    pub fn ended(&self, code: usize) -> u64 {
        self.engine.counters.ends()[code]
    }

    pub fn wait_for_end(&self, code: usize, count: u64) {
        until("the end is counted", || self.ended(code) == count);
    }
}

/// A server without TLS that speaks IMAP.
pub fn endpoint(address: SocketAddr, proxy: Option<ProxyVersion>) -> Endpoint {
    Endpoint { protocol: 1, address, tls: EndpointTls::Off, tls_name: "localhost".into(), proxy }
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Event {
    pub kind: u32,
    pub id: SessionId,
    pub argument: u32,
    pub bytes: Vec<u8>,
}

impl Event {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A worker whose part the test plays.
pub struct Worker {
    engine: Arc<Engine>,
    place: usize,
    turn: u32,
    rung: Arc<(Mutex<bool>, Condvar)>,
    waiting: Vec<Event>,
}

impl Worker {
    fn join(engine: &Arc<Engine>, place: usize) -> Self {
        let rung = Arc::new((Mutex::new(false), Condvar::new()));
        let bell = Arc::clone(&rung);
        let wake = move || {
            *bell.0.lock().unwrap() = true;
            bell.1.notify_one();
        };
        let turn = engine.join(place, Box::new(wake)).unwrap();
        Self { engine: Arc::clone(engine), place, turn, rung, waiting: Vec::new() }
    }

    pub fn leave(self) {
        self.engine.leave(self.place, self.turn);
    }

    pub fn next(&mut self) -> Event {
        let deadline = Instant::now() + PATIENCE;
        while self.waiting.is_empty() {
            assert!(Instant::now() < deadline, "no event for the worker");
            let (rung, wakes) = &*self.rung;
            let (mut rung, _) = wakes
                .wait_timeout_while(rung.lock().unwrap(), Duration::from_millis(50), |rung| !*rung)
                .unwrap();
            *rung = false;
            drop(rung);
            self.drain();
        }
        self.waiting.remove(0)
    }

    pub fn expect(&mut self, kind: u32) -> Event {
        let event = self.next();
        assert_eq!(event.kind, kind, "{event:?}");
        event
    }

    fn drain(&mut self) {
        let (mut heads, mut bytes) = (vec![0; 5 * 100], vec![0; 100_000]);
        let this = WorkerId { place: self.place, turn: self.turn };
        let (count, _) = self.engine.drain(this, &mut heads, &mut bytes);
        let mut at = 0;
        for head in heads.chunks(5).take(count) {
            let length = head[4] as usize;
            let id = SessionId::from_halves(head[1], head[2]);
            self.waiting.push(Event {
                kind: head[0],
                id,
                argument: head[3],
                bytes: bytes[at..at + length].to_vec(),
            });
            at += length;
        }
    }

    pub fn command(&self, op: u32, id: SessionId, argument: u32, bytes: &[u8]) {
        let (low, high) = id.halves();
        self.engine.submit(&[op, low, high, argument, bytes.len() as u32], bytes).unwrap();
    }

    /// Greets a fresh client, and takes its login line.
    pub fn greet(&mut self) -> Event {
        let opened = self.expect(1);
        self.command(1, opened.id, 0, b"* OK ready\r\n");
        self.expect(2)
    }

    /// A handoff of the mailbox to the server: greeting, LOGIN, tagged OK.
    pub fn hand_off(&self, line: &Event, place: Handoff) {
        self.hand_off_by(line, place, &script());
    }

    pub fn hand_off_by(&self, line: &Event, place: Handoff, script: &[u8]) {
        let mut bytes = Vec::new();
        let words = [place.server, 0, place.generation, 0, place.mailbox, 0, 1];
        words.iter().for_each(|word: &u32| bytes.extend(word.to_le_bytes()));
        bytes.extend(script);
        self.command(3, line.id, line.argument, &bytes);
    }
}

pub struct Handoff {
    pub server: u32,
    pub generation: u32,
    pub mailbox: u32,
}

pub fn script() -> Vec<u8> {
    script_of("* OK", "a1 LOGIN x y", ["a1 OK", "a1 NO"])
}

/// expect the greeting, send the login, expect its yes, kept as final, or its no, refused.
pub fn script_of(greeting: &str, login: &str, [yes, no]: [&str; 2]) -> Vec<u8> {
    let rule = |action: u8, keep: u8, prefix: &str| {
        let mut rule = vec![action, keep, prefix.len() as u8];
        rule.extend(prefix.as_bytes());
        rule
    };
    let expect = |rules: &[Vec<u8>]| {
        let mut step = vec![2, 0];
        step.extend(1_000u32.to_le_bytes());
        step.push(rules.len() as u8);
        step.extend(rules.concat());
        step
    };
    let login = format!("{login}\r\n");
    let mut send = vec![1, 0];
    send.extend((login.len() as u32).to_le_bytes());
    send.extend(login.bytes());
    let answers = [rule(1, 2, yes), rule(2, 0, no), rule(4, 0, "* ")];
    [vec![3], expect(&[rule(1, 0, greeting)]), send, expect(&answers)].concat()
}

/// One end of a TCP connection, line by line.
pub struct Talk {
    pub stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Talk {
    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { reader: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    pub fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset counts as an end.
        let _ = self.reader.read_to_end(&mut rest);
        rest
    }

    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }
}

/// A server that hands each of its connections to the test.
pub struct Server {
    pub address: SocketAddr,
    connections: Receiver<TcpStream>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (give, connections): (Sender<_>, _) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if give.send(stream).is_err() {
                    return;
                }
            }
        });
        Self { address, connections }
    }

    pub fn accept(&self) -> Talk {
        Talk::over(self.connections.recv_timeout(PATIENCE).expect("the engine dials"))
    }

    /// True where nobody has connected that a test has not accepted.
    pub fn has_no_connection(&self) -> bool {
        self.connections.try_recv().is_err()
    }

    /// Accepts, greets, and lets the login in.
    pub fn let_in(&self) -> Talk {
        let mut talk = self.accept();
        talk.say("* OK server\r\n");
        assert_eq!(talk.line(), "a1 LOGIN x y");
        talk.say("a1 OK in\r\n");
        talk
    }
}

/// To all at once.
pub fn kick(window_ms: u64) -> Order {
    Order { reason: EndReason::Kicked, per_second: 0, window_ms }
}

pub const HOME: Handoff = Handoff { server: 0, generation: 1, mailbox: 7 };

/// A client and its server, spliced.
pub fn spliced(bench: &Bench, worker: &mut Worker, server: &Server) -> (Talk, Talk) {
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    worker.hand_off(&login, HOME);
    let inside = server.let_in();
    assert_eq!((client.line(), client.line()), ("* OK ready".into(), "a1 OK in".into()));
    worker.expect(7);
    (client, inside)
}

pub fn one_server() -> (Bench, Worker, Server) {
    let bench = start(limits());
    let server = Server::start();
    bench.publish(&[server.address], 0, 1);
    let worker = bench.worker(0);
    (bench, worker, server)
}

/// A client whose login is on its way: the server has taken the connection, and says nothing yet.
pub fn in_handoff(bench: &Bench, worker: &mut Worker, server: &Server) -> (Talk, Event, Talk) {
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    worker.hand_off(&login, HOME);
    let inside = server.accept();
    (client, login, inside)
}
