//! Counts for metrics: written by every IO thread, read seldom.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::end_reason::{CODES, EndReason};

#[derive(Debug)]
pub struct Counters {
    pub open: Count,
    pub opened: Count,
    pub spliced: Count,
    pub handshakes: Count,
    pub resumed: Count,
    pub bytes_in: Count,
    pub bytes_out: Count,
    pub panics: Count,
    pub probes: Count,
    /// Spliced sessions that were told goodbye, and got the words.
    pub goodbyes_worded: Count,
    /// The same, closed without words.
    pub goodbyes_plain: Count,
    /// Refusals whose answer went out at once.
    pub refusals: Count,
    /// Those whose answer was held back.
    pub refusals_delayed: Count,
    ends: [Count; CODES],
}

#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            open: Count::default(),
            opened: Count::default(),
            spliced: Count::default(),
            handshakes: Count::default(),
            resumed: Count::default(),
            bytes_in: Count::default(),
            bytes_out: Count::default(),
            panics: Count::default(),
            probes: Count::default(),
            goodbyes_worded: Count::default(),
            goodbyes_plain: Count::default(),
            refusals: Count::default(),
            refusals_delayed: Count::default(),
            ends: std::array::from_fn(|_| Count::default()),
        }
    }
}

impl Counters {
    pub fn ended(&self, reason: EndReason) {
        if let Some(count) = self.ends.get(reason.code() as usize) {
            count.add(1);
        }
    }

    /// Counts by code; place 0 is unused.
    #[must_use]
    pub fn ends(&self) -> Vec<u64> {
        self.ends.iter().map(Count::get).collect()
    }
}
