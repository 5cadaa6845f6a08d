//! Cuts a server's answers into lines while a handoff script is played, and makes a line of a server
//! fit to be shown.
//!
//! Servers are trusted more than clients, but a misled one must not make us grow: lines are bounded, and a
//! literal before the login is done has no place in a handoff. The caller owns the buffer, as with the
//! framer.

use crate::framer::announcement;
use memchr::memchr;

/// A line of a server, with its end: RFC 9051 section 4 advises clients to take 8,000 octets.
pub const SERVER_LINE_BYTES_MAX: usize = 8 * 1024;

/// What the server's bytes amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFramed {
    Incomplete,
    /// A line of `text` bytes; with its end `length`. An LF ends it, a CR before that is no part of it.
    Line {
        text: usize,
        length: usize,
    },
    /// The server does what no handoff can follow. Every later call says the same.
    Fault(ServerFault),
}

/// Why a server's answer cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFault {
    LineTooLong,
    /// A literal before the login is done: the lines behind it could be anything.
    Literal,
}

impl ServerFault {
    /// The fault in words, for the log.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LineTooLong => "a line of more than 8 KiB before the login was done",
            Self::Literal => "a literal before the login was done",
        }
    }
}

/// The place in a server's stream. It keeps no bytes.
#[derive(Debug, Clone, Copy)]
pub struct ServerLines {
    literals: bool,
    scanned: usize,
    fault: Option<ServerFault>,
}

impl ServerLines {
    /// `literals`: the protocol has them (IMAP, `ManageSieve`), so a line that announces one is a fault.
    #[must_use]
    pub fn new(literals: bool) -> Self {
        Self { literals, scanned: 0, fault: None }
    }

    /// Frames the next line of `buffered`, the bytes that are not framed yet; the caller takes `length` of
    /// them away before it asks again.
    pub fn next(&mut self, buffered: &[u8]) -> ServerFramed {
        if let Some(fault) = self.fault {
            return ServerFramed::Fault(fault);
        }
        let window = buffered.len().min(SERVER_LINE_BYTES_MAX);
        let Some(found) = memchr(b'\n', buffered.get(self.scanned..window).unwrap_or_default()) else {
            self.scanned = window;
            return if window < SERVER_LINE_BYTES_MAX {
                ServerFramed::Incomplete
            } else {
                self.refuse(ServerFault::LineTooLong)
            };
        };
        let at = self.scanned + found;
        let line = buffered.get(..at).unwrap_or_default();
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        if self.literals && announcement(text).is_some() {
            return self.refuse(ServerFault::Literal);
        }
        self.scanned = 0;
        ServerFramed::Line { text: text.len(), length: at + 1 }
    }

    /// Begins a new stream: the first byte behind a TLS handshake.
    pub fn reset(&mut self) {
        *self = Self::new(self.literals);
    }

    fn refuse(&mut self, fault: ServerFault) -> ServerFramed {
        self.fault = Some(fault);
        ServerFramed::Fault(fault)
    }
}

/// A line as logs and clients may see it: at most `max` bytes of UTF-8, cut between characters. Control
/// characters are left out; what is no UTF-8, and what turns or breaks the line of a terminal, becomes `?`.
#[must_use]
pub fn clean_line(line: &[u8], max: usize) -> Vec<u8> {
    let mut clean = Vec::with_capacity(line.len().min(max));
    for chunk in line.utf8_chunks() {
        for letter in chunk.valid().chars().filter(|letter| !letter.is_control()) {
            if !append(&mut clean, if is_deceptive(letter) { '?' } else { letter }, max) {
                return clean;
            }
        }
        if !chunk.invalid().is_empty() && !append(&mut clean, '?', max) {
            return clean;
        }
    }
    clean
}

