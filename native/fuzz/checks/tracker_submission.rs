//! What must hold of the goodbye tracker for any submission session: a recording as in tracker.rs, compared
//! with a parser that reads whole replies.

use super::{Rules, check_cuts, line};
use postern_wire::tracker::Tracker;

pub const SUBMISSION: Rules = Rules { begin: Tracker::submission, ends: |server, _| reply_ends(server) };

pub fn check(recording: &[u8]) {
    check_cuts(recording, 61, &SUBMISSION);
}

pub fn reply_ends(stream: &[u8]) -> Vec<usize> {
    let (mut ends, mut at) = (vec![0], 0);
    while let Some(length) = line(&stream[at..]) {
        let text = &stream[at..at + length];
        if !text.iter().take(3).all(u8::is_ascii_digit) || length < 5 {
            break;
        }
        at += length;
        if text[3] != b'-' {
            ends.push(at);
        }
    }
    ends
}
