#![no_main]
//! Feeds any bytes to the check that the crate's tests replay the corpus with.

#[path = "../checks/tracker.rs"]
#[allow(dead_code)]
mod check;

libfuzzer_sys::fuzz_target!(|input: &[u8]| check::submission::check(input));
