//! The events that wait for one worker. IO threads push, the worker drains whole records into its own arrays.
//!
//! The worker is woken once for a batch: `armed` says that a wake is on its way. `drain` disarms before it
//! looks, so that what is pushed after the look brings a wake of its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Kind, low half, high half, argument, and the length of the bytes, which `push` fills in.
pub type Head = [u32; 5];
/// Words in a record's head.
pub const HEAD_WORDS: usize = 5;

/// One worker's waiting events. What clients send fills it up to `RECORDS_MAX` and `BYTES_MAX`; what becomes
/// of sessions has as much room again (`push_news`), so that no client's flood keeps another's news away.
#[derive(Default)]
pub struct WorkerQueue {
    waiting: Mutex<Waiting>,
    armed: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    heads: VecDeque<Head>,
    bytes: VecDeque<u8>,
    /// When the oldest of what waits was pushed, in milliseconds of the engine's clock.
    oldest_at: Option<u64>,
    /// Somebody was turned away and waits for room.
    refused: bool,
    /// Which worker of this place drains it.
    turn: u32,
}

/// What became of a push.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Taken, for the worker of this turn. `wakes`: it must be woken; else a wake is on its way.
    Taken { wakes: bool, turn: u32 },
    /// No room: stop reading this client until the worker has drained.
    Full,
}

/// What a drain did.
#[derive(Debug, PartialEq, Eq)]
pub struct Drained {
    pub records: usize,
    /// More is waiting: call again.
    pub has_more: bool,
    /// Those who were turned away may push again.
    pub made_room: bool,
}

impl WorkerQueue {
    /// Queues what a client sent, unless there is no room.
    pub fn push(&self, head: Head, bytes: &[u8], now_ms: u64) -> Pushed {
        self.push_within(head, bytes, now_ms, 1)
    }

    /// Queues what became of a session. A session has few of these, so sessions bound them.
    pub fn push_news(&self, head: Head, bytes: &[u8], now_ms: u64) -> Pushed {
        self.push_within(head, bytes, now_ms, 2)
    }

    /// Queues a session's last record whatever the room: a worker must learn of each end, or it keeps the
    /// session for ever. There is one such record a session.
    pub fn push_last(&self, head: Head, now_ms: u64) -> Pushed {
        self.push_within(head, &[], now_ms, usize::MAX)
    }

    fn push_within(&self, head: Head, bytes: &[u8], now_ms: u64, share: usize) -> Pushed {
        let mut waiting = self.lock();
        let has_room = waiting.heads.len() < RECORDS_MAX.saturating_mul(share)
            && waiting.bytes.len() + bytes.len() <= BYTES_MAX.saturating_mul(share);
        if !has_room {
            waiting.refused = true;
            return Pushed::Full;
        }
        waiting.append(head, bytes, now_ms);
        Pushed::Taken { wakes: !self.armed.swap(true, Ordering::SeqCst), turn: waiting.turn }
    }

