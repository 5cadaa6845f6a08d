//! Cuts a server's answers into lines while a handoff script is played, and makes a line of a server
//! fit to be shown.
//!
//! Servers are trusted more than clients, but a misled one must not make us grow: lines are bounded, literals
//! in them too, and in IMAP a literal before the login is done has no place in a handoff. The caller owns the
//! buffer, as with the framer.

use crate::framer::announcement;
use memchr::memchr;

/// A line of a server, with its end and the literals in it: RFC 9051 section 4 advises clients to take 8,000
/// octets.
pub const SERVER_LINE_BYTES_MAX: usize = 8 * 1024;

/// What the server's bytes amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFramed {
    Incomplete,
    /// A line of `text` bytes; with its end `length`. An LF ends it, a CR before that is no part of it. Where
    /// literals are joined it may have ends of lines inside.
    Line {
        text: usize,
        length: usize,
    },
    /// The server does what no handoff can follow. Every later call says the same.
    Fault(ServerFault),
}

/// What a line that ends in `{n}` means in the server's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerLiterals {
    /// Text like any other (POP3, SMTP).
    None,
    /// A fault (IMAP): the lines behind it could be anything.
    Refused,
    /// n bytes and the rest of the line follow, and belong to it: any string of `ManageSieve`, such as a
    /// capability's value or the words of a refusal, may come so (RFC 5804 section 1.6).
    Joined,
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
    literals: ServerLiterals,
    /// So many bytes of what is shown need not be looked at again. While a literal is not whole it is more
    /// than is shown.
    scanned: usize,
    /// Where the last literal of the line ended. `tail <= scanned`
    tail: usize,
    fault: Option<ServerFault>,
}

impl ServerLines {
    #[must_use]
    pub fn new(literals: ServerLiterals) -> Self {
        Self { literals, scanned: 0, tail: 0, fault: None }
    }

