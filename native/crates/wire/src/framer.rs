//! Cuts a client's bytes into lines and IMAP literals, before the user is known.
//!
//! The caller owns the buffer: it shows the bytes that are not framed yet, and advances by the length of
//! what it is given. What a line means is for the worker; here are only its borders, and what no line may
//! hold: a bare CR or NUL (for every protocol), a bare LF (where the listener says so), too many bytes.
//! Announced sizes are never allocated.

use memchr::{memchr, memchr3};

/// Bounds and customs of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramerLimits {
    /// A line with its end may have so many bytes, not one more.
    pub line_bytes_max: usize,
    /// A literal may have so many bytes, not one more.
    pub literal_bytes_max: usize,
    /// IMAP and `ManageSieve`: a line that ends in `{n}` or `{n+}` announces n bytes.
    pub literals: bool,
    /// People type IMAP and POP3 by hand; SMTP takes no LF without CR.
    pub bare_lf_ends_line: bool,
}

/// What the bytes shown amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// More bytes are needed.
    Incomplete,
    /// The last line announced a literal by `{n}`, and the worker has not said yet what comes next:
    /// [`Framer::expect_literal`] or [`Framer::expect_line`].
    Blocked,
    /// A line of `text` bytes; with its end `length`. `text < length <= line_bytes_max`
    Line { text: usize, length: usize },
    /// A literal, possibly empty. `length <= literal_bytes_max`
    Literal { length: usize },
    /// The client broke a rule. Every later call says the same.
    Fault(Fault),
}

/// The rule that a client broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    LineTooLong,
    LiteralTooLong,
    BareCr,
    Nul,
    BareLf,
    /// A TLS handshake where clear text is due. It has no line's end to wait for.
    TlsHello,
}

/// The place in a client's stream. One a session; it keeps no bytes.
#[derive(Debug, Clone, Copy)]
pub struct Framer {
    limits: FramerLimits,
    awaits: Awaits,
    /// No line was given yet.
    is_first: bool,
    /// So many bytes of what is shown have been looked at, and hold neither an end nor a fault.
    scanned: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Line,
    Literal { length: usize },
    Word { announced: usize },
    Nothing(Fault),
}

impl Framer {
    #[must_use]
    pub fn new(limits: FramerLimits) -> Self {
        Self { limits, awaits: Awaits::Line, is_first: true, scanned: 0 }
    }

    /// Frames the next piece of `buffered`, the bytes that are not framed yet: always the same ones as in
    /// the call before and perhaps more, until a `Line` or `Literal` is given and its `length` taken away.
    pub fn next(&mut self, buffered: &[u8]) -> Framed {
        let framed = match self.awaits {
            Awaits::Line if self.is_first && buffered.starts_with(TLS_HELLO) => {
                Framed::Fault(Fault::TlsHello)
            }
            Awaits::Line => self.line(buffered),
            Awaits::Literal { length } => self.literal(buffered, length),
            Awaits::Word { .. } => Framed::Blocked,
            Awaits::Nothing(fault) => Framed::Fault(fault),
        };
        if let Framed::Fault(fault) = framed {
            self.awaits = Awaits::Nothing(fault);
        }
        framed
    }

    /// The worker has answered `{n}` with its continuation. False, and nothing changes, where no literal
    /// of this length was announced: the worker is mistaken.
    pub fn expect_literal(&mut self, length: usize) -> bool {
        let announced = self.awaits == Awaits::Word { announced: length };
        if announced {
            self.awaits = Awaits::Literal { length };
        }
        announced
    }

    /// The worker has refused the command that announced a literal: RFC 9051 section 4.3 has the client
    /// send its next command instead. Without an announcement it changes nothing.
    pub fn expect_line(&mut self) {
        if let Awaits::Word { .. } = self.awaits {
            self.awaits = Awaits::Line;
        }
    }

    /// Begins a new stream under the same limits: the first byte behind a TLS handshake.
    pub fn reset(&mut self) {
        *self = Self::new(self.limits);
    }