fn append(clean: &mut Vec<u8>, letter: char, max: usize) -> bool {
    let fits = clean.len() + letter.len_utf8() <= max;
    if fits {
        clean.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
    fits
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm; line and paragraph separators.
fn is_deceptive(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn an_lf_ends_a_line_and_one_cr_before_it_belongs_to_the_end() {
        for (bytes, framed) in [
            ("* OK\r\n", ServerFramed::Line { text: 4, length: 6 }),
            ("* OK\n", ServerFramed::Line { text: 4, length: 5 }),
            ("\r\n", ServerFramed::Line { text: 0, length: 2 }),
            ("a\r\r\n", ServerFramed::Line { text: 2, length: 4 }),
            ("* OK\r", ServerFramed::Incomplete),
            ("", ServerFramed::Incomplete),
        ] {
            assert_eq!(ServerLines::new(true).next(bytes.as_bytes()), framed, "{bytes:?}");
        }
    }

    #[test]
    fn a_literal_is_a_fault_where_the_protocol_has_them_and_text_elsewhere() {
        for line in ["* NO {12}\r\n", "* NO ~{12}\n", "* NO {12+}\r\n", "* NO {99999999999}\r\n"] {
            let mut lines = ServerLines::new(true);
            assert_eq!(lines.next(line.as_bytes()), ServerFramed::Fault(ServerFault::Literal), "{line:?}");
            assert_eq!(lines.next(b"* OK\r\n"), ServerFramed::Fault(ServerFault::Literal), "it stays");
            assert!(
                matches!(ServerLines::new(false).next(line.as_bytes()), ServerFramed::Line { .. }),
                "{line:?}"
            );
        }
        assert!(matches!(ServerLines::new(true).next(b"* OK {12} \r\n"), ServerFramed::Line { .. }));
    }

    #[test]
    fn a_line_may_have_8_kib_with_its_end() {
        for (text, fits) in [(SERVER_LINE_BYTES_MAX - 2, true), (SERVER_LINE_BYTES_MAX - 1, false)] {
            let line = format!("{}\r\n", "x".repeat(text));
            let framed = ServerLines::new(true).next(line.as_bytes());
            let expected = match fits {
                true => ServerFramed::Line { text, length: text + 2 },
                false => ServerFramed::Fault(ServerFault::LineTooLong),
            };
            assert_eq!(framed, expected, "{text}");
        }
        let endless = vec![b'x'; SERVER_LINE_BYTES_MAX];
        let mut lines = ServerLines::new(true);
        assert_eq!(lines.next(&endless[..SERVER_LINE_BYTES_MAX - 1]), ServerFramed::Incomplete);
        assert_eq!(lines.next(&endless), ServerFramed::Fault(ServerFault::LineTooLong));
    }

    #[test]
    fn lines_come_one_after_the_other_and_a_new_stream_begins_clean() {
        let mut lines = ServerLines::new(true);
        assert_eq!(lines.next(b"* O"), ServerFramed::Incomplete);
        assert_eq!(lines.next(b"* OK\r\nL"), ServerFramed::Line { text: 4, length: 6 });
        assert_eq!(lines.next(b"L"), ServerFramed::Incomplete);
        lines.reset();
        assert_eq!(lines.next(b"\n"), ServerFramed::Line { text: 0, length: 1 });
    }

    #[test]
    fn v37_a_servers_line_is_shown_without_what_could_deceive() {
        for (line, clean) in [
            (&b"L NO [UNAVAILABLE] try later"[..], "L NO [UNAVAILABLE] try later"),
            (b"a\x1b[2J\x07\0\tb\x7f\r\nc", "a[2Jbc"),
            ("a\u{9b}31mb".as_bytes(), "a31mb"),
            ("x\u{202e}gpj.exe\u{2066}\u{200f}\u{61c}\u{2028}".as_bytes(), "x?gpj.exe????"),
            (b"a\xff\xfeb\xc3", "a??b?"),
            ("Grüße 😀".as_bytes(), "Grüße 😀"),
        ] {
            assert_eq!(String::from_utf8(clean_line(line, 512)).as_deref(), Ok(clean));
        }
    }

    #[test]
    fn a_line_is_cut_between_characters_at_most_at_the_bound() {
        for (max, clean) in [(0, ""), (2, "ab"), (3, "ab"), (4, "abü"), (5, "abü?"), (6, "abü?"), (7, "abü?")]
        {
            assert_eq!(clean_line("abü\u{202e}".as_bytes(), max), clean.as_bytes(), "{max}");
        }
        assert_eq!(clean_line(&vec![b'x'; 1 << 20], 512).len(), 512);
    }
}