    /// Frames the next line of `buffered`, the bytes that are not framed yet; the caller takes `length` of
    /// them away before it asks again.
    pub fn next(&mut self, buffered: &[u8]) -> ServerFramed {
        if let Some(fault) = self.fault {
            return ServerFramed::Fault(fault);
        }
        let window = buffered.len().min(SERVER_LINE_BYTES_MAX);
        while let Some(found) = memchr(b'\n', buffered.get(self.scanned..window).unwrap_or_default()) {
            let at = self.scanned + found;
            let line = buffered.get(self.tail..at).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let literal = match self.literals {
                ServerLiterals::None => None,
                _ => announcement(line),
            };
            let Some(literal) = literal else {
                let text = self.tail + line.len();
                (self.scanned, self.tail) = (0, 0);
                return ServerFramed::Line { text, length: at + 1 };
            };
            if self.literals == ServerLiterals::Refused {
                return self.refuse(ServerFault::Literal);
            }
            // Behind the literal comes one byte at least, the end of its line.
            let end = literal.length.map_or(usize::MAX, |length| (at + 1).saturating_add(length as usize));
            if end >= SERVER_LINE_BYTES_MAX {
                return self.refuse(ServerFault::LineTooLong);
            }
            (self.scanned, self.tail) = (end, end);
        }
        self.scanned = self.scanned.max(window);
        match window < SERVER_LINE_BYTES_MAX {
            true => ServerFramed::Incomplete,
            false => self.refuse(ServerFault::LineTooLong),
        }
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
            assert_eq!(ServerLines::new(ServerLiterals::Refused).next(bytes.as_bytes()), framed, "{bytes:?}");
        }
    }

    #[test]
    fn a_literal_is_a_fault_where_the_protocol_has_them_and_text_elsewhere() {
        for line in ["* NO {12}\r\n", "* NO ~{12}\n", "* NO {12+}\r\n", "* NO {99999999999}\r\n"] {
            let mut lines = ServerLines::new(ServerLiterals::Refused);
            assert_eq!(lines.next(line.as_bytes()), ServerFramed::Fault(ServerFault::Literal), "{line:?}");
            assert_eq!(lines.next(b"* OK\r\n"), ServerFramed::Fault(ServerFault::Literal), "it stays");
            assert!(
                matches!(
                    ServerLines::new(ServerLiterals::None).next(line.as_bytes()),
                    ServerFramed::Line { .. }
                ),
                "{line:?}"
            );
        }
        assert!(matches!(
            ServerLines::new(ServerLiterals::Refused).next(b"* OK {12} \r\n"),
            ServerFramed::Line { .. }
        ));
    }

    #[test]
    fn a_literal_that_may_come_belongs_to_its_line_with_what_follows_it() {
        for (bytes, framed) in [
            ("\"SIEVE\" {6}\r\nenvelo\r\n", ServerFramed::Line { text: 19, length: 21 }),
            ("NO {4}\r\na\r\nb\r\nOK\r\n", ServerFramed::Line { text: 12, length: 14 }),
            ("{1}\n\n {2+}\r\n{9\n", ServerFramed::Line { text: 14, length: 15 }),
            ("NO {0}\r\n\r\n", ServerFramed::Line { text: 8, length: 10 }),
            // A literal's own bytes announce nothing.
            ("NO {3}\r\n{9}\r\n", ServerFramed::Line { text: 11, length: 13 }),
            ("NO {3}\r\na\r\n\r", ServerFramed::Incomplete),
            ("NO {3}\r\nab", ServerFramed::Incomplete),
            ("NO {3}", ServerFramed::Incomplete),
            ("OK \"{3}\"\r\n", ServerFramed::Line { text: 8, length: 10 }),
        ] {
            for stride in 1..=bytes.len() {
                let mut lines = ServerLines::new(ServerLiterals::Joined);
                let shown =
                    (stride..bytes.len()).step_by(stride).map(|end| lines.next(&bytes.as_bytes()[..end]));
                let early = shown.filter(|framed| *framed != ServerFramed::Incomplete).last();
                let last = early.unwrap_or_else(|| lines.next(bytes.as_bytes()));
                assert_eq!(last, framed, "{bytes:?}, {stride} bytes at a time");
            }
        }
    }

    #[test]
    fn a_line_with_its_literals_may_have_8_kib_and_a_longer_one_is_refused_before_its_bytes() {
        for (announced, fits) in
            [("8180", true), ("8181", false), ("4294967295", false), ("99999999999", false)]
        {
            let line = format!("NO {{{announced}}}\r\n");
            let framed = ServerLines::new(ServerLiterals::Joined).next(line.as_bytes());
            assert_eq!(framed != ServerFramed::Fault(ServerFault::LineTooLong), fits, "{announced}");
        }
        // Behind the longest literal there is room for an LF alone.
        let whole = format!("NO {{8180}}\r\n{}\r\n", "x".repeat(8180));
        let mut lines = ServerLines::new(ServerLiterals::Joined);
        assert_eq!(lines.next(whole.as_bytes()), ServerFramed::Fault(ServerFault::LineTooLong));
        let whole = whole.replace("x\r\n", "x\n");
        let framed = ServerLines::new(ServerLiterals::Joined).next(whole.as_bytes());
        assert_eq!(framed, ServerFramed::Line { text: 8191, length: SERVER_LINE_BYTES_MAX });
    }

    #[test]
    fn a_line_may_have_8_kib_with_its_end() {
        for (text, fits) in [(SERVER_LINE_BYTES_MAX - 2, true), (SERVER_LINE_BYTES_MAX - 1, false)] {
            let line = format!("{}\r\n", "x".repeat(text));
            let framed = ServerLines::new(ServerLiterals::Refused).next(line.as_bytes());
            let expected = match fits {
                true => ServerFramed::Line { text, length: text + 2 },
                false => ServerFramed::Fault(ServerFault::LineTooLong),
            };
            assert_eq!(framed, expected, "{text}");
        }
        let endless = vec![b'x'; SERVER_LINE_BYTES_MAX];
        let mut lines = ServerLines::new(ServerLiterals::Refused);
        assert_eq!(lines.next(&endless[..SERVER_LINE_BYTES_MAX - 1]), ServerFramed::Incomplete);
        assert_eq!(lines.next(&endless), ServerFramed::Fault(ServerFault::LineTooLong));
    }

    #[test]
    fn lines_come_one_after_the_other_and_a_new_stream_begins_clean() {
        let mut lines = ServerLines::new(ServerLiterals::Refused);
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
