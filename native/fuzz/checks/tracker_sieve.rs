//! What must hold of the goodbye tracker for any ManageSieve session: a recording as in tracker.rs, compared
//! with a parser that reads whole responses.

use super::{Rules, check_cuts, line};
use postern_wire::tracker::Tracker;

pub const SIEVE: Rules = Rules { begin: Tracker::sieve, ends: |server, _| response_ends(server) };

pub fn check(recording: &[u8]) {
    check_cuts(recording, 61, &SIEVE);
}

pub fn response_ends(stream: &[u8]) -> Vec<usize> {
    let (mut ends, mut at) = (vec![0], 0);
    while let Some(length) = response(&stream[at..]) {
        at += length;
        ends.push(at);
    }
    ends
}

/// Lines of strings, then a status.
fn response(stream: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let text = String::from_utf8_lossy(stream.get(at..)?).to_ascii_uppercase();
        let word = text.split([' ', '\r']).next()?.to_owned();
        at += whole_line(&stream[at..])?;
        if ["OK", "NO", "BYE"].contains(&word.as_str()) {
            return Some(at);
        }
    }
}

/// A line with the literals in it.
fn whole_line(stream: &[u8]) -> Option<usize> {
    let mut length = line(stream)?;
    let mut from = 0;
    while let Some(size) = announced(&stream[from..length - 2]) {
        from = length.checked_add(size)?;
        length = from + line(stream.get(from..)?)?;
    }
    Some(length)
}

fn announced(line: &[u8]) -> Option<usize> {
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let inner = line[open + 1..].strip_suffix(b"}")?;
    let is_number = !inner.is_empty() && inner.len() <= 19 && inner.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(inner).ok().filter(|_| is_number)?.parse().ok()
}
