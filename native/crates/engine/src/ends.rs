//! The records of ended sessions on their way to the main thread, which logs them. Bounded: a slow log costs
//! records, counted, and never a session's time.

use postern_queue::batch_queue::{BatchQueue, Kept};
use postern_queue::worker_queue::Wake;

use crate::counters::Count;
use crate::end_reason::EndReason;
use crate::selection::SessionRow;
use crate::slot::Agreed;

pub struct EndRecord {
    pub session: SessionRow,
    pub reason: EndReason,
    pub detail: String,
    pub tls: Option<Agreed>,
    pub preamble_ms: u64,
}

pub struct Ends {
    waiting: BatchQueue<EndRecord>,
    pub dropped: Count,
}

impl Default for Ends {
    fn default() -> Self {
        Self { waiting: BatchQueue::new(RECORDS_MAX), dropped: Count::default() }
    }
}

impl Ends {
    /// From now on records are kept; `wake` is called when there are some.
    pub fn listen(&self, wake: Wake) {
        self.waiting.listen(wake);
    }

    /// Without a listener nothing is kept: `record` is not even called.
    pub fn push(&self, record: impl FnOnce() -> EndRecord) {
        if self.waiting.push(record) == Kept::Full {
            self.dropped.add(1);
        }
    }

    /// Up to `max` records, the oldest first. Take until there are fewer: what is left brings no wake.
    #[must_use]
    pub fn take(&self, max: usize) -> Vec<EndRecord> {
        self.waiting.take(max)
    }
}

/// Some seconds of logins at full speed; a record is about 300 bytes.
const RECORDS_MAX: usize = 16_384;
