//! The buffers of one IO thread. Lent for the length of one call and never kept by a session: a thousand
//! idle sessions of a thread share this one set.

use crate::limits::{INPUT_BYTES, OUTPUT_BYTES};

/// Buffers of one IO thread: what was read, and what is to be written.
///
/// Nothing in it outlives the call that it was lent to.
pub struct Scratch {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

impl Scratch {
    /// Allocates both buffers, about 128 KiB.
    #[must_use]
    pub fn new() -> Self {
        Self { input: vec![0; INPUT_BYTES], output: vec![0; OUTPUT_BYTES] }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
