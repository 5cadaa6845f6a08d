//! Pins, generations and the published table under many threads: what `placement::admit` promises, checked
//! with real threads while databases move and servers close. `crates/route/tests/loom.rs` has the same in
//! small, in every interleaving.
//!
//! The promise: (1) an admission of an `exclusive` session that begins when the publication of generation g
//! has returned is never by a generation below g; (2) whatever the generations, sessions of an `exclusive`
//! mailbox never live on two servers at once, nor does it go back to a server by a generation older than one
//! that let it in elsewhere; (3) nobody is admitted to a server that the published table
//! has without an endpoint; (4) when all sessions have ended no pin is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postern_engine::config::{Endpoint, EndpointTls};
use postern_engine::end_reason::EndReason;
use postern_engine::engine::Engine;
use postern_engine::placement::{PinGuard, admit};
use postern_engine::slot::Placement;
use postern_route::table::{DatabaseRow, ServerRow, TableRows};
use support::{limits, start};

/// What the test knows beside the engine. Loads and stores are in one order for all threads.
struct Site {
    engine: Arc<Engine>,
    /// By database: the generation whose publication has returned.
    returned: [AtomicU64; DATABASES],
    /// By server: odd from when the publication that closed it has returned until the one that opens it
    /// begins.
    closed: [AtomicU64; SERVERS],
    /// The newest generation that let a session in, by mailbox and server.
    newest: [[AtomicU64; SERVERS]; MAILBOXES],
    /// By mailbox and server.
    live: [[AtomicUsize; SERVERS]; MAILBOXES],
    /// Admitted, moved, held elsewhere.
    outcomes: [AtomicUsize; 3],
    is_over: AtomicBool,
}

#[test]
fn while_databases_move_and_servers_close_no_exclusive_mailbox_is_on_two_servers_nor_by_an_old_table() {
    for seed in [1, 2, 3] {
        let bench = start(limits());
        let site = Site {
            engine: Arc::clone(&bench.engine),
            returned: Default::default(),
            closed: Default::default(),
            newest: Default::default(),
            live: Default::default(),
            outcomes: Default::default(),
            is_over: AtomicBool::new(false),
        };
        site.publish(&[(0, 1); DATABASES], None);
        let site = &site;
        std::thread::scope(|scope| {
            let sessions: Vec<_> = (0..THREADS)
                .map(|thread| scope.spawn(move || site.log_in_and_out(Random(seed * 1000 + thread))))
                .collect();
            let publisher = scope.spawn(|| site.move_about(Random(seed)));
            // The publisher ends whatever became of them.
            let ended: Vec<_> = sessions.into_iter().map(|session| session.join()).collect();
            site.is_over.store(true, Ordering::SeqCst);
            assert!(ended.iter().all(Result::is_ok), "seed {seed}: see above");
            assert!(publisher.join().unwrap() > 50, "seed {seed}: the databases moved meanwhile");
        });
        let outcomes = site.outcomes.each_ref().map(|count| count.load(Ordering::SeqCst));
        println!("seed {seed}: admitted, moved, elsewhere: {outcomes:?}");
        assert!(site.has_seen_all(), "seed {seed}: all outcomes occur: {outcomes:?}");
        assert!(site.engine.pins.is_empty(), "seed {seed}: {} pins left", site.engine.pins.len());
        assert!((0..MAILBOXES).all(|mailbox| site.engine.pins.server_of(identity(mailbox)).is_none()));
    }
}

