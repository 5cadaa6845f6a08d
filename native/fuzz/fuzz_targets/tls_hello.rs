#![no_main]
//! Feeds any bytes to the check that the crate's tests replay the corpus with.

#[path = "../checks/tls_hello.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|input: &[u8]| check::check(input));
