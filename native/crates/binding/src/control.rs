//! What the main thread may ask of the engine.

use std::sync::Arc;

use napi::JsDeferred;
use napi::bindgen_prelude::*;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use postern_engine::end_reason::EndReason;
use postern_engine::ends;
use postern_engine::engine::Engine;
use postern_engine::goodbye::Order;
use postern_engine::selection as engine_selection;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::config::{CertificatePair, EngineConfig, EngineTable, protocol};
use crate::panics::note_panics;
use crate::worker::index_or_none;
use crate::{ENGINE, engine, fault};

/// The addresses that were bound, in the order of frontends and listeners.
#[napi(object)]
pub struct Started {
    pub listeners: Vec<BoundListener>,
}

#[napi(object)]
pub struct BoundListener {
    pub frontend: String,
    pub address: String,
}

/// Binds the listeners and starts the IO threads; once a process. Nothing is accepted before `accept`.
/// Throws in words: an address in use (by another process, too), a certificate that does not fit its key.
#[napi(catch_unwind)]
pub fn start(config: EngineConfig) -> Result<Started> {
    if ENGINE.get().is_some() {
        return Err(fault("the engine is started already"));
    }
    let (config, certificates) = config.into_engine()?;
    let core_dumps = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let (engine, bound) = Engine::start(config, &pairs(&certificates)).map_err(fault)?;
    if let Err(error) = core_dumps {
        engine.note_fault(format!("core dumps could not be switched off: {error}"));
    }
    note_panics(&engine);
    ENGINE.set(engine).map_err(|_| fault("the engine is started already"))?;
    let listeners = bound
        .into_iter()
        .map(|bound| BoundListener { frontend: bound.frontend, address: bound.address.to_string() });
    Ok(Started { listeners: listeners.collect() })
}

/// Certificates for connections from now on. Throws in words; the old ones stay.
#[napi(catch_unwind)]
pub fn set_certificates(certificates: Vec<CertificatePair>) -> Result<()> {
    engine()?.set_certificates(&pairs(&certificates)).map_err(fault)
}

fn pairs(certificates: &[CertificatePair]) -> Vec<postern_engine::CertificatePair<'_>> {
    let pairs = certificates.iter();
    pairs
        .map(|CertificatePair { certificate_pem, key_pem }| postern_engine::CertificatePair {
            certificate_pem,
            key_pem,
        })
        .collect()
}

/// Gives each database's name its index; a name keeps it for the life of the process.
#[napi(catch_unwind)]
pub fn database_indexes(names: Vec<String>) -> Result<Vec<u32>> {
    indexes(&engine()?.databases, &names)
}

/// Gives each server's name its index; a name keeps it for the life of the process.
#[napi(catch_unwind)]
pub fn server_indexes(names: Vec<String>) -> Result<Vec<u32>> {
    indexes(&engine()?.servers, &names)
}

fn indexes(interner: &postern_route::interner::Interner, names: &[String]) -> Result<Vec<u32>> {
    let index = |name: &String| interner.intern(name).map(u32::from).ok_or_else(|| fault("too many names"));
    names.iter().map(index).collect()
}

/// Swaps the whole routing table in. Throws in words when it is malformed; the old one stays.
#[napi(catch_unwind)]
pub fn publish(table: EngineTable) -> Result<()> {
    let engine = engine()?;
    let rows = table.into_rows(engine)?;
    engine.publish(rows).map_err(fault)
}

#[napi(object)]
pub struct MailboxesLoaded {
    pub mailboxes: u32,
    pub keys: u32,
    /// Memory of the table.
    pub bytes: i64,
    /// Names by index, as far as there are any.
    pub databases: Vec<String>,
}

/// Reads the mailboxes file on a thread of its own and swaps the table in. Rejects with "PATH line N: what
/// is wrong"; the old table stays.
#[napi(catch_unwind, ts_return_type = "Promise<MailboxesLoaded>")]
pub fn load_mailboxes(env: &Env, path: String) -> Result<Object<'_>> {
    let engine = Arc::clone(engine()?);
    let (deferred, promise) = later(env)?;
    let load = move || {
        let loaded = engine.load_mailboxes(&path).map(|table| MailboxesLoaded {
            mailboxes: table.len_mailboxes() as u32,
            keys: table.len_keys() as u32,
            bytes: table.bytes() as i64,
            databases: (0..engine.databases.len() as u16)
                .filter_map(|index| engine.databases.name_of(index))
                .map(|name| name.to_string())
                .collect(),
        });
        settle(deferred, loaded.map_err(fault));
    };
    std::thread::Builder::new().name("postern-mailboxes".into()).spawn(load)?;
    Ok(promise)
}

