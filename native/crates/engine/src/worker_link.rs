//! The engine's end of one worker: its queue, how it is woken, and whether it may be given sessions.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arc_swap::ArcSwapOption;
use postern_queue::session_id::SessionId;
use postern_queue::worker_queue::{Pushed, WorkerQueue};
use postern_route::worker_hash::choose_worker;

/// Wakes the worker's thread; carries nothing.
pub type Wake = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub struct WorkerLink {
    pub queue: WorkerQueue,
    wake: ArcSwapOption<Wake>,
    /// Set when the main thread finds the worker stuck: nothing new for it.
    suspended: AtomicBool,
    sessions: AtomicU32,
    /// Which worker of this place it is: a late leave of one before is not this one's.
    turn: AtomicU32,
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
    /// A worker has come; gives its turn, for `leave`. What waited for the one before is of no use to it.
    pub fn join(&self, wake: Wake) -> u32 {
        let turn = self.turn.fetch_add(1, Ordering::SeqCst) + 1;
        self.queue.clear();
        self.suspended.store(false, Ordering::SeqCst);
        self.wake.store(Some(wake.into()));
        turn
    }

    /// False: it had left already, or another has its place.
    #[must_use]
    pub fn leave(&self, turn: u32) -> bool {
        if turn != self.turn.load(Ordering::SeqCst) || self.wake.swap(None).is_none() {
            return false;
        }
        self.queue.clear();
        true
    }

    pub fn suspend(&self) {
        self.suspended.store(true, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.wake.load().is_some()
    }

    #[must_use]
    pub fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::Relaxed)
    }

    pub fn session_came(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub fn session_left(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// False: there is no room; the caller stops reading its client until it is told that there is.
    #[must_use]
    pub fn push(&self, event: Event, id: SessionId, argument: u32, bytes: &[u8], now_ms: u64) -> bool {
        let (low, high) = id.halves();
        let pushed = self.queue.push([event as u32, low, high, argument, 0], bytes, now_ms);
        self.wake_if(&pushed);
        pushed != Pushed::Full
    }

    /// The session's last event: always taken.
    pub fn push_last(&self, event: Event, id: SessionId, argument: u32, now_ms: u64) {
        let (low, high) = id.halves();
        let pushed = self.queue.push_last([event as u32, low, high, argument, 0], now_ms);
        self.wake_if(&pushed);
    }

    fn load(&self) -> Option<u32> {
        let is_open = self.is_joined() && !self.suspended.load(Ordering::SeqCst);
        is_open.then(|| self.sessions())
    }

    fn wake_if(&self, pushed: &Pushed) {
        if *pushed == Pushed::Wake
            && let Some(wake) = self.wake.load().as_ref()
        {
            wake();
        }
    }
}

/// The worker for a client's sessions: the same for the same address as long as the load allows.
#[must_use]
pub fn worker_for(workers: &[WorkerLink], client: IpAddr) -> Option<usize> {
    let loads: Vec<Option<u32>> = workers.iter().map(WorkerLink::load).collect();
    choose_worker(client, &loads)
}