    fn line(&mut self, buffered: &[u8]) -> Framed {
        let window = buffered.len().min(self.limits.line_bytes_max);
        let fresh = buffered.get(self.scanned..window).unwrap_or_default();
        let Some(found) = memchr3(b'\r', b'\n', 0, fresh) else {
            self.scanned = window;
            return self.endless(window);
        };
        let at = self.scanned + found;
        match (fresh.get(found), buffered.get(at + 1)) {
            (Some(b'\n'), _) if !self.limits.bare_lf_ends_line => Framed::Fault(Fault::BareLf),
            (Some(b'\n'), _) => self.whole(buffered, at, at + 1),
            (Some(b'\r'), _) if at + 2 > self.limits.line_bytes_max => Framed::Fault(Fault::LineTooLong),
            (Some(b'\r'), Some(b'\n')) => self.whole(buffered, at, at + 2),
            (Some(b'\r'), Some(_)) => Framed::Fault(Fault::BareCr),
            (Some(b'\r'), None) => {
                self.scanned = at;
                Framed::Incomplete
            }
            _ => Framed::Fault(Fault::Nul),
        }
    }

    fn endless(&self, seen: usize) -> Framed {
        if seen < self.limits.line_bytes_max { Framed::Incomplete } else { Framed::Fault(Fault::LineTooLong) }
    }

    fn whole(&mut self, buffered: &[u8], text: usize, length: usize) -> Framed {
        let announced = match self.limits.literals {
            true => announcement(buffered.get(..text).unwrap_or_default()),
            false => None,
        };
        self.awaits = match announced {
            None => Awaits::Line,
            Some(literal) => match self.fitting(literal.length) {
                None => return Framed::Fault(Fault::LiteralTooLong),
                Some(length) if literal.is_sent_at_once => Awaits::Literal { length },
                Some(announced) => Awaits::Word { announced },
            },
        };
        self.is_first = false;
        self.scanned = 0;
        Framed::Line { text, length }
    }

    fn fitting(&self, length: Option<u32>) -> Option<usize> {
        let length = usize::try_from(length?).ok()?;
        (length <= self.limits.literal_bytes_max).then_some(length)
    }

    /// RFC 9051 section 9, CHAR8: a literal holds any octet but NUL.
    fn literal(&mut self, buffered: &[u8], length: usize) -> Framed {
        let window = buffered.len().min(length);
        if memchr(0, buffered.get(self.scanned..window).unwrap_or_default()).is_some() {
            return Framed::Fault(Fault::Nul);
        }
        if window < length {
            self.scanned = window;
            return Framed::Incomplete;
        }
        self.awaits = Awaits::Line;
        self.scanned = 0;
        Framed::Literal { length }
    }
}

/// RFC 8446 section 5.1: a record of type 22 (handshake) and version 3.
const TLS_HELLO: &[u8] = &[0x16, 3];

/// A literal that the end of a line announces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// None: a number that no literal has, beyond 32 bits or ten digits.
    pub length: Option<u32>,
    /// `{n+}`: the client does not wait for leave (RFC 7888).
    pub is_sent_at_once: bool,
}

