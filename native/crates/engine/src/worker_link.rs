//! The engine's end of one worker: its queue, how it is woken, and whether it may be given sessions.
//!
//! A push does not wake: it leaves the wake with the IO thread (`OwedWakes`), which gives it once all
//! sessions that were ready have had their turn. A wake costs two switches of threads: it should serve many
//! events.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Poll, Waker};

use postern_queue::session_id::SessionId;
use postern_queue::worker_queue::{Head, Pushed, Wake, WorkerQueue};
use postern_route::worker_hash::choose_worker;

use crate::io_thread::Io;

#[derive(Default)]
pub struct WorkerLink {
    pub queue: WorkerQueue,
    /// Set when the main thread finds the worker stuck: nothing new for it.
    suspended: AtomicBool,
    sessions: AtomicU32,
    /// Events that the workers of this place have taken, and wakes that were sent to them, since the start:
    /// their ratio says how well a wake is used.
    pub events: crate::counters::Count,
    wakes: std::sync::Arc<crate::counters::Count>,
}

/// The wakes that one IO thread owes to workers.
#[derive(Default)]
pub struct OwedWakes {
    wakes: RefCell<Vec<Arc<Wake>>>,
    giver: Cell<Option<Waker>>,
}

impl OwedWakes {
    fn owe(&self, wake: Arc<Wake>) {
        self.wakes.borrow_mut().push(wake);
        if let Some(giver) = self.giver.take() {
            giver.wake();
        }
    }

    /// Waits until a wake is owed. The task that waits here comes behind those that are ready already: their
    /// events are served by the same wake.
    pub async fn owed(&self) {
        poll_fn(|context| {
            if !self.wakes.borrow().is_empty() {
                return Poll::Ready(());
            }
            self.giver.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    pub fn give(&self) {
        for wake in self.wakes.take() {
            wake();
        }
    }
}

/// One worker: its place, and which of that place's workers it is. A session remembers both, so that the end
/// of a worker concerns its own sessions and not those of the one that replaced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerId {
    pub place: usize,
    pub turn: u32,
}

/// What the engine tells a worker. The numbers are those of docs/design/0001-engine-contract.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Event {
    Opened = 1,
    Line = 2,
    Literal = 3,
    TlsReady = 4,
    HandoffRefused = 5,
    HandoffFailed = 6,
    Spliced = 7,
    Closed = 8,
    Fault = 9,
}

impl WorkerLink {
    /// A worker has come. Gives its turn, and that of a worker which had not left yet. What waited for the
    /// one before is of no use to it.
    pub fn join(&self, wake: Wake) -> (u32, Option<u32>) {
        self.suspended.store(false, Ordering::SeqCst);
        self.queue.join(wake)
    }

    pub fn suspend(&self) {
        self.suspended.store(true, Ordering::SeqCst);
    }

    #[must_use]
    pub fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// The same wake, each call of it counted.
    #[must_use]
    pub fn counted(&self, wake: Wake) -> Wake {
        let wakes = std::sync::Arc::clone(&self.wakes);
        Box::new(move || {
            wakes.add(1);
            wake();
        })
    }

    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.wakes.get()
    }

    pub fn session_came(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub fn session_left(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// What a client sent. False: it was not taken. The caller stops reading until it is told that there is
    /// room, or that the worker is gone.
    #[must_use]
    pub fn push(&self, io: &Io, news: News<'_>) -> bool {
        let pushed = self.queue.push(news.head(), news.bytes, io.now_ms(), owing(io));
        matches!(pushed, Pushed::Taken { .. })
    }

    /// What became of a session.
    #[must_use]
    pub fn push_news(&self, io: &Io, news: News<'_>) -> Pushed {
        self.queue.push_news(news.head(), news.bytes, io.now_ms(), owing(io))
    }

    /// The session's last event: taken by whoever is there.
    pub fn push_last(&self, io: &Io, news: News<'_>) {
        self.queue.push_last(news.head(), io.now_ms(), owing(io));
    }

    fn load(&self) -> Option<u32> {
        let is_open = self.queue.is_joined() && !self.suspended.load(Ordering::SeqCst);
        is_open.then(|| self.sessions())
    }
}

fn owing(io: &Io) -> impl FnOnce(Arc<Wake>) + '_ {
    |wake| io.owed_wakes.owe(wake)
}

/// One event for a worker.
#[derive(Clone, Copy)]
pub struct News<'b> {
    pub event: Event,
    pub id: SessionId,
    pub argument: u32,
    pub bytes: &'b [u8],
}

impl News<'_> {
    fn head(&self) -> Head {
        let (low, high) = self.id.halves();
        [self.event as u32, low, high, self.argument, 0]
    }
}

/// The worker that takes a new session by `push`: the same for the same address as long as the load allows.
/// One that leaves just then is passed over, and not chosen again.
#[must_use]
pub fn place_taking(
    workers: &[WorkerLink],
    client: IpAddr,
    push: impl Fn(&WorkerLink) -> Pushed,
) -> Option<WorkerId> {
    for _ in 0..workers.len() {
        let loads: Vec<Option<u32>> = workers.iter().map(WorkerLink::load).collect();
        let place = choose_worker(client, &loads)?;
        let worker = workers.get(place)?;
        match push(worker) {
            Pushed::Taken { turn } => {
                worker.session_came();
                return Some(WorkerId { place, turn });
            }
            Pushed::Vacant => {}
            Pushed::Full => return None,
        }
    }
    None
}
