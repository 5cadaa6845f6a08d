//! The engine's clock: milliseconds since the engine started, monotonic. Tests move it, under the feature
//! `faults`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[derive(Debug)]
pub struct Clock {
    started: Instant,
    ahead_ms: AtomicU64,
}

impl Clock {
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now(), ahead_ms: AtomicU64::new(0) }
    }

    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64 + self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Lets time pass at once.
    #[cfg(any(test, feature = "faults"))]
    pub fn advance(&self, milliseconds: u64) {
        self.ahead_ms.fetch_add(milliseconds, Ordering::Relaxed);
    }
}
