//! The engine's end of one worker: its queue, how it is woken, and whether it may be given sessions.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arc_swap::ArcSwapOption;
use postern_queue::session_id::SessionId;
use postern_queue::worker_queue::{Head, Pushed, WorkerQueue};
use postern_route::worker_hash::choose_worker;

/// Wakes the worker's thread; carries nothing.
pub type Wake = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub struct WorkerLink {
    pub queue: WorkerQueue,
    seat: ArcSwapOption<Seat>,
    turns: AtomicU32,
    /// Set when the main thread finds the worker stuck: nothing new for it.
    suspended: AtomicBool,
    sessions: AtomicU32,
    /// Events that the workers of this place have taken, and wakes that were sent to them, since the start:
    /// their ratio says how well a wake is used.
    pub events: crate::counters::Count,
    wakes: std::sync::Arc<crate::counters::Count>,
}

/// The worker that has a place just now.
struct Seat {
    turn: u32,
    wake: Wake,
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
        let turn = self.turns.fetch_add(1, Ordering::SeqCst) + 1;
        self.queue.restart(turn);
        self.suspended.store(false, Ordering::SeqCst);
        let before = self.seat.swap(Some(Arc::new(Seat { turn, wake })));
        (turn, before.map(|seat| seat.turn))
    }

    /// False: it had left already, or another has its place.
    #[must_use]
    pub fn leave(&self, turn: u32) -> bool {
        let seat = self.seat.load();
        if seat.as_ref().is_none_or(|seat| seat.turn != turn) {
            return false;
        }
        let before = self.seat.compare_and_swap(&*seat, None);
        before.as_ref().is_some_and(|before| before.turn == turn)
    }

    pub fn suspend(&self) {
        self.suspended.store(true, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.seat.load().is_some()
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

    /// What a client sent. False: there is no room; the caller stops reading until it is told that there is.
    #[must_use]
    pub fn push(&self, event: Event, id: SessionId, argument: u32, bytes: &[u8], now_ms: u64) -> bool {
        self.settle(&self.queue.push(head(event, id, argument), bytes, now_ms)).is_some()
    }

    /// What became of a session: the turn of the worker that gets it, `None` when even for this there is no
    /// room.
    #[must_use]
    pub fn push_news(
        &self,
        event: Event,
        id: SessionId,
        argument: u32,
        bytes: &[u8],
        now_ms: u64,
    ) -> Option<u32> {
        self.settle(&self.queue.push_news(head(event, id, argument), bytes, now_ms))
    }

    /// The session's last event: always taken.
    pub fn push_last(&self, event: Event, id: SessionId, argument: u32, now_ms: u64) {
        self.settle(&self.queue.push_last(head(event, id, argument), now_ms));
    }

    fn settle(&self, pushed: &Pushed) -> Option<u32> {
        let Pushed::Taken { wakes, turn } = *pushed else { return None };
        if wakes && let Some(seat) = self.seat.load().as_ref() {
            (seat.wake)();
        }
        Some(turn)
    }

    fn load(&self) -> Option<u32> {
        let is_open = self.is_joined() && !self.suspended.load(Ordering::SeqCst);
        is_open.then(|| self.sessions())
    }
}

fn head(event: Event, id: SessionId, argument: u32) -> Head {
    let (low, high) = id.halves();
    [event as u32, low, high, argument, 0]
}

/// The worker for a client's sessions: the same for the same address as long as the load allows.
#[must_use]
pub fn worker_for(workers: &[WorkerLink], client: IpAddr) -> Option<usize> {
    let loads: Vec<Option<u32>> = workers.iter().map(WorkerLink::load).collect();
    choose_worker(client, &loads)
}
