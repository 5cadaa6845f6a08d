//! Carries the name of a ClientHello from the certificate resolver to the session.
//!
//! The unbuffered server connection does not tell the name it was asked for; only its resolver sees it. A
//! resolver runs inside the session's own call, on the same thread, so a cell of the thread carries it over.

use std::cell::RefCell;

thread_local! {
    static ASKED: RefCell<Option<Box<str>>> = const { RefCell::new(None) };
}

/// Called by the resolver: this is the name, if any, of the hello being read.
pub(crate) fn note(name: Option<&str>) {
    ASKED.with_borrow_mut(|asked| *asked = name.map(|name| name.to_ascii_lowercase().into()));
}

/// Called by the session behind each step: the name noted in that step. Leaves none for the next session.
pub(crate) fn take() -> Option<Box<str>> {
    ASKED.take()
}