#[napi(object)]
pub struct MailboxFound {
    /// The mailbox's identity, 16 hexadecimal digits.
    pub id: String,
    /// -1: not in the directory.
    pub database: i32,
    /// Where sessions of it are; -1 for nowhere.
    pub pinned_server: i32,
    /// What the hash ring says; -1 when no server is eligible.
    pub hashed_server: i32,
}

/// What the directory says of a login name.
#[napi(catch_unwind)]
pub fn lookup_mailbox(key: String) -> Result<MailboxFound> {
    let engine = engine()?;
    let found = engine.lookup(&key);
    Ok(MailboxFound {
        id: hexadecimal(found.mailbox),
        database: index_or_none(found.database.map(u32::from)),
        pinned_server: index_or_none(engine.pins.server_of(found.mailbox)),
        hashed_server: index_or_none(engine.hash_server(found.mailbox)),
    })
}

/// Sessions that match all that is given.
#[napi(object)]
pub struct Selection {
    pub session_ids: Option<Vec<i64>>,
    pub mailbox_id: Option<String>,
    pub database: Option<u32>,
    pub server: Option<u32>,
    /// Sessions on this server are left out.
    pub except_server: Option<u32>,
    /// The code of a protocol: sessions of its frontends.
    pub protocol: Option<u32>,
}

impl Selection {
    fn into_engine(self) -> Result<engine_selection::Selection> {
        let mailbox = self.mailbox_id.map(|id| u64::from_str_radix(&id, 16));
        Ok(engine_selection::Selection {
            sessions: self.session_ids.map(|ids| ids.into_iter().map(|id| id as u64).collect()),
            mailbox: mailbox.transpose().map_err(|_| fault("a mailbox's identity is hexadecimal"))?,
            database: self.database,
            server: self.server,
            except_server: self.except_server,
            protocol: self.protocol.map(protocol).transpose()?,
        })
    }
}

#[napi(object)]
pub struct SessionRow {
    pub id: i64,
    pub frontend: String,
    pub phase: String,
    pub client_address: String,
    /// The load balancer that it came by; empty for none.
    pub proxy_address: String,
    pub user: String,
    pub mailbox_id: String,
    /// -1 for none, as in `server`.
    pub database: i32,
    pub server: i32,
    pub generation: i64,
    /// The gateway's, towards the server; 0 before there is one.
    pub local_port: u32,
    /// The gateway's, towards the server, where it has several to dial from; else empty.
    pub local_address: String,
    pub age_ms: i64,
    pub idle_ms: i64,
    pub bytes_in: i64,
    pub bytes_out: i64,
}

/// The matching sessions of all IO threads, `limit` at most.
#[napi(catch_unwind, ts_return_type = "Promise<Array<SessionRow>>")]
pub fn sessions(env: &Env, selection: Selection, limit: u32) -> Result<Object<'_>> {
    let engine = Arc::clone(engine()?);
    let selection = selection.into_engine()?;
    let (deferred, promise) = later(env)?;
    let names = Arc::clone(&engine);
    let answer = move |rows: Vec<engine_selection::SessionRow>| {
        settle(deferred, Ok(rows.iter().map(|row| session_row(&names, row)).collect::<Vec<_>>()));
    };
    engine.sessions(&selection, limit as usize, Box::new(answer));
    Ok(promise)
}

