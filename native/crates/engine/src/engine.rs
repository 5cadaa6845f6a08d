//! The engine: one a process. What all IO threads and workers share, and what the main thread may ask.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use arc_swap::ArcSwap;
use postern_queue::worker_queue::Wake;
use postern_route::interner::Interner;
use postern_route::mailboxes::{Found, Mailboxes};
use postern_route::pins::Pins;
use postern_route::table::{RoutingTable, TableRows};
use postern_tls::{CertificatePair, Hosting, Profile, TicketKey, TicketKeys, Trust, Visiting};

use crate::addresses::Addresses;
use crate::clock::Clock;
use crate::config::{Endpoint, EngineConfig, FrontendConfig};
use crate::counters::Counters;
use crate::ends::Ends;
use crate::goodbye::{Goodbye, Order};
use crate::inbox::{Inbox, Message};
use crate::io_thread::{self, BoundSocket};
use crate::listener::Reserve;
use crate::logins::Logins;
use crate::look::Looks;
use crate::probe::ProbeJob;
use crate::selection::{Gather, Selection, SessionRow};
use crate::source_addresses::SourceAddresses;
use crate::worker_link::{WorkerId, WorkerLink};
use crate::{commands, net};

pub struct Engine {
    pub config: EngineConfig,
    pub clock: Clock,
    pub counters: Counters,
    pub ends: Ends,
    pub pins: Pins,
    pub addresses: Arc<Addresses>,
    pub logins: Logins,
    pub reserve: Reserve,
    pub sources: SourceAddresses,
    pub table: ArcSwap<RoutingTable<Endpoint>>,
    pub mailboxes: ArcSwap<Mailboxes>,
    pub databases: Interner,
    pub servers: Interner,
    pub workers: Vec<WorkerLink>,
    pub inboxes: Vec<Inbox>,
    /// One a frontend.
    pub hosting: ArcSwap<Vec<Hosting>>,
    pub tickets: Arc<TicketKeys>,
    /// Keys the hashes of mailbox names: nobody outside can aim at a slot or a collision.
    seed: u64,
    /// One a profile and trust, however many servers share it.
    visiting: Mutex<HashMap<(Profile, Trust), Arc<Visiting>>>,
    /// What servers offer with whom TLS came to nothing.
    pub looks: Looks,
    threads: Mutex<Vec<JoinHandle<()>>>,
    faults: Mutex<Vec<String>>,
}

/// A listener's frontend and the address that it got.
pub struct Bound {
    pub frontend: String,
    pub address: SocketAddr,
}

