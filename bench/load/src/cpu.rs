//! The CPU time that this program itself has used. Beside a result it says how disturbed a run was: the
//! work for one unit is fixed, so when it doubles, the machine was busy with something else.

use std::time::Duration;

/// The sum over all threads that live, as the scheduler counts it (nanoseconds). Zero where `/proc` is
/// missing.
pub fn own_time() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
}

pub fn micros_per_unit(used: Duration, units: usize) -> f64 {
    used.as_secs_f64() * 1e6 / units as f64
}
