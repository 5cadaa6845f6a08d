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

use arc_swap::ArcSwapOption;
use postern_queue::session_id::SessionId;
use postern_queue::worker_queue::{Head, Pushed, WorkerQueue};
use postern_route::worker_hash::choose_worker;

use crate::io_thread::Io;

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
}

/// The worker that has a place just now.
pub struct Seat {
    turn: u32,
    wake: Wake,
}

/// The wakes that one IO thread owes to workers.
#[derive(Default)]
pub struct OwedWakes {
    seats: RefCell<Vec<Arc<Seat>>>,
    giver: Cell<Option<Waker>>,
}

impl OwedWakes {
    fn owe(&self, seat: &Arc<Seat>) {
        self.seats.borrow_mut().push(Arc::clone(seat));
        if let Some(giver) = self.giver.take() {
            giver.wake();
        }
    }

    /// Waits until a wake is owed. The task that waits here comes behind those that are ready already: their
    /// events are served by the same wake.
    pub async fn owed(&self) {
        poll_fn(|context| {
            if !self.seats.borrow().is_empty() {
                return Poll::Ready(());
            }
            self.giver.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    pub fn give(&self) {
        for seat in self.seats.take() {
            (seat.wake)();
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

    pub fn session_came(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub fn session_left(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// What a client sent. False: there is no room; the caller stops reading until it is told that there is.
    #[must_use]
    pub fn push(&self, io: &Io, news: News<'_>) -> bool {
        self.settle(io, &self.queue.push(news.head(), news.bytes, io.now_ms())).is_some()
    }

    /// What became of a session: the turn of the worker that gets it, `None` when even for this there is no
    /// room.
    #[must_use]
    pub fn push_news(&self, io: &Io, news: News<'_>) -> Option<u32> {
        self.settle(io, &self.queue.push_news(news.head(), news.bytes, io.now_ms()))
    }

    /// The session's last event: always taken.
    pub fn push_last(&self, io: &Io, news: News<'_>) {
        self.settle(io, &self.queue.push_last(news.head(), io.now_ms()));
    }

    fn settle(&self, io: &Io, pushed: &Pushed) -> Option<u32> {
        let Pushed::Taken { wakes, turn } = *pushed else { return None };
        if wakes && let Some(seat) = self.seat.load().as_ref() {
            io.owed_wakes.owe(seat);
        }
        Some(turn)
    }

    fn load(&self) -> Option<u32> {
        let is_open = self.is_joined() && !self.suspended.load(Ordering::SeqCst);
        is_open.then(|| self.sessions())
    }
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

/// The worker for a client's sessions: the same for the same address as long as the load allows.
#[must_use]
pub fn worker_for(workers: &[WorkerLink], client: IpAddr) -> Option<usize> {
    let loads: Vec<Option<u32>> = workers.iter().map(WorkerLink::load).collect();
    choose_worker(client, &loads)
}