    /// Moves as many whole records as fit into the worker's arrays.
    pub fn drain(&self, heads: &mut [u32], bytes: &mut [u8], now_ms: u64) -> Drained {
        // Disarmed before the look: a push from here on wakes again, so nothing is left lying.
        self.armed.store(false, Ordering::SeqCst);
        let mut waiting = self.lock();
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

    /// Begins anew for the worker of this turn: what waited for the one before is overwritten and dropped.
    pub fn restart(&self, turn: u32) {
        let mut waiting = self.lock();
        waiting.bytes.iter_mut().for_each(|byte| *byte = 0);
        *waiting = Waiting { turn, ..Waiting::default() };
        // Under the lock, so that no push in between believes in a wake that was meant for the old worker.
        self.armed.store(false, Ordering::SeqCst);
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
pub const RECORDS_MAX: usize = 4096;
/// Room for the longest literal (64 KiB) of sixteen clients at once.
pub const BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const WAKES: Pushed = Pushed::Taken { wakes: true, turn: 0 };
    const QUIET: Pushed = Pushed::Taken { wakes: false, turn: 0 };

    fn head(kind: u32) -> Head {
        [kind, 1, 2, 3, 0]
    }

    #[test]
    fn only_the_first_push_of_a_batch_wakes() {
        let queue = WorkerQueue::default();
        assert_eq!(queue.push(head(1), b"a", 0), WAKES);
        assert_eq!(queue.push(head(2), b"bc", 0), QUIET);
        let (mut heads, mut bytes) = ([0; 20], [0; 8]);
        assert_eq!(
            queue.drain(&mut heads, &mut bytes, 0),
            Drained { records: 2, has_more: false, made_room: false }
        );
        assert_eq!(heads[..10], [1, 1, 2, 3, 1, 2, 1, 2, 3, 2]);
        assert_eq!(&bytes[..3], b"abc");
        assert_eq!(queue.push(head(3), b"", 0), WAKES);
    }

    #[test]
    fn a_record_that_does_not_fit_stays_whole_for_the_next_drain() {
        let queue = WorkerQueue::default();
        queue.push(head(1), b"abc", 0);
        queue.push(head(2), b"defg", 0);
        let (mut heads, mut bytes) = ([0; 20], [0; 5]);
        assert_eq!(
            queue.drain(&mut heads, &mut bytes, 9),
            Drained { records: 1, has_more: true, made_room: false }
        );
        assert_eq!(
            queue.drain(&mut heads, &mut bytes, 9),
            Drained { records: 1, has_more: false, made_room: false }
        );
        assert_eq!(&bytes[..4], b"defg");
    }

    #[test]
    fn a_full_queue_refuses_all_but_the_last_record_of_a_session_and_says_when_there_is_room() {
        let queue = WorkerQueue::default();
        for _ in 0..RECORDS_MAX {
            assert_ne!(queue.push(head(1), b"", 0), Pushed::Full);
        }
        assert_eq!(queue.push(head(1), b"", 0), Pushed::Full);
        assert_eq!(queue.push_last(head(8), 0), QUIET);
        let (mut heads, mut bytes) = (vec![0; 5 * (RECORDS_MAX + 1)], [0; 1]);
        let drained = queue.drain(&mut heads, &mut bytes, 0);
        assert_eq!(drained, Drained { records: RECORDS_MAX + 1, has_more: false, made_room: true });
        assert!(!queue.drain(&mut heads, &mut bytes, 0).made_room);
    }

    #[test]
    fn bytes_are_bounded_at_the_limit_and_one_over() {
        let queue = WorkerQueue::default();
        assert_ne!(queue.push(head(1), &vec![0; BYTES_MAX], 0), Pushed::Full);
        assert_eq!(queue.push(head(1), &[0], 0), Pushed::Full);
        assert_ne!(queue.push(head(1), &[], 0), Pushed::Full);
    }

    #[test]
    fn the_age_is_that_of_the_oldest_record() {
        let queue = WorkerQueue::default();
        queue.push(head(1), b"", 100);
        queue.push(head(1), b"", 150);
        assert_eq!(queue.waiting(400), (2, 300));
        queue.restart(1);
        assert_eq!(queue.waiting(400), (0, 0));
    }

    #[test]
    fn news_of_sessions_have_room_when_a_clients_lines_have_none() {
        let queue = WorkerQueue::default();
        while queue.push(head(2), b"\n", 0) != Pushed::Full {}
        for _ in 0..RECORDS_MAX {
            assert_eq!(queue.push_news(head(5), b"", 0), QUIET);
        }
        assert_eq!(queue.push_news(head(5), b"", 0), Pushed::Full);
    }

    #[test]
    fn a_push_says_for_which_worker_it_was_and_a_new_worker_is_woken_anew() {
        let queue = WorkerQueue::default();
        assert_eq!(queue.push(head(1), b"", 0), WAKES);
        queue.restart(7);
        assert_eq!(queue.push(head(1), b"", 0), Pushed::Taken { wakes: true, turn: 7 });
        assert_eq!(queue.waiting(0).0, 1);
    }

    proptest! {
        #[test]
        fn what_is_pushed_comes_out_once_and_in_order(
            records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..60),
            room in 40usize..200,
        ) {
            let queue = WorkerQueue::default();
            for (number, bytes) in records.iter().enumerate() {
                queue.push([number as u32, 0, 0, 0, 0], bytes, 0);
            }
            let mut out = Vec::new();
            loop {
                let (mut heads, mut bytes) = (vec![0; 35], vec![0; room]);
                let drained = queue.drain(&mut heads, &mut bytes, 0);
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
