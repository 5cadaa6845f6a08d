//! The records of ended sessions on their way to the main thread, which logs them. Bounded: a slow log costs
//! records, counted, and never a session's time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use crate::counters::Count;
use crate::end_reason::EndReason;
use crate::selection::SessionRow;
use crate::slot::Agreed;
use crate::worker_link::Wake;

pub struct EndRecord {
    pub session: SessionRow,
    pub reason: EndReason,
    pub detail: String,
    pub tls: Option<Agreed>,
    pub preamble_ms: u64,
}

#[derive(Default)]
pub struct Ends {
    waiting: Mutex<VecDeque<EndRecord>>,
    wake: ArcSwapOption<Wake>,
    pub dropped: Count,
}

impl Ends {
    /// From now on records are kept; `wake` is called when there are some.
    pub fn listen(&self, wake: Wake) {
        self.wake.store(Some(wake.into()));
    }

    /// Without a listener nothing is kept: `record` is not even called.
    pub fn push(&self, record: impl FnOnce() -> EndRecord) {
        let wake = self.wake.load();
        let Some(wake) = wake.as_ref() else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= RECORDS_MAX {
            self.dropped.add(1);
            return;
        }
        waiting.push_back(record());
        let is_first = waiting.len() == 1;
        drop(waiting);
        if is_first {
            wake();
        }
    }

    /// Up to `max` records, the oldest first.
    #[must_use]
    pub fn take(&self, max: usize) -> Vec<EndRecord> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(max);
        waiting.drain(..count).collect()
    }
}

/// Some seconds of logins at full speed; a record is about 300 bytes.
const RECORDS_MAX: usize = 16_384;