fn session_row(engine: &Engine, row: &engine_selection::SessionRow) -> SessionRow {
    let placement = row.placement;
    SessionRow {
        id: row.id.number() as i64,
        frontend: frontend_name(engine, row.frontend),
        phase: row.phase.into(),
        client_address: row.client.to_string(),
        proxy_address: row.proxy.map(|proxy| proxy.to_string()).unwrap_or_default(),
        user: row.user.to_string(),
        mailbox_id: hexadecimal(placement.mailbox),
        database: index_or_none(placement.database),
        server: index_or_none(placement.server),
        generation: placement.generation as i64,
        local_port: placement.local_port().into(),
        local_address: match placement.local {
            Some(local) if !engine.sources.is_empty() => local.ip().to_string(),
            _ => String::new(),
        },
        age_ms: row.age_ms as i64,
        idle_ms: row.idle_ms as i64,
        bytes_in: row.bytes_in as i64,
        bytes_out: row.bytes_out as i64,
    }
}

/// Why sessions are told to go, and how fast. What each hears are its frontend's words for the reason.
#[napi(object)]
pub struct Goodbye {
    /// The code of an end reason.
    pub reason: u32,
    /// So many spliced sessions a second over all IO threads, evenly spread; 0 for all at once.
    pub per_second: u32,
    /// How long a session that was told may take until it stands between two commands. Then it goes: with
    /// the words where its protocol has a place for them, else without.
    pub window_ms: u32,
}

/// Ends the matching sessions, each with the words as soon as its protocol allows them. Of two goodbyes to
/// one session the one that ends earlier wins. Resolves at once, with how many sessions matched.
#[napi(catch_unwind, ts_return_type = "Promise<number>")]
pub fn goodbye(env: &Env, selection: Selection, goodbye: Goodbye) -> Result<Object<'_>> {
    let engine = engine()?;
    let Goodbye { reason, per_second, window_ms } = goodbye;
    let selection = selection.into_engine()?;
    let reason =
        EndReason::of(reason).ok_or_else(|| fault(format!("no end reason has the code {reason}")))?;
    let (deferred, promise) = later(env)?;
    let order = Order { reason, per_second, window_ms: window_ms.into() };
    engine.goodbye(&selection, order, Box::new(move |told| settle(deferred, Ok(told.len() as u32))));
    Ok(promise)
}

#[napi(object)]
pub struct EndRecord {
    pub session: SessionRow,
    /// The code of the end reason.
    pub reason: u32,
    pub detail: String,
    /// "TLSv1.3 TLS_AES_128_GCM_SHA256", or empty.
    pub tls: String,
    pub preamble_ms: i64,
}

/// From now on the records of ended sessions are kept, 16,384 at most (more are counted in
/// Stats.endsDropped); `wake` is called when there are some.
#[napi(catch_unwind)]
pub fn on_ends(wake: Function<(), ()>) -> Result<()> {
    let wake = wake.build_threadsafe_function::<()>().weak::<true>().build()?;
    engine()?.ends.listen(Box::new(move || {
        let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }));
    Ok(())
}

/// Up to `max` records of ended sessions, the oldest first.
#[napi(catch_unwind)]
pub fn take_ends(max: u32) -> Result<Vec<EndRecord>> {
    let engine = engine()?;
    Ok(engine.ends.take(max as usize).into_iter().map(|record| end_record(engine, record)).collect())
}

fn end_record(engine: &Engine, record: ends::EndRecord) -> EndRecord {
    EndRecord {
        session: session_row(engine, &record.session),
        reason: record.reason.code(),
        detail: record.detail,
        tls: record
            .tls
            .map(|agreed| format!("{} {}", agreed.version, agreed.cipher_suite))
            .unwrap_or_default(),
        preamble_ms: record.preamble_ms as i64,
    }
}

#[napi(object)]
pub struct Stats {
    pub open: i64,
    pub opened: i64,
    pub spliced: i64,
    pub handshakes: i64,
    pub resumed: i64,
    pub bytes_in: i64,
    pub bytes_out: i64,
    pub ends_dropped: i64,
    pub panics: i64,
    /// Spliced sessions that were told goodbye, and heard the words.
    pub goodbyes_worded: i64,
    /// The same, closed without words.
    pub goodbyes_plain: i64,
    /// Logins that were refused, and whose clients heard so at once.
    pub refusals: i64,
    /// The same, where the answer was held back.
    pub refusals_delayed: i64,
    /// Counts by code of the end reason.
    pub ends: Vec<i64>,
    pub workers: Vec<WorkerStats>,
    pub revision: i64,
    pub mailbox_keys: i64,
    pub pins: i64,
}

