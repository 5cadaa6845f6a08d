//! Records for one thread that takes them in batches. Bounded: when it is slow, new records are dropped and
//! counted by the caller.
//!
//! The taker is woken by the first record of a batch. So it must take until it gets fewer than it asked for:
//! what it leaves brings no wake.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use crate::sync::{Mutex, MutexGuard};
use crate::worker_queue::Wake;

/// `waiting.len() <= records_max`
pub struct BatchQueue<Record> {
    records_max: usize,
    state: Mutex<State<Record>>,
}

struct State<Record> {
    waiting: VecDeque<Record>,
    /// `None`: nobody listens, and nothing is kept.
    wake: Option<Arc<Wake>>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// Dropped: too many wait.
    Full,
    /// Nobody listens.
    Unheard,
}

impl<Record> BatchQueue<Record> {
    #[must_use]
    pub fn new(records_max: usize) -> Self {
        Self { records_max, state: Mutex::new(State { waiting: VecDeque::new(), wake: None }) }
    }

    /// From now on records are kept; `wake` is called when there are some.
    pub fn listen(&self, wake: Wake) {
        let mut state = self.lock();
        let before = state.wake.replace(Arc::new(wake));
        let wake = (!state.waiting.is_empty()).then(|| state.wake.clone()).flatten();
        drop(state);
        drop(before);
        if let Some(wake) = wake {
            wake();
        }
    }

    /// Keeps what `record` makes; it is made only where it is kept.
    pub fn push(&self, record: impl FnOnce() -> Record) -> Kept {
        let mut state = self.lock();
        let Some(wake) = &state.wake else { return Kept::Unheard };
        if state.waiting.len() >= self.records_max {
            return Kept::Full;
        }
        let wake = state.waiting.is_empty().then(|| Arc::clone(wake));
        state.waiting.push_back(record());
        drop(state);
        if let Some(wake) = wake {
            wake();
        }
        Kept::Yes
    }

    /// Up to `max` records, the oldest first.
    #[must_use]
    pub fn take(&self, max: usize) -> Vec<Record> {
        let mut state = self.lock();
        let count = state.waiting.len().min(max);
        state.waiting.drain(..count).collect()
    }

    /// A panic while the lock was held leaves plain data behind, so a poisoned lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, State<Record>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn records_are_kept_for_a_listener_up_to_the_limit_and_only_the_first_of_a_batch_wakes() {
        let (queue, wakes) = (BatchQueue::new(3), Arc::new(AtomicUsize::new(0)));
        assert_eq!(queue.push(|| unreachable!("nobody listens")), Kept::Unheard);
        let counted = Arc::clone(&wakes);
        queue.listen(Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        for record in 0..3 {
            assert_eq!((queue.push(|| record), wakes.load(Ordering::SeqCst)), (Kept::Yes, 1));
        }
        assert_eq!(queue.push(|| unreachable!("there is no room")), Kept::Full);
        assert_eq!((queue.take(2), queue.take(2), queue.take(2)), (vec![0, 1], vec![2], vec![]));
        assert_eq!((queue.push(|| 3), wakes.load(Ordering::SeqCst)), (Kept::Yes, 2));
    }

    #[test]
    fn whoever_begins_to_listen_late_is_woken_for_what_waits() {
        let (queue, wakes) = (BatchQueue::new(3), Arc::new(AtomicUsize::new(0)));
        queue.listen(Box::new(|| {}));
        queue.push(|| ());
        let counted = Arc::clone(&wakes);
        queue.listen(Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        assert_eq!((wakes.load(Ordering::SeqCst), queue.take(9).len()), (1, 1));
    }
}
