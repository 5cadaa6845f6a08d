//! The place of one worker: the events that wait for it, and how it is woken. IO threads push, the worker
//! drains whole records into its own arrays.
//!
//! All of it is under one lock, so that a push meets exactly one worker or none: what it appends is drained
//! by the worker of the turn that it is told, or dropped when that one goes, which `leave` or `join` says
//! once.
//!
//! The worker is woken once for a batch: the push that finds nobody on the way gives the wake to its caller,
//! who calls it, now or when more has been pushed; `armed` says that a wake is on its way. `drain` disarms under the
//! lock under which it looks, so that what is pushed after the look brings a wake of its own.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

/// Wakes the worker's thread; carries nothing. A wake may come late or for nothing: it is never more than a
/// hint to drain.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Kind, low half, high half, argument, and the length of the bytes, which `push` fills in.
pub type Head = [u32; 5];
/// Words in a record's head.
pub const HEAD_WORDS: usize = 5;

/// One worker's waiting events. What clients send fills it up to `RECORDS_MAX` and `BYTES_MAX`; what becomes
/// of sessions has as much room again (`push_news`), so that no client's flood keeps another's news away.
#[derive(Default)]
pub struct WorkerQueue {
    waiting: Mutex<Waiting>,
    /// Whether there is a worker, for those who choose one: a hint, which `push` judges.
    is_joined: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    heads: VecDeque<Head>,
    bytes: VecDeque<u8>,
    /// When the oldest of what waits was pushed, in milliseconds of the engine's clock.
    oldest_at: Option<u64>,
    /// Somebody was turned away and waits for room.
    refused: bool,
    /// A wake is on its way.
    armed: bool,
    /// Which worker of this place it is; the last one's where there is none.
    turn: u32,
    /// How to wake it; `None`: the place is vacant, and nothing waits.
    wake: Option<Arc<Wake>>,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Taken, for the worker of this turn.
    Taken { turn: u32 },
    /// No room: stop reading this client until the worker has drained.
    Full,
    /// Nobody is there. Whoever was, is told of as gone by `leave` or `join`.
    Vacant,
}

/// What became of a push, and the wake that it brought about.
struct Outcome {
    pushed: Pushed,
    wake: Option<Arc<Wake>>,
}

impl Outcome {
    fn of(pushed: Pushed) -> Self {
        Self { pushed, wake: None }
    }

    /// Outside the lock: what a wake does is not ours.
    fn settled(self, owe: impl FnOnce(Arc<Wake>)) -> Pushed {
        if let Some(wake) = self.wake {
            owe(wake);
        }
        self.pushed
    }
}

/// What a drain did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drained {
    pub records: usize,
    /// More is waiting: call again.
    pub has_more: bool,
    /// Those who were turned away may push again.
    pub made_room: bool,
}

impl WorkerQueue {
    /// Queues what a client sent, unless there is no room.
    pub fn push(&self, head: Head, bytes: &[u8], now_ms: u64, owe: impl FnOnce(Arc<Wake>)) -> Pushed {
        self.push_within(1, head, bytes, now_ms).settled(owe)
    }

    /// Queues what became of a session. A session has few of these, so sessions bound them.
    pub fn push_news(&self, head: Head, bytes: &[u8], now_ms: u64, owe: impl FnOnce(Arc<Wake>)) -> Pushed {
        self.push_within(2, head, bytes, now_ms).settled(owe)
    }

    /// Queues a session's last record whatever the room: a worker must learn of each end, or it keeps the
    /// session for ever. There is one such record a session.
    pub fn push_last(&self, head: Head, now_ms: u64, owe: impl FnOnce(Arc<Wake>)) -> Pushed {
        self.push_within(usize::MAX, head, &[], now_ms).settled(owe)
    }

    fn push_within(&self, share: usize, head: Head, bytes: &[u8], now_ms: u64) -> Outcome {
        let mut waiting = self.lock();
        let Some(wake) = &waiting.wake else { return Outcome::of(Pushed::Vacant) };
        let has_room = waiting.heads.len() < RECORDS_MAX.saturating_mul(share)
            && waiting.bytes.len() + bytes.len() <= BYTES_MAX.saturating_mul(share);
        if !has_room {
            waiting.refused = true;
            return Outcome::of(Pushed::Full);
        }
        let wake = (!waiting.armed).then(|| Arc::clone(wake));
        waiting.armed = true;
        waiting.append(head, bytes, now_ms);
        Outcome { pushed: Pushed::Taken { turn: waiting.turn }, wake }
    }

