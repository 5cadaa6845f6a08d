//! Every interleaving, up to a bound of preemptions, of the threads that meet in this crate's queues. A wake
//! that is lost leaves a thread waiting for ever, which loom reports as a deadlock.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p postern-queue --release --test loom --target-dir target/loom`;
//! docs/testing.md says which mistake each model finds.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::future::block_on;
use loom::sync::Notify;
use loom::thread::{self, JoinHandle};
use postern_queue::batch_queue::{BatchQueue, Kept};
use postern_queue::inbox::Inbox;
use postern_queue::worker_queue::{Drained, HEAD_WORDS, Pushed, RECORDS_MAX, Wake, WorkerQueue};

/// A worker whose part the model plays, until it has had so many events.
struct Worker {
    queue: Arc<WorkerQueue>,
    bell: Arc<Notify>,
    turn: u32,
    before: Option<u32>,
    got: Vec<u32>,
}

impl Worker {
    fn join(queue: &Arc<WorkerQueue>) -> Self {
        let bell = Arc::new(Notify::new());
        let rung = Arc::clone(&bell);
        let (turn, before) = queue.join(Box::new(move || rung.notify()));
        Self { queue: Arc::clone(queue), bell, turn, before, got: Vec::new() }
    }

    /// One drain of at most `records`. Each event's bytes are its number, as is its kind.
    fn drain(&mut self, records: usize) -> Drained {
        let (mut heads, mut bytes) = (vec![0; HEAD_WORDS * records], vec![0; records]);
        let drained = self.queue.drain(self.turn, &mut heads, &mut bytes, 0);
        let mut at = 0;
        for head in heads.chunks(HEAD_WORDS).take(drained.records) {
            if head[4] == 1 {
                assert_eq!(u32::from(bytes[at]), head[0]);
                at += 1;
            }
            self.got.push(head[0]);
        }
        drained
    }

    /// As docs/design/0001-engine-contract.md has it: sleeps until it is woken, then drains to the end.
    fn serve(&mut self, count: usize, made_room: impl Fn()) {
        while self.got.len() < count {
            self.bell.wait();
            loop {
                let drained = self.drain(1);
                if drained.made_room {
                    made_room();
                }
                if !drained.has_more {
                    break;
                }
            }
        }
    }
}

fn wake_now(wake: Arc<Wake>) {
    wake();
}

fn push(queue: &WorkerQueue, number: u32) -> Pushed {
    queue.push([number, 0, 0, 0, 0], &[number as u8], 0, wake_now)
}

/// Each thread more multiplies the interleavings, so a model has few; the bound of preemptions keeps all the
/// models together below ten seconds.
fn model(run: impl Fn() + Sync + Send + 'static) {
    let counted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counted);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        run();
    });
    println!("{} interleavings", counted.load(Ordering::Relaxed));
}

fn spawn<Answer: 'static>(run: impl FnOnce() -> Answer + 'static) -> JoinHandle<Answer> {
    thread::spawn(run)
}

#[test]
fn no_wake_is_lost_between_pushes_and_drains_and_each_pushers_events_keep_their_order() {
    model(|| {
        let queue = Arc::new(WorkerQueue::default());
        let mut worker = Worker::join(&queue);
        let pushers = [(1, 2), (3, 4)].map(|(first, second)| {
            let queue = Arc::clone(&queue);
            spawn(move || {
                // News and lines share the room of one queue, and here there is room for all.
                // As an IO thread does it: the wake is owed until it has pushed all that it has.
                let mut owed = Vec::new();
                let pushed = queue.push_news([first, 0, 0, 0, 0], &[first as u8], 0, |wake| owed.push(wake));
                assert_eq!(pushed, TAKEN);
                assert_eq!(queue.push_last([second, 0, 0, 0, 0], 0, |wake| owed.push(wake)), TAKEN);
                owed.into_iter().for_each(wake_now);
            })
        });
        worker.serve(4, || {});
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let place = |number| worker.got.iter().position(|got| *got == number).unwrap();
        assert!(place(1) < place(2) && place(3) < place(4) && worker.got.len() == 4);
    });
}

#[test]
fn an_event_pushed_while_its_worker_leaves_is_drained_or_dropped_with_it_and_never_both() {
    model(|| {
        let queue = Arc::new(WorkerQueue::default());
        let mut worker = Worker::join(&queue);
        let pushers = [[1], [2]].map(|numbers| {
            let queue = Arc::clone(&queue);
            spawn(move || numbers.map(|number| push(&queue, number)))
        });
        let gone = spawn({
            let queue = Arc::clone(&queue);
            // The main thread and the environment's hook may both say so.
            move || queue.leave(1)
        });
        worker.drain(2);
        let by_itself = queue.leave(1);
        let by_hook = gone.join().unwrap();
        assert!(by_itself != by_hook, "gone exactly once");
        let pushed = pushers.map(|pusher| pusher.join().unwrap());
        let taken = pushed.as_flattened().iter().filter(|pushed| **pushed == TAKEN).count();
        let vacant = pushed.as_flattened().iter().filter(|pushed| **pushed == Pushed::Vacant).count();
        assert_eq!(taken + vacant, 2, "an empty place is never full");
        let drained = worker.got.len();
        assert!(drained <= taken && worker.got.iter().collect::<HashSet<_>>().len() == drained);
        // Whatever was taken and not drained went with the worker: nothing waits for the next one.
        assert_eq!((queue.waiting(0), push(&queue, 9), queue.is_joined()), ((0, 0), Pushed::Vacant, false));
    });
}