impl Engine {
    /// Binds every listener, then starts the IO threads. Nothing is accepted before `accept`.
    ///
    /// # Errors
    /// In words: an address in use or not of this machine, a certificate that does not fit its key.
    pub fn start(
        config: EngineConfig,
        certificates: &[CertificatePair<'_>],
    ) -> Result<(Arc<Self>, Vec<Bound>), String> {
        let tickets = new_tickets()?;
        let hosting = hosting(&config, certificates, &tickets)?;
        let sources = SourceAddresses::new(&config.source_addresses)?;
        let (sockets, bound) = bind_all(&config)?;
        let seed = RandomState::new().hash_one("mailboxes");
        let limits = config.limits;
        let engine = Arc::new(Self {
            clock: Clock::start(),
            counters: Counters::default(),
            ends: Ends::default(),
            pins: Pins::new(PIN_SHARDS),
            addresses: Arc::new(Addresses::new(limits.connections_max, limits.connections_per_address_max)),
            logins: Logins::new(limits.login_delay_max_ms),
            reserve: Reserve::default(),
            sources,
            table: ArcSwap::from_pointee(RoutingTable::empty()),
            mailboxes: ArcSwap::from_pointee(Mailboxes::empty(seed)),
            databases: Interner::new(),
            servers: Interner::new(),
            workers: (0..config.workers).map(|_| WorkerLink::default()).collect(),
            inboxes: (0..config.io_threads).map(|_| Inbox::default()).collect(),
            hosting: ArcSwap::from_pointee(hosting),
            tickets,
            seed,
            visiting: Mutex::default(),
            looks: Looks::default(),
            threads: Mutex::default(),
            faults: Mutex::default(),
            config,
        });
        engine.spawn(sockets)?;
        Ok((engine, bound))
    }

    fn spawn(self: &Arc<Self>, sockets: Vec<Vec<BoundSocket>>) -> Result<(), String> {
        for (index, sockets) in sockets.into_iter().enumerate() {
            let engine = Arc::clone(self);
            let thread = std::thread::Builder::new().name(format!("postern-io-{index}"));
            let running = thread.spawn(move || io_thread::run(engine, index as u8, sockets));
            lock(&self.threads).push(running.map_err(|error| format!("no IO thread: {error}"))?);
        }
        Ok(())
    }

    /// New certificates for connections from now on. Tickets stay good: their keys are not the
    /// certificates'.
    ///
    /// # Errors
    /// In words; the old certificates stay.
    pub fn set_certificates(&self, certificates: &[CertificatePair<'_>]) -> Result<(), String> {
        self.hosting.store(Arc::new(hosting(&self.config, certificates, &self.tickets)?));
        Ok(())
    }

    /// What TLS begins with at servers of this profile and trust.
    ///
    /// # Errors
    /// In words: not one certificate in the text of the authorities, a profile that this build lacks.
    pub fn visiting(&self, profile: Profile, trust: Trust) -> Result<Arc<Visiting>, String> {
        let mut known = lock(&self.visiting);
        let wanted = (profile, trust);
        if let Some(known) = known.get(&wanted) {
            return Ok(Arc::clone(known));
        }
        let setup = Arc::new(Visiting::build(profile, &wanted.1).map_err(|fault| fault.to_string())?);
        if known.len() >= VISITING_MAX {
            // Those of the published table stay, or all its servers would be met as strangers.
            known.retain(|_, setup| Arc::strong_count(setup) > 1);
        }
        known.insert(wanted, Arc::clone(&setup));
        Ok(setup)
    }

    /// Swaps the whole routing table in.
    ///
    /// # Errors
    /// In words; the old table stays.
    pub fn publish(&self, rows: TableRows<Endpoint>) -> Result<(), String> {
        let previous = self.table.load();
        let table = RoutingTable::build(rows, Some(&previous)).map_err(|fault| fault.to_string())?;
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// Reads the mailboxes file and swaps the table in. Takes seconds for a million: not for an IO thread.
    ///
    /// # Errors
    /// `PATH line N: what is wrong`; the old table stays.
    pub fn load_mailboxes(&self, path: &str) -> Result<Arc<Mailboxes>, String> {
        let file = std::fs::File::open(path).map_err(|error| format!("{path}: {error}"))?;
        let reader = std::io::BufReader::with_capacity(READ_BYTES, file);
        let mut intern = |name: &str| self.databases.intern(name);
        let table =
            Mailboxes::parse(reader, &mut intern, self.seed, path).map_err(|fault| fault.to_string())?;
        let table = Arc::new(table);
        self.mailboxes.store(Arc::clone(&table));
        Ok(table)
    }

    #[must_use]
    pub fn lookup(&self, key: &str) -> Found {
        self.mailboxes.load().lookup(key)
    }

    /// The hash ring's server for a mailbox without a database.
    #[must_use]
    pub fn hash_server(&self, mailbox: u64) -> Option<u32> {
        self.table.load().ring.server_of(mailbox)
    }

    pub fn sessions(&self, selection: &Selection, limit: usize, answer: Answer<SessionRow>) {
        let gather = Arc::new(Gather::new(self.inboxes.len(), limit, answer));
        for inbox in &self.inboxes {
            inbox.push(Message::List(selection.clone(), Arc::clone(&gather)));
        }
    }

    /// Tells the matching sessions to go, at the order's pace; answers at once with those that it will
    /// reach.
    pub fn goodbye(
        &self,
        selection: &Selection,
        order: Order,
        answer: Answer<postern_queue::session_id::SessionId>,
    ) {
        let gather = Arc::new(Gather::new(self.inboxes.len(), usize::MAX, answer));
        let goodbye = Arc::new(Goodbye::begin(order, self.clock.now_ms()));
        for inbox in &self.inboxes {
            inbox.push(Message::Goodbye(selection.clone(), Arc::clone(&goodbye), Arc::clone(&gather)));
        }
    }

    /// Probes take turns on the IO threads.
    pub fn probe(&self, job: ProbeJob) {
        self.counters.probes.add(1);
        let turn = self.counters.probes.get() as usize % self.inboxes.len().max(1);
        if let Some(inbox) = self.inboxes.get(turn) {
            inbox.push(Message::Probe(Box::new(job)));
        }
    }

    /// A worker takes its place; gives its turn. `None`: there is no such place.
    #[must_use]
    pub fn join(&self, place: usize, wake: Wake) -> Option<u32> {
        let link = self.workers.get(place)?;
        let (turn, before) = link.join(link.counted(wake));
        if let Some(before) = before {
            self.tell_all(|| Message::WorkerGone(WorkerId { place, turn: before }));
        }
        self.tell_all(|| Message::WorkerHasRoom(place));
        Some(turn)
    }

    /// A worker has gone: by its own leave, or with its thread.
    pub fn leave(&self, place: usize, turn: u32) {
        if self.workers.get(place).is_some_and(|link| link.queue.leave(turn)) {
            self.tell_all(|| Message::WorkerGone(WorkerId { place, turn }));
        }
    }

    /// Moves a worker's events into its arrays: the count, and whether more wait.
    #[must_use]
    pub fn drain(&self, worker: WorkerId, heads: &mut [u32], bytes: &mut [u8]) -> (usize, bool) {
        let WorkerId { place, turn } = worker;
        let Some(link) = self.workers.get(place) else { return (0, false) };
        let drained = link.queue.drain(turn, heads, bytes, self.clock.now_ms());
        if drained.made_room {
            self.tell_all(|| Message::WorkerHasRoom(place));
        }
        link.events.add(drained.records as u64);
        (drained.records, drained.has_more)
    }

    /// Takes a worker's commands. Gives what was malformed in words: a fault of ours, for the log.
    pub fn submit(&self, heads: &[u32], bytes: &[u8]) -> Result<(), String> {
        commands::submit(&self.inboxes, heads, bytes)
    }

    /// Takes connections from now on. Those that came since `start` wait in the listeners' backlog.
    pub fn accept(&self) {
        self.tell_all(|| Message::Accept);
    }

    pub fn stop_accepting(&self) {
        self.tell_all(|| Message::StopAccepting);
    }

    /// Ends every session and the IO threads, and waits for them.
    pub fn stop(&self) {
        self.tell_all(|| Message::Stop);
        for thread in lock(&self.threads).drain(..) {
            // A thread that panicked has nothing left to end.
            let _ = thread.join();
        }
    }

    /// Something of ours that went wrong outside any session; the main thread logs it.
    pub fn note_fault(&self, fault: String) {
        let mut faults = lock(&self.faults);
        if faults.len() < FAULTS_MAX {
            faults.push(fault);
        }
    }

    #[must_use]
    pub fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.faults))
    }

