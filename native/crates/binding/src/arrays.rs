//! The one place with `unsafe`: typed arrays of JavaScript as slices that the engine fills.

use napi::bindgen_prelude::{Uint8ArraySlice, Uint32ArraySlice};

/// The words of an array that the calling thread owns.
pub fn words<'a>(array: &'a mut Uint32ArraySlice<'_>) -> &'a mut [u32] {
    // SAFETY: the array belongs to the JavaScript thread that is in this call, so nobody else touches it
    // until the call returns; it is not over shared memory (workers/serve.ts allocates it), and no JavaScript
    // runs meanwhile.
    unsafe { array.as_mut() }
}

/// The bytes of an array that the calling thread owns.
pub fn bytes<'a>(array: &'a mut Uint8ArraySlice<'_>) -> &'a mut [u8] {
    // SAFETY: as for `words`.
    unsafe { array.as_mut() }
}