#[test]
fn an_event_reaches_the_worker_of_the_turn_that_its_push_was_told_and_no_other() {
    model(|| {
        let queue = Arc::new(WorkerQueue::default());
        let mut old = Worker::join(&queue);
        let pusher = spawn({
            let queue = Arc::clone(&queue);
            move || [1, 2].map(|number| push(&queue, number))
        });
        // The old one lives on for a moment: it drains, and leaves too late.
        let old = spawn(move || {
            old.drain(2);
            let was_first = old.queue.leave(1);
            (old.got, was_first)
        });
        let mut new = Worker::join(&queue);
        let pushed = pusher.join().unwrap();
        let of = |turn| (1..).zip(pushed).filter(move |(_, pushed)| *pushed == Pushed::Taken { turn });
        let for_new: Vec<u32> = of(2).map(|(number, _)| number).collect();
        new.serve(for_new.len(), || {});
        let (old_got, was_first) = old.join().unwrap();
        assert_eq!(new.got, for_new);
        assert!(old_got.iter().all(|got| of(1).any(|(number, _)| number == *got)));
        assert!(was_first != (new.before == Some(1)), "gone exactly once");
        assert!(queue.is_joined());
    });
}

#[test]
fn whoever_is_turned_away_is_told_when_there_is_room() {
    model(|| {
        let queue = Arc::new(WorkerQueue::default());
        let mut worker = Worker::join(&queue);
        let room = Arc::new(Notify::new());
        let pusher = spawn({
            let (queue, room) = (Arc::clone(&queue), Arc::clone(&room));
            move || {
                for number in 1..=RECORDS_MAX as u32 + 1 {
                    while push(&queue, number) == Pushed::Full {
                        room.wait();
                    }
                }
            }
        });
        worker.serve(RECORDS_MAX + 1, || room.notify());
        pusher.join().unwrap();
        assert_eq!(worker.got, (1..=RECORDS_MAX as u32 + 1).collect::<Vec<_>>());
    });
}

#[test]
fn whoever_is_turned_away_hears_of_it_when_the_worker_goes() {
    model(|| {
        let queue = Arc::new(WorkerQueue::default());
        let worker = Worker::join(&queue);
        (0..RECORDS_MAX as u32).for_each(|number| assert_eq!(push(&queue, number), TAKEN));
        let told = Arc::new(Notify::new());
        let pusher = spawn({
            let (queue, told) = (Arc::clone(&queue), Arc::clone(&told));
            move || {
                loop {
                    match push(&queue, 7) {
                        Pushed::Full => told.wait(),
                        outcome => break outcome,
                    }
                }
            }
        });
        // What the engine does: tells the IO threads that the worker is gone, and later that one has come.
        if worker.queue.leave(worker.turn) {
            told.notify();
        }
        let mut next = Worker::join(&queue);
        told.notify();
        let outcome = pusher.join().unwrap();
        assert!(matches!(outcome, Pushed::Vacant | Pushed::Taken { turn: 2 }), "{outcome:?}");
        next.serve(usize::from(outcome != Pushed::Vacant), || {});
    });
}

#[test]
fn a_sessions_last_event_fits_whatever_others_push() {
    model(|| {
        let queue = Arc::new(WorkerQueue::default());
        let mut worker = Worker::join(&queue);
        let flood = spawn({
            let queue = Arc::clone(&queue);
            move || (1..=3).filter(|number| push(&queue, *number) != Pushed::Full).count()
        });
        let last = spawn({
            let queue = Arc::clone(&queue);
            move || [7, 8, 9].map(|number| queue.push_last([number, 0, 0, 0, 0], 0, wake_now))
        });
        assert_eq!(last.join().unwrap(), [TAKEN; 3]);
        let flooded = flood.join().unwrap();
        worker.serve(3 + flooded, || {});
        assert!([7, 8, 9].iter().all(|number| worker.got.contains(number)));
    });
}

#[test]
fn a_task_that_waits_at_its_inbox_is_woken_for_every_message() {
    model(|| {
        let inbox = Arc::new(Inbox::default());
        let pushers = [
            spawn({
                let inbox = Arc::clone(&inbox);
                move || (1..=2).for_each(|message| inbox.push(message))
            }),
            spawn({
                let inbox = Arc::clone(&inbox);
                move || inbox.push_all(&mut vec![3, 4])
            }),
        ];
        let mut got: Vec<u32> = Vec::new();
        while got.len() < 4 {
            got.extend(block_on(inbox.take()));
        }
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let place = |number| got.iter().position(|got| *got == number).unwrap();
        assert!(place(1) < place(2) && place(3) + 1 == place(4) && got.len() == 4);
    });
}

#[test]
fn whoever_takes_batches_to_their_end_is_woken_for_every_record() {
    model(|| {
        let queue = Arc::new(BatchQueue::new(8));
        let bell = Arc::new(Notify::new());
        let rung = Arc::clone(&bell);
        queue.listen(Box::new(move || rung.notify()));
        let pushers = [[1, 2], [3, 4]].map(|records| {
            let queue = Arc::clone(&queue);
            spawn(move || assert_eq!(records.map(|record| queue.push(|| record)), [Kept::Yes; 2]))
        });
        let mut got = Vec::new();
        while got.len() < 4 {
            bell.wait();
            loop {
                let batch = queue.take(1);
                if batch.is_empty() {
                    break;
                }
                got.extend(batch);
            }
        }
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let place = |record| got.iter().position(|got| *got == record).unwrap();
        assert!(place(1) < place(2) && place(3) < place(4) && got.len() == 4);
    });
}

/// What the first worker of a place is pushed.
const TAKEN: Pushed = Pushed::Taken { turn: 1 };
const PREEMPTIONS_MAX: usize = 4;