    /// Moves as many whole records as fit into the arrays of the worker of this turn. Nothing for one whose
    /// place is another's by now.
    pub fn drain(&self, turn: u32, heads: &mut [u32], bytes: &mut [u8], now_ms: u64) -> Drained {
        let mut waiting = self.lock();
        if waiting.turn != turn {
            return Drained::default();
        }
        waiting.armed = false;
        let mut records = 0;
        let mut used = 0;
        for place in heads.chunks_exact_mut(HEAD_WORDS) {
            let Some(head) = waiting.heads.front().copied() else { break };
            let length = length_of(head);
            let Some(room) = bytes.get_mut(used..used + length) else { break };
            waiting.take_bytes(room);
            waiting.heads.pop_front();
            place.copy_from_slice(&head);
            used += length;
            records += 1;
        }
        let has_more = !waiting.heads.is_empty();
        waiting.oldest_at = has_more.then_some(now_ms);
        let made_room = records > 0 && std::mem::take(&mut waiting.refused);
        Drained { records, has_more, made_room }
    }

    /// A worker takes the place. Gives its turn, and that of a worker which had not left yet: it is gone now.
    /// What waited for that one is overwritten and dropped. Those who were turned away may push again.
    pub fn join(&self, wake: Wake) -> (u32, Option<u32>) {
        let mut waiting = self.lock();
        let before = waiting.vacate();
        let gone = before.is_some().then_some(waiting.turn);
        let turn = waiting.turn.wrapping_add(1);
        (waiting.turn, waiting.wake) = (turn, Some(Arc::new(wake)));
        self.is_joined.store(true, Ordering::Release);
        drop(waiting);
        // What a wake holds is not ours: it is dropped outside the lock.
        drop(before);
        (turn, gone)
    }

    /// The worker of this turn is gone, and what waited for it is overwritten and dropped. False: that is
    /// known already.
    #[must_use]
    pub fn leave(&self, turn: u32) -> bool {
        let mut waiting = self.lock();
        if waiting.turn != turn {
            return false;
        }
        let before = waiting.vacate();
        self.is_joined.store(false, Ordering::Release);
        drop(waiting);
        before.is_some()
    }

    /// Whether a worker is there just now: it may be gone by the time of a push, which says so.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.is_joined.load(Ordering::Acquire)
    }

    /// How many records wait, and for how long the oldest has: a worker that does not drain is stuck.
    #[must_use]
    pub fn waiting(&self, now_ms: u64) -> (usize, u64) {
        let waiting = self.lock();
        (waiting.heads.len(), waiting.oldest_at.map_or(0, |at| now_ms.saturating_sub(at)))
    }

    /// A panic while the lock was held leaves plain data behind, so a poisoned lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Overwrites and drops what waits; gives how the worker was woken, `None` where nobody was.
    fn vacate(&mut self) -> Option<Arc<Wake>> {
        self.bytes.iter_mut().for_each(|byte| *byte = 0);
        let turn = self.turn;
        std::mem::replace(self, Self { turn, ..Self::default() }).wake
    }

    fn append(&mut self, head: Head, bytes: &[u8], now_ms: u64) {
        let [kind, low, high, argument, _] = head;
        // BYTES_MAX is far below u32::MAX.
        self.heads.push_back([kind, low, high, argument, bytes.len() as u32]);
        if self.bytes.capacity() == 0 {
            // Once: growing would leave copies of secrets behind in freed memory.
            self.bytes.reserve_exact(2 * BYTES_MAX);
        }
        self.bytes.extend(bytes);
        self.oldest_at.get_or_insert(now_ms);
    }

    /// Fills `room` from the front, and overwrites what it took: a login's secrets pass through here.
    fn take_bytes(&mut self, room: &mut [u8]) {
        let length = room.len();
        let (first, second) = self.bytes.as_mut_slices();
        let from_first = first.len().min(length);
        let (head, tail) = room.split_at_mut(from_first);
        copy_and_clear(first, head);
        copy_and_clear(second, tail);
        self.bytes.drain(..length);
    }
}