/// Reads `{n}` or `{n+}` at the end of a line. What stands before the brace does not matter: behind `~`
/// (literal8) the same number of bytes follows, and whoever took them for commands would be deceived.
pub(crate) fn announcement(text: &[u8]) -> Option<Announcement> {
    let inner = text.strip_suffix(b"}")?;
    let (digits_end, is_sent_at_once) = match inner.strip_suffix(b"+") {
        Some(before) => (before, true),
        None => (inner, false),
    };
    let before = digits_end.iter().rposition(|byte| !byte.is_ascii_digit())?;
    if digits_end.get(before) != Some(&b'{') {
        return None;
    }
    let digits = digits_end.get(before + 1..)?;
    if digits.is_empty() {
        return None;
    }
    Some(Announcement { length: number(digits), is_sent_at_once })
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.len() > NUMBER_DIGITS_MAX {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// 4294967295 has ten digits; leading zeros are no reason to read more.
const NUMBER_DIGITS_MAX: usize = 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const IMAP: FramerLimits =
        FramerLimits { line_bytes_max: 32, literal_bytes_max: 16, literals: true, bare_lf_ends_line: true };
    const SMTP: FramerLimits = FramerLimits { literals: false, bare_lf_ends_line: false, ..IMAP };

    /// The pieces of `bytes` as text, until the framer wants more bytes, a word, or nothing.
    fn pieces(framer: &mut Framer, bytes: &[u8]) -> (Vec<String>, Framed) {
        let (mut pieces, mut from) = (Vec::new(), 0);
        loop {
            let (text, length) = match framer.next(&bytes[from..]) {
                Framed::Line { text, length } => (text, length),
                Framed::Literal { length } => (length, length),
                last => return (pieces, last),
            };
            pieces.push(String::from_utf8_lossy(&bytes[from..from + text]).into_owned());
            from += length;
        }
    }

    #[test]
    fn a_tls_hello_in_clear_is_told_by_its_first_two_bytes_and_only_as_the_very_first() {
        for (bytes, last) in [
            (&b"\x16"[..], Framed::Incomplete),
            (b"\x16\x03", Framed::Fault(Fault::TlsHello)),
            (b"\x16\x03\x01\0\n", Framed::Fault(Fault::TlsHello)),
            (b"\x16a\r\n", Framed::Incomplete),
            (b"a\r\n\x16\x03\r\n", Framed::Incomplete),
        ] {
            assert_eq!(pieces(&mut Framer::new(IMAP), bytes).1, last, "{bytes:?}");
        }
        let mut framer = Framer::new(IMAP);
        pieces(&mut framer, b"a STARTTLS\r\n");
        framer.reset();
        assert_eq!(framer.next(b"\x16\x03"), Framed::Fault(Fault::TlsHello));
    }

    #[test]
    fn each_protocol_has_its_line_ends_and_literals() {
        for (limits, bytes, expected, last) in [
            (IMAP, "a NOOP\r\nb NOOP\n\r\n", vec!["a NOOP", "b NOOP", ""], Framed::Incomplete),
            (
                IMAP,
                "a LOGIN {3+}\r\nann {0+}\n\r\n",
                vec!["a LOGIN {3+}", "ann", " {0+}", "", ""],
                Framed::Incomplete,
            ),
            (IMAP, "a LOGIN {2+}\r\n\r\n\r\n", vec!["a LOGIN {2+}", "\r\n", ""], Framed::Incomplete),
            (IMAP, "a {3}\r\nann\r\n", vec!["a {3}"], Framed::Blocked),
            (IMAP, "a ~{3}\r\nann\r\n", vec!["a ~{3}"], Framed::Blocked),
            (
                IMAP,
                "a {3-}\r\nb {}\r\nc {+}\r\n3}\r\n}\r\n",
                vec!["a {3-}", "b {}", "c {+}", "3}", "}"],
                Framed::Incomplete,
            ),
            (IMAP, "a {3} \r\nb {x3}\r\n{3+}", vec!["a {3} ", "b {x3}"], Framed::Incomplete),
            (SMTP, "HELO {3+}\r\nMAIL\r\n", vec!["HELO {3+}", "MAIL"], Framed::Incomplete),
            (SMTP, "HELO\r\nMAIL\n", vec!["HELO"], Framed::Fault(Fault::BareLf)),
            (IMAP, "a\rb\r\n", vec![], Framed::Fault(Fault::BareCr)),
            (IMAP, "a\r\r\n", vec![], Framed::Fault(Fault::BareCr)),
            (IMAP, "a\0\r\n", vec![], Framed::Fault(Fault::Nul)),
            (IMAP, "a {3+}\r\nx\0y\r\n", vec!["a {3+}"], Framed::Fault(Fault::Nul)),
            (IMAP, "a {3+}\r\nxyz\0", vec!["a {3+}", "xyz"], Framed::Fault(Fault::Nul)),
        ] {
            assert_eq!(
                pieces(&mut Framer::new(limits), bytes.as_bytes()),
                (owned(&expected), last),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_with_its_end_and_not_longer() {
        for (text, end, fits) in [
            (30, "\r\n", true),
            (31, "\r\n", false),
            (31, "\n", true),
            (32, "\n", false),
            (31, "", true),
            (32, "", false),
            // The CR is the limit's last byte: no LF behind it could make the line fit.
            (31, "\r", false),
            (30, "\r", true),
        ] {
            let bytes = format!("{}{end}", "x".repeat(text));
            let is_refused = Framer::new(IMAP).next(bytes.as_bytes()) == Framed::Fault(Fault::LineTooLong);
            assert_eq!(is_refused, !fits, "{text} bytes and {end:?}");
        }
    }

    #[test]
    fn a_literal_may_be_as_long_as_the_limit_and_a_longer_one_is_refused_before_its_bytes() {
        for (number, fits) in [
            ("16", true),
            ("0000000016", true),
            ("17", false),
            ("00000000016", false),
            ("4294967295", false),
            ("4294967296", false),
            ("99999999999999999999", false),
        ] {
            for plus in ["", "+"] {
                let line = format!("a {{{number}{plus}}}\r\n");
                let framed = Framer::new(IMAP).next(line.as_bytes());
                let expected = match fits {
                    true => Framed::Line { text: line.len() - 2, length: line.len() },
                    false => Framed::Fault(Fault::LiteralTooLong),
                };
                assert_eq!(framed, expected, "{line:?}");
            }
        }
    }

    #[test]
    fn the_largest_limit_takes_the_largest_number_without_allocating_it() {
        let limits = FramerLimits { literal_bytes_max: u32::MAX as usize, ..IMAP };
        let mut framer = Framer::new(limits);
        assert_eq!(
            pieces(&mut framer, b"a {4294967295+}\r\nxyz"),
            (owned(&["a {4294967295+}"]), Framed::Incomplete)
        );
        assert_eq!(Framer::new(limits).next(b"a {4294967296+}\r\n"), Framed::Fault(Fault::LiteralTooLong));
    }

    #[test]
    fn an_announced_literal_waits_for_the_workers_word() {
        let mut framer = Framer::new(IMAP);
        assert_eq!(pieces(&mut framer, b"a LOGIN {3}\r\n").1, Framed::Blocked);
        assert_eq!(framer.next(b"ann {0}\r\n"), Framed::Blocked, "bytes alone change nothing");
        assert!(!framer.expect_literal(4), "another length was announced");
        assert_eq!(framer.next(b"ann {0}\r\n"), Framed::Blocked);
        assert!(framer.expect_literal(3));
        assert!(!framer.expect_literal(3), "once");
        assert_eq!(pieces(&mut framer, b"ann {0}\r\n"), (owned(&["ann", " {0}"]), Framed::Blocked));
        assert!(framer.expect_literal(0));
        assert_eq!(pieces(&mut framer, b"\r\n"), (owned(&["", ""]), Framed::Incomplete));
    }

    #[test]
    fn behind_a_refused_literal_comes_a_line() {
        let mut framer = Framer::new(IMAP);
        assert_eq!(pieces(&mut framer, b"a LOGIN {9}\r\n").1, Framed::Blocked);
        framer.expect_line();
        assert_eq!(pieces(&mut framer, b"b NOOP\r\n"), (owned(&["b NOOP"]), Framed::Incomplete));
        framer.expect_line();
        assert!(!framer.expect_literal(9), "nothing is announced any more");
    }

    #[test]
    fn a_fault_stays_until_the_stream_begins_anew() {
        let mut framer = Framer::new(IMAP);
        assert_eq!(framer.next(b"a\0\r\n"), Framed::Fault(Fault::Nul));
        framer.expect_line();
        assert!(!framer.expect_literal(0));
        assert_eq!(framer.next(b"a NOOP\r\n"), Framed::Fault(Fault::Nul));
        framer.reset();
        assert_eq!(framer.next(b"a NOOP\r\n"), Framed::Line { text: 6, length: 8 });
    }

    #[test]
    fn a_stream_that_begins_anew_has_no_literal_left_from_before() {
        let mut framer = Framer::new(IMAP);
        assert_eq!(framer.next(b"a {9+}\r\n"), Framed::Line { text: 6, length: 8 });
        assert_eq!(framer.next(b"1234"), Framed::Incomplete);
        framer.reset();
        assert_eq!(framer.next(b"b NOOP\r\n"), Framed::Line { text: 6, length: 8 });
    }

    #[test]
    fn bytes_are_looked_at_once_however_slowly_they_come() {
        let mut framer = Framer::new(FramerLimits { line_bytes_max: 1 << 20, ..IMAP });
        assert_eq!(framer.next(&[b'x'; 1000]), Framed::Incomplete);
        assert_eq!(framer.scanned, 1000);
        // What was looked at is not looked at again: a NUL put in there goes unseen.
        let mut altered = [b'x'; 1001];
        altered[500] = 0;
        assert_eq!(framer.next(&altered), Framed::Incomplete);
    }

    #[test]
    fn it_stays_small() {
        assert!(size_of::<Framer>() <= 64, "{}", size_of::<Framer>());
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }
}
