//! What must hold of the goodbye tracker for any two streams: the fuzz targets and the tests call it. Here is
//! what all protocols share, and IMAP.
//!
//! The input is a recorded session: `S 12` and LF, then 12 bytes of the server; `C 7`, then the client's;
//! the server's first piece is what the client gets first. Two things are checked: answers do not depend on
//! cuts, and where words may be put, a parser that reads the whole stream at once sees the end of a
//! response.

#[path = "tracker_pop3.rs"]
pub mod pop3;
#[path = "tracker_sieve.rs"]
pub mod sieve;
#[path = "tracker_submission.rs"]
pub mod submission;

use postern_wire::tracker::{Boundary, Tracker};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Client,
    Server,
}

/// The pieces of a recording, as far as it can be read.
pub fn pieces(recording: &[u8]) -> Vec<(Who, &[u8])> {
    let (mut pieces, mut rest) = (Vec::new(), recording);
    while let Some(end) = rest.iter().take(12).position(|byte| *byte == b'\n') {
        let (mark, after) = (&rest[..end], &rest[end + 1..]);
        let who = match mark.first() {
            Some(b'S') => Who::Server,
            Some(b'C') => Who::Client,
            _ => break,
        };
        let length = std::str::from_utf8(&mark[1..]).ok().and_then(|text| text.trim().parse().ok());
        let length = length.unwrap_or(0_usize).min(after.len());
        pieces.push((who, &after[..length]));
        rest = &after[length..];
    }
    pieces
}

pub fn saw(tracker: &mut Tracker, who: Who, bytes: &[u8]) {
    match who {
        Who::Client => tracker.saw_client(bytes),
        Who::Server => tracker.saw_server(bytes),
    }
}

/// Between two responses, whatever may be said there.
pub fn is_between(tracker: &Tracker) -> bool {
    match tracker.boundary() {
        Boundary::Safe | Boundary::Quiet | Boundary::Between => true,
        Boundary::Owed | Boundary::Inside | Boundary::Opaque => false,
    }
}

/// A protocol, as this check has to know it.
pub struct Rules {
    pub begin: fn(&[u8]) -> Tracker,
    /// Of the server's stream and the client's: where responses end, up to the first that is none. What
    /// comes behind [`UNKNOWN`] is not known.
    pub ends: fn(&[u8], &[u8]) -> Vec<usize>,
}

pub const UNKNOWN: usize = usize::MAX;

pub const IMAP: Rules = Rules { begin: Tracker::imap, ends: |server, _| response_ends(server) };

/// Cuts a long piece seldom: each cut reads it once more.
pub fn check(recording: &[u8]) {
    check_cuts(recording, 61, &IMAP);
}

/// Cuts each piece at every so many bytes, and a short one anywhere.
pub fn check_cuts(recording: &[u8], every: usize, rules: &Rules) {
    let pieces = pieces(recording);
    let Some((&(Who::Server, words), pieces)) = pieces.split_first() else { return };
    let ends = (rules.ends)(&stream_of(Who::Server, words, pieces), &stream_of(Who::Client, b"", pieces));
    let known_to = match ends[..] {
        [.., last, UNKNOWN] => last,
        _ => UNKNOWN,
    };
    let mut tracker = (rules.begin)(words);
    let mut offset = words.len();
    for &(who, bytes) in pieces {
        let mut whole = tracker;
        saw(&mut whole, who, bytes);
        let mut slow = tracker;
        for at in 1..=bytes.len() {
            saw(&mut slow, who, &bytes[at - 1..at]);
            offset += usize::from(who == Who::Server);
            if is_between(&slow) && offset <= known_to {
                assert!(ends.binary_search(&offset).is_ok(), "words inside a response, at {offset}");
            }
            if bytes.len() < 64 || at % every == 0 {
                let mut cut = tracker;
                saw(&mut cut, who, &bytes[..at]);
                assert_eq!(facts(&cut), facts(&slow), "{who:?} cut at {at} of {}", bytes.len());
                saw(&mut cut, who, &bytes[at..]);
                assert_eq!(facts(&cut), facts(&whole), "{who:?} in two at {at}");
            }
        }
        tracker = whole;
    }
}

fn facts(tracker: &Tracker) -> (Boundary, bool) {
    (tracker.boundary(), tracker.has_said_bye())
}

pub fn stream_of(speaker: Who, words: &[u8], pieces: &[(Who, &[u8])]) -> Vec<u8> {
    let said = pieces.iter().filter(|(who, _)| *who == speaker);
    [words].into_iter().chain(said.map(|(_, bytes)| *bytes)).collect::<Vec<_>>().concat()
}

/// The offsets at which a response of this stream ends, up to the first that is none. It reads in another
/// way than the tracker does: whole lines, split into words.
pub fn response_ends(stream: &[u8]) -> Vec<usize> {
    let (mut ends, mut at) = (vec![0], 0);
    while let Some(length) = response(&stream[at..]) {
        at += length;
        ends.push(at);
    }
    ends
}

fn response(stream: &[u8]) -> Option<usize> {
    let mut length = line(stream)?;
    let text = String::from_utf8_lossy(&stream[..length - 2]).to_ascii_uppercase();
    let words: Vec<&str> = text.split([' ', '\r']).collect();
    match words[..] {
        ["+", ..] | ["*", "OK" | "NO" | "BAD" | "BYE" | "PREAUTH", ..] => return Some(length),
        ["*", word, ..] if !word.is_empty() && !word.starts_with(['(', '"', '{', '*', '%']) => {}
        [tag, "OK" | "NO" | "BAD", ..] if !tag.is_empty() && !tag.contains(['*', '+', '(', '"', '{']) => {
            return Some(length);
        }
        _ => return None,
    }
    let mut from = 0;
    while let Some(size) = announced(&stream[from..length - 2]) {
        from = length.checked_add(size)?;
        length = from + line(stream.get(from..)?)?;
    }
    Some(length)
}

/// The length of a line that ends in CRLF.
pub fn line(stream: &[u8]) -> Option<usize> {
    let end = stream.iter().position(|byte| *byte == b'\n')?;
    (end > 0 && stream[end - 1] == b'\r').then_some(end + 1)
}

/// The size of the literal that a line announces.
fn announced(line: &[u8]) -> Option<usize> {
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let inner = line[open + 1..].strip_suffix(b"}")?;
    let digits = !inner.is_empty() && inner.len() <= 19 && inner.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(inner).ok().filter(|_| digits)?.parse().ok()
}