    fn tell_all(&self, message: impl Fn() -> Message) {
        self.inboxes.iter().for_each(|inbox| inbox.push(message()));
    }
}

/// What is called with a gathered answer, on an IO thread.
pub type Answer<Part> = Box<dyn FnOnce(Vec<Part>) + Send>;

fn new_tickets() -> Result<Arc<TicketKeys>, String> {
    let tickets = TicketKey::random().and_then(|key| TicketKeys::new(&key, Instant::now()));
    tickets.map_err(|fault| fault.to_string())
}

fn hosting(
    config: &EngineConfig,
    certificates: &[CertificatePair<'_>],
    tickets: &Arc<TicketKeys>,
) -> Result<Vec<Hosting>, String> {
    let hosting_of = |frontend: &FrontendConfig| {
        let alpn: Vec<&str> = frontend.alpn.iter().map(String::as_str).collect();
        Hosting::build(frontend.tls_profile, certificates, &alpn, tickets)
            .map_err(|fault| format!("{}: {fault}", frontend.name))
    };
    config.frontends.iter().map(hosting_of).collect()
}

/// The sockets of each IO thread, and the addresses.
fn bind_all(config: &EngineConfig) -> Result<(Vec<Vec<BoundSocket>>, Vec<Bound>), String> {
    let mut sockets: Vec<Vec<BoundSocket>> = (0..config.io_threads).map(|_| Vec::new()).collect();
    let mut bound = Vec::new();
    for (frontend, setup) in config.frontends.iter().enumerate() {
        for address in &setup.listeners {
            let (shares, address) = net::bind(*address, config.io_threads)?;
            for (thread, socket) in sockets.iter_mut().zip(shares) {
                thread.push(BoundSocket { frontend, socket });
            }
            bound.push(Bound { frontend: setup.name.clone(), address });
        }
    }
    Ok((sockets, bound))
}

/// A panic while a lock was held leaves plain data behind, so a poisoned lock is taken all the same.
fn lock<Kept>(mutex: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PIN_SHARDS: usize = 64;
/// Profiles and trusts: a site has one or two, with pins one a server; reloads add a few.
const VISITING_MAX: usize = 64;
const READ_BYTES: usize = 256 * 1024;
const FAULTS_MAX: usize = 64;