fn copy_and_clear(from: &mut [u8], to: &mut [u8]) {
    for (source, place) in from.iter_mut().zip(to) {
        *place = std::mem::take(source);
    }
}

fn length_of(head: Head) -> usize {
    let [.., length] = head;
    length as usize
}

/// A worker handles a record in a few µs: as many are some milliseconds of work.
/// The models of `tests/loom.rs` fill it by two.
pub const RECORDS_MAX: usize = if cfg!(loom) { 2 } else { 4096 };
/// Room for the longest literal (64 KiB) of sixteen clients at once.
pub const BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::AtomicUsize;

    const TAKEN: Pushed = Pushed::Taken { turn: 1 };

    fn head(kind: u32) -> Head {
        [kind, 1, 2, 3, 0]
    }

    fn wake_now(wake: Arc<Wake>) {
        wake();
    }

    /// A queue with its first worker, and how often that one was woken.
    fn joined() -> (WorkerQueue, Arc<AtomicUsize>) {
        let queue = WorkerQueue::default();
        let wakes = join(&queue, 1);
        (queue, wakes)
    }

    fn join(queue: &WorkerQueue, turn: u32) -> Arc<AtomicUsize> {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wakes);
        let before = (turn > 1).then(|| turn - 1);
        assert_eq!(
            queue.join(Box::new(move || {
                counted.fetch_add(1, Ordering::SeqCst);
            })),
            (turn, before)
        );
        wakes
    }

    fn count(wakes: &AtomicUsize) -> usize {
        wakes.load(Ordering::SeqCst)
    }

    #[test]
    fn only_the_first_push_of_a_batch_wakes() {
        let (queue, wakes) = joined();
        assert_eq!((queue.push(head(1), b"a", 0, wake_now), count(&wakes)), (TAKEN, 1));
        assert_eq!((queue.push(head(2), b"bc", 0, wake_now), count(&wakes)), (TAKEN, 1));
        let (mut heads, mut bytes) = ([0; 20], [0; 8]);
        assert_eq!(
            queue.drain(1, &mut heads, &mut bytes, 0),
            Drained { records: 2, has_more: false, made_room: false }
        );
        assert_eq!(heads[..10], [1, 1, 2, 3, 1, 2, 1, 2, 3, 2]);
        assert_eq!(&bytes[..3], b"abc");
        assert_eq!((queue.push(head(3), b"", 0, wake_now), count(&wakes)), (TAKEN, 2));
    }

    #[test]
    fn a_record_that_does_not_fit_stays_whole_for_the_next_drain() {
        let (queue, _) = joined();
        queue.push(head(1), b"abc", 0, wake_now);
        queue.push(head(2), b"defg", 0, wake_now);
        let (mut heads, mut bytes) = ([0; 20], [0; 5]);
        assert_eq!(
            queue.drain(1, &mut heads, &mut bytes, 9),
            Drained { records: 1, has_more: true, made_room: false }
        );
        assert_eq!(
            queue.drain(1, &mut heads, &mut bytes, 9),
            Drained { records: 1, has_more: false, made_room: false }
        );
        assert_eq!(&bytes[..4], b"defg");
    }

    #[test]
    fn a_full_queue_refuses_all_but_the_last_record_of_a_session_and_says_when_there_is_room() {
        let (queue, _) = joined();
        for _ in 0..RECORDS_MAX {
            assert_eq!(queue.push(head(1), b"", 0, wake_now), TAKEN);
        }
        assert_eq!(queue.push(head(1), b"", 0, wake_now), Pushed::Full);
        assert_eq!(queue.push_last(head(8), 0, wake_now), TAKEN);
        let (mut heads, mut bytes) = (vec![0; 5 * (RECORDS_MAX + 1)], [0; 1]);
        let drained = queue.drain(1, &mut heads, &mut bytes, 0);
        assert_eq!(drained, Drained { records: RECORDS_MAX + 1, has_more: false, made_room: true });
        assert!(!queue.drain(1, &mut heads, &mut bytes, 0).made_room);
    }

    #[test]
    fn bytes_are_bounded_at_the_limit_and_one_over() {
        let (queue, _) = joined();
        assert_eq!(queue.push(head(1), &vec![0; BYTES_MAX], 0, wake_now), TAKEN);
        assert_eq!(queue.push(head(1), &[0], 0, wake_now), Pushed::Full);
        assert_eq!(queue.push(head(1), &[], 0, wake_now), TAKEN);
    }

    #[test]
    fn the_age_is_that_of_the_oldest_record() {
        let (queue, _) = joined();
        queue.push(head(1), b"", 100, wake_now);
        queue.push(head(1), b"", 150, wake_now);
        assert_eq!(queue.waiting(400), (2, 300));
        join(&queue, 2);
        assert_eq!(queue.waiting(400), (0, 0));
    }

    #[test]
    fn news_of_sessions_have_room_when_a_clients_lines_have_none() {
        let (queue, _) = joined();
        while queue.push(head(2), b"\n", 0, wake_now) != Pushed::Full {}
        for _ in 0..RECORDS_MAX {
            assert_eq!(queue.push_news(head(5), b"", 0, wake_now), TAKEN);
        }
        assert_eq!(queue.push_news(head(5), b"", 0, wake_now), Pushed::Full);
    }

    #[test]
    fn a_push_says_for_which_worker_it_was_and_a_new_worker_is_woken_anew() {
        let (queue, first) = joined();
        assert_eq!(queue.push(head(1), b"", 0, wake_now), TAKEN);
        let second = join(&queue, 2);
        assert_eq!(queue.push(head(1), b"", 0, wake_now), Pushed::Taken { turn: 2 });
        assert_eq!((count(&first), count(&second), queue.waiting(0).0), (1, 1, 1));
    }

    /// A worker in its last moments drained what was pushed for the one that had its place by then: those
    /// sessions waited for an answer that nobody would give.
    #[test]
    fn a_worker_whose_place_is_anothers_drains_nothing() {
        let (queue, _) = joined();
        join(&queue, 2);
        queue.push(head(1), b"x", 0, wake_now);
        let (mut heads, mut bytes) = ([0; 5], [0; 1]);
        assert_eq!(queue.drain(1, &mut heads, &mut bytes, 0), Drained::default());
        assert_eq!(queue.drain(2, &mut heads, &mut bytes, 0).records, 1);
    }

    #[test]
    fn a_vacant_place_takes_nothing_and_each_worker_is_gone_once() {
        let queue = WorkerQueue::default();
        assert_eq!((queue.push(head(1), b"x", 0, wake_now), queue.is_joined()), (Pushed::Vacant, false));
        join(&queue, 1);
        assert!(queue.is_joined());
        queue.push(head(1), b"secret", 0, wake_now);
        assert!(queue.leave(1) && !queue.leave(1) && !queue.leave(7) && !queue.is_joined());
        assert_eq!((queue.push_last(head(8), 0, wake_now), queue.waiting(9)), (Pushed::Vacant, (0, 0)));
        assert_eq!(queue.join(Box::new(|| {})), (2, None));
        assert!(!queue.leave(1) && queue.is_joined());
    }

    proptest! {
        #[test]
        fn what_is_pushed_comes_out_once_and_in_order(
            records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..60),
            room in 40usize..200,
        ) {
            let (queue, _) = joined();
            for (number, bytes) in records.iter().enumerate() {
                queue.push([number as u32, 0, 0, 0, 0], bytes, 0, wake_now);
            }
            let mut out = Vec::new();
            loop {
                let (mut heads, mut bytes) = (vec![0; 35], vec![0; room]);
                let drained = queue.drain(1, &mut heads, &mut bytes, 0);
                let mut at = 0;
                for record in heads.chunks(5).take(drained.records) {
                    let length = record[4] as usize;
                    out.push((record[0], bytes[at..at + length].to_vec()));
                    at += length;
                }
                if !drained.has_more { break }
            }
            let expected: Vec<_> = records.into_iter().enumerate().map(|(n, b)| (n as u32, b)).collect();
            prop_assert_eq!(out, expected);
        }
    }
}