impl Site {
    /// One move or one closing after the other, until the sessions are done. Gives how many.
    fn move_about(&self, mut random: Random) -> u64 {
        let mut owners = [(0, 1); DATABASES];
        let mut count = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            count += 1;
            let database = random.below(DATABASES);
            let (server, generation) = owners[database];
            owners[database] = ((server + 1) % SERVERS, generation + 1);
            let closing = (random.below(4) == 0).then(|| random.below(SERVERS));
            self.publish(&owners, closing);
            linger(&mut random);
            if let Some(closing) = closing {
                self.closed[closing].fetch_add(1, Ordering::SeqCst);
                self.publish(&owners, None);
            }
        }
        count
    }

    fn publish(&self, owners: &[(usize, u64); DATABASES], closing: Option<usize>) {
        let endpoint = Endpoint {
            protocol: PROTOCOL,
            address: "127.0.0.1:143".parse().unwrap(),
            tls: EndpointTls::Off,
            tls_name: "localhost".into(),
            proxy: None,
        };
        let servers = (0..SERVERS).map(|server| {
            let endpoints = if closing == Some(server) { vec![] } else { vec![(PROTOCOL, endpoint.clone())] };
            ServerRow { index: server as u32, weight: 100, endpoints }
        });
        let databases = (0..).zip(owners).map(|(index, (server, generation))| DatabaseRow {
            index,
            server: Some(*server as u32),
            generation: *generation,
        });
        let rows = TableRows { revision: 1, servers: servers.collect(), databases: databases.collect() };
        self.engine.publish(rows).unwrap();
        for (returned, (_, generation)) in self.returned.iter().zip(owners) {
            returned.store(*generation, Ordering::SeqCst);
        }
        if let Some(closing) = closing {
            self.closed[closing].fetch_add(1, Ordering::SeqCst);
        }
    }

    fn log_in_and_out(&self, mut random: Random) {
        let mut last = None;
        // Where threads seldom meet it goes on until all outcomes have occurred.
        let deadline = Instant::now() + PATIENCE;
        let mut rounds = 0_usize..;
        while let Some(round) = rounds.next()
            && (round < ROUNDS || !self.has_seen_all() && Instant::now() < deadline)
        {
            let mailbox = random.below(MAILBOXES);
            // A quarter of the mailboxes is not exclusive.
            let is_exclusive = !mailbox.is_multiple_of(4);
            let placement = self.route(mailbox);
            // As a handoff that takes its time: now and then the route is an old one by now.
            let placement = last
                .replace((mailbox, placement))
                .filter(|(of, _)| *of == mailbox && round.is_multiple_of(2));
            let placement = placement.map_or_else(|| self.route(mailbox), |(_, old)| old);
            if random.below(16) == 0 {
                std::thread::yield_now();
            }
            self.session(mailbox, placement, is_exclusive, &mut random);
        }
    }

    fn has_seen_all(&self) -> bool {
        self.outcomes.iter().all(|count| count.load(Ordering::SeqCst) > OUTCOMES_MIN)
    }

    fn route(&self, mailbox: usize) -> Placement {
        let database = (mailbox % DATABASES) as u32;
        let entry = self.engine.table.load().database(database).unwrap();
        Placement {
            server: entry.server,
            database: Some(database),
            generation: entry.generation,
            mailbox: identity(mailbox),
            local: None,
        }
    }

    fn session(&self, mailbox: usize, placement: Placement, is_exclusive: bool, random: &mut Random) {
        let server = placement.server.unwrap() as usize;
        let returned = self.returned[mailbox % DATABASES].load(Ordering::SeqCst);
        let closed = self.closed[server].load(Ordering::SeqCst);
        let outcome = admit(&self.engine, placement, PROTOCOL, is_exclusive);
        let was_closed = closed % 2 == 1 && self.closed[server].load(Ordering::SeqCst) == closed;
        let place = match outcome {
            Ok(()) => 0,
            Err(EndReason::CopyMoved) => 1,
            Err(EndReason::HeldElsewhere) => 2,
            Err(other) => panic!("{other:?}"),
        };
        self.outcomes[place].fetch_add(1, Ordering::SeqCst);
        if outcome.is_err() {
            return;
        }
        let pin = PinGuard::of(&self.engine, placement);
        assert!(!was_closed, "admitted to a server that takes no new sessions");
        let live = &self.live[mailbox];
        live[server].fetch_add(1, Ordering::SeqCst);
        if is_exclusive {
            assert!(
                placement.generation >= returned,
                "by {}, though {returned} was out",
                placement.generation
            );
            let others = (0..SERVERS).filter(|other| *other != server);
            assert_eq!(others.map(|other| live[other].load(Ordering::SeqCst)).sum::<usize>(), 0, "on two");
            let newest = &self.newest[mailbox];
            let others = (0..SERVERS).filter(|other| *other != server);
            let before = others.map(|other| newest[other].load(Ordering::SeqCst)).max().unwrap();
            assert!(before <= placement.generation, "back by {}, behind {before}", placement.generation);
            newest[server].fetch_max(placement.generation, Ordering::SeqCst);
        }
        linger(random);
        live[server].fetch_sub(1, Ordering::SeqCst);
        drop(pin);
    }
}

/// Mostly some µs, now and then until the system has let others run.
fn linger(random: &mut Random) {
    match random.below(32) {
        0 => std::thread::yield_now(),
        _ => (0..random.below(2_000)).for_each(|_| std::hint::spin_loop()),
    }
}

/// Neighbours lie in different shards.
fn identity(mailbox: usize) -> u64 {
    (mailbox as u64) << 32 | 7
}

/// `SplitMix64`: the choices of a thread follow from its seed; how threads interleave does not.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % bound as u64) as usize
    }
}

const PROTOCOL: u8 = 1;
const DATABASES: usize = 2;
const SERVERS: usize = 2;
/// Few, so that threads meet.
const MAILBOXES: usize = 6;
const THREADS: u64 = 6;
const ROUNDS: usize = 2_000;
const OUTCOMES_MIN: usize = 20;
const PATIENCE: Duration = Duration::from_secs(20);
