//! How often a worker is woken, and for how much: what the counters of its place say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use support::{limits, start, until};

#[test]
fn a_wake_is_counted_once_for_all_that_it_brings() {
    let bench = start(limits());
    let mut worker = bench.worker(0);
    let place = &bench.engine.workers[0];
    let mut client = bench.client();
    worker.expect(1);
    assert_eq!((place.events.get(), place.wakes()), (1, 1));
    client.say("a NOOP\r\nb NOOP\r\nc NOOP\r\n");
    until("all three lines wait", || place.queue.waiting(0).0 == 3);
    assert_eq!((place.events.get(), place.wakes()), (1, 2));
    for _ in 0..3 {
        worker.expect(2);
    }
    assert_eq!((place.events.get(), place.wakes()), (4, 2));
}

#[test]
fn the_counts_go_on_when_another_worker_takes_the_place() {
    let bench = start(limits());
    let mut first = bench.worker(0);
    let _client = bench.client();
    first.expect(1);
    first.leave();
    let mut second = bench.worker(0);
    let _other = bench.client();
    second.expect(1);
    let place = &bench.engine.workers[0];
    assert!(place.events.get() >= 2 && place.wakes() >= 2);
}
