//! Runs a unit of work again and again with a fixed number in flight: a new one begins when one ends, never
//! before. Bounded in count, in time and in errors; what has begun at the end of the time is finished and
//! counted, so that the server's CPU time and the units belong together.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::Failure;
use crate::cpu;
use crate::report::Line;
use crate::samples::Samples;

/// How much is run at most, and how much of it at once.
#[derive(Clone, Copy)]
pub struct Bounds {
    pub units: u32,
    pub parallel: u32,
    pub time: Duration,
}

/// Which unit, and in which of the lanes that run side by side: `lane < Bounds::parallel`.
#[derive(Clone, Copy)]
pub struct Turn {
    pub number: u32,
    pub lane: u32,
}

/// What came of a run.
#[derive(Default)]
pub struct Tally {
    pub samples: Samples,
    pub errors: usize,
    pub first_error: String,
    pub elapsed: Duration,
    pub own_time: Duration,
}

impl Tally {
    /// The fields that every result line has.
    pub fn line(&mut self, kind: &str) -> Line {
        let units = self.samples.count();
        Line::of(kind)
            .count("done", units)
            .count("errors", self.errors)
            .text("first_error", &self.first_error)
            .number("seconds", self.elapsed.as_secs_f64())
            .number("p50_ms", self.samples.quantile_ms(0.5))
            .number("p99_ms", self.samples.quantile_ms(0.99))
            .number("own_cpu_us_per_unit", cpu::micros_per_unit(self.own_time, units))
    }

    fn count(&mut self, outcome: Result<Duration, Failure>) {
        match outcome {
            Ok(length) => self.samples.add(length),
            Err(failure) => {
                if self.errors == 0 {
                    self.first_error = failure.to_string();
                }
                self.errors += 1;
            }
        }
    }
}

/// Runs `unit`, which is given its number from 0 and its lane. Must be called inside a `LocalSet`.
pub async fn run<Unit, Work>(bounds: Bounds, unit: Unit) -> Tally
where
    Unit: Fn(Turn) -> Work + 'static,
    Work: Future<Output = Result<(), Failure>> + 'static,
{
    let begun = Instant::now();
    let own_before = cpu::own_time();
    let (unit, next, tally) = (Rc::new(unit), Rc::new(Cell::new(0)), Rc::new(RefCell::new(Tally::default())));
    let mut lanes = JoinSet::new();
    for lane in 0..bounds.parallel {
        let (unit, next, tally) = (unit.clone(), next.clone(), tally.clone());
        lanes.spawn_local(async move {
            while begun.elapsed() < bounds.time && tally.borrow().errors < ERRORS_MAX {
                let number = next.get();
                if number >= bounds.units {
                    break;
                }
                next.set(number + 1);
                let outcome = timed(unit(Turn { number, lane })).await;
                let failed = outcome.is_err();
                tally.borrow_mut().count(outcome);
                if failed {
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        });
    }
    while lanes.join_next().await.is_some() {}
    let mut tally = tally.take();
    tally.elapsed = begun.elapsed();
    tally.own_time = cpu::own_time().saturating_sub(own_before);
    tally
}

async fn timed(work: impl Future<Output = Result<(), Failure>>) -> Result<Duration, Failure> {
    let begun = Instant::now();
    tokio::time::timeout(UNIT_TIME_MAX, work).await.map_err(|_| Failure::TimedOut)??;
    Ok(begun.elapsed())
}

/// A unit takes milliseconds; what takes this long is stuck.
pub const UNIT_TIME_MAX: Duration = Duration::from_secs(10);
/// A run with this many errors is spoilt, and a server that refuses everything is not hammered further.
pub const ERRORS_MAX: usize = 100;
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);