#[napi(object)]
pub struct WorkerStats {
    pub joined: bool,
    pub sessions: u32,
    pub queued: u32,
    /// For how long the oldest event has waited: a worker that does not drain is stuck.
    pub oldest_ms: i64,
    /// Taken, and sent to take them, since the start, over all workers that had this place.
    pub events: i64,
    pub wakes: i64,
}

#[napi(catch_unwind)]
pub fn stats() -> Result<Stats> {
    let engine = engine()?;
    let counters = &engine.counters;
    let now_ms = engine.clock.now_ms();
    let workers = engine.workers.iter().map(|worker| {
        let (queued, oldest_ms) = worker.queue.waiting(now_ms);
        WorkerStats {
            joined: worker.queue.is_joined(),
            sessions: worker.sessions(),
            queued: queued as u32,
            oldest_ms: oldest_ms as i64,
            events: worker.events.get() as i64,
            wakes: worker.wakes() as i64,
        }
    });
    Ok(Stats {
        open: counters.open.get() as i64,
        opened: counters.opened.get() as i64,
        spliced: counters.spliced.get() as i64,
        handshakes: counters.handshakes.get() as i64,
        resumed: counters.resumed.get() as i64,
        bytes_in: counters.bytes_in.get() as i64,
        bytes_out: counters.bytes_out.get() as i64,
        ends_dropped: engine.ends.dropped.get() as i64,
        panics: counters.panics.get() as i64,
        goodbyes_worded: counters.goodbyes_worded.get() as i64,
        goodbyes_plain: counters.goodbyes_plain.get() as i64,
        refusals: counters.refusals.get() as i64,
        refusals_delayed: counters.refusals_delayed.get() as i64,
        ends: counters.ends().into_iter().map(|count| count as i64).collect(),
        workers: workers.collect(),
        revision: engine.table.load().revision as i64,
        mailbox_keys: engine.mailboxes.load().len_keys() as i64,
        pins: engine.pins.len() as i64,
    })
}

/// Faults of the engine outside any session since the last call, in words.
#[napi(catch_unwind)]
pub fn take_faults() -> Result<Vec<String>> {
    Ok(engine()?.take_faults())
}

/// No new sessions for this worker, because it is stuck; a worker that joins its place lifts it.
#[napi(catch_unwind)]
pub fn suspend_worker(index: u32) -> Result<()> {
    if let Some(worker) = engine()?.workers.get(index as usize) {
        worker.suspend();
    }
    Ok(())
}

/// Takes connections from now on; those that came since `start` have waited.
#[napi(catch_unwind)]
pub fn accept() -> Result<()> {
    engine()?.accept();
    Ok(())
}

/// Takes no new connections; sessions go on.
#[napi(catch_unwind)]
pub fn stop_accepting() -> Result<()> {
    engine()?.stop_accepting();
    Ok(())
}

/// Ends every session and waits for the IO threads. From the main thread only.
#[napi(catch_unwind)]
pub fn stop() -> Result<()> {
    engine()?.stop();
    Ok(())
}

/// The engine's table of end reasons, "code name" each, for the test that compares it with TypeScript's.
#[napi(catch_unwind)]
pub fn end_reason_names() -> Vec<String> {
    EndReason::ALL.iter().map(|reason| format!("{} {}", reason.code(), reason.name())).collect()
}

pub(crate) type Later<Data> = JsDeferred<Data, Box<dyn FnOnce(Env) -> Result<Data> + Send>>;

pub(crate) fn later<Data: ToNapiValue + 'static>(env: &Env) -> Result<(Later<Data>, Object<'_>)> {
    env.create_deferred()
}

pub(crate) fn settle<Data: ToNapiValue + Send + 'static>(deferred: Later<Data>, answer: Result<Data>) {
    match answer {
        Ok(data) => deferred.resolve(Box::new(move |_| Ok(data))),
        Err(error) => deferred.reject(error),
    }
}

fn frontend_name(engine: &Engine, index: usize) -> String {
    engine.config.frontends.get(index).map(|frontend| frontend.name.clone()).unwrap_or_default()
}

fn hexadecimal(identity: u64) -> String {
    format!("{identity:016x}")
}
