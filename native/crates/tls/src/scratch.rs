//! The buffers of one IO thread. Lent for the length of one call and never kept by a session: a thousand
//! idle sessions of a thread share this one set.

use zeroize::Zeroize;

use crate::limits::{INPUT_BYTES, OUTPUT_BYTES};

/// Buffers of one IO thread: what was read, and what is to be written.
///
/// Nothing in it outlives the call that it was lent to.
pub struct Scratch {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// What OpenSSL decrypts; empty until a session of an old profile needs it.
    #[cfg(feature = "openssl")]
    pub(crate) clear: Vec<u8>,
    /// It has been read into since it was wiped.
    #[cfg(feature = "openssl")]
    pub(crate) clear_is_used: bool,
    /// How much of `input` was written to since it was wiped.
    pub(crate) touched: usize,
}

impl Scratch {
    /// Allocates both buffers, about 112 KiB.
    #[must_use]
    pub fn new() -> Self {
        Self {
            input: vec![0; INPUT_BYTES],
            output: vec![0; OUTPUT_BYTES],
            #[cfg(feature = "openssl")]
            clear: Vec::new(),
            #[cfg(feature = "openssl")]
            clear_is_used: false,
            touched: 0,
        }
    }

    /// Overwrites what was read: for the talk in which passwords come by.
    pub fn wipe(&mut self) {
        let touched = std::mem::take(&mut self.touched).min(self.input.len());
        if let Some(read) = self.input.get_mut(..touched) {
            read.zeroize();
        }
        #[cfg(feature = "openssl")]
        if std::mem::take(&mut self.clear_is_used) {
            self.clear.as_mut_slice().zeroize();
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
