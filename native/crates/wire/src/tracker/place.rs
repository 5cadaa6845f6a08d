//! The place in one direction of a line protocol with literals: words at the head of a line, its end, the
//! literal that its end announces. It keeps no bytes, and its answers do not depend on how they are cut.

use memchr::memchr;

/// Where the next byte stands. Both directions of a session keep one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the first word; at the start of the line where `length` is 0.
    First { hash: u32, length: u8 },
    /// In the second word: its first letters, and its length. `hash` is the first word's.
    Second { hash: u32, letters: u64, length: u8 },
    /// Behind the words, or in a line whose words do not matter.
    Rest {
        /// The number in the braces at the line's end, as far as it has come.
        size: u64,
        digits: u8,
        tail: Tail,
        /// Bytes of the line since its head or its last literal.
        length: u32,
        /// Text for people: braces at its end are text, too.
        is_text: bool,
    },
    /// In a literal: so many bytes are to come. `left > 0`
    Literal { left: u64 },
    /// Behind the announcement of a literal that waits for the other side's word.
    Held { size: u64 },
}

/// What the bytes taken amount to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// All bytes are taken; more are needed.
    More,
    /// The first two words of a line are known.
    Named(First, Word),
    Ended(Ended),
    /// No line of this kind of protocol.
    Broken,
}

/// The first word of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The line is empty.
    None,
    Star,
    Plus,
    Tag(u32),
}

/// The second word of a line: its first eight letters in upper case, and its length, 255 for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    letters: u64,
    length: u8,
}

/// How a line ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub literal: Option<Literal>,
    /// By LF without CR.
    pub is_bare: bool,
}

/// A literal that the end of a line announces.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    pub size: u64,
    /// `{n+}`: it comes at once.
    pub is_at_once: bool,
}

/// How much of `{n}` CR the bytes so far end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    Nothing,
    Digits,
    Plus,
    Closed,
    ClosedAtOnce,
    ClosedCr,
    ClosedAtOnceCr,
    Cr,
}

impl Place {
    pub const START: Self = Self::First { hash: HASH_START, length: 0 };
    /// A line that is skipped whole.
    pub const ANY_LINE: Self = Self::rest(true);
    /// A line whose first word is read as other lines' second.
    pub const WORD: Self = Self::Second { hash: 0, letters: 0, length: 0 };
    /// A line without a word to read.
    pub const STRINGS: Self = Self::rest(false);

    #[must_use]
    pub fn is_start(self) -> bool {
        matches!(self, Self::First { length: 0, .. })
    }

    const fn rest(is_text: bool) -> Self {
        Self::Rest { size: 0, digits: 0, tail: Tail::Nothing, length: 0, is_text }
    }

    /// The line that was just named is text to its end.
    pub fn read_as_text(&mut self) {
        *self = Self::rest(true);
    }

    /// What follows is a literal; behind it the line goes on.
    pub fn expect_literal(&mut self, size: u64) {
        *self = if size == 0 { Self::rest(false) } else { Self::Literal { left: size } };
    }

    /// Goes on through `bytes`: how many it took, and what they amount to. Behind an end it stands at the
    /// start of a line. A line may have `line_bytes_max` bytes between literals.
    pub fn step(&mut self, bytes: &[u8], line_bytes_max: u32) -> (usize, Step) {
        match *self {
            _ if bytes.is_empty() => (0, Step::More),
            Self::First { hash, length } => self.first(bytes, hash, length),
            Self::Second { hash, letters, length } => self.second(bytes, hash, Word { letters, length }),
            Self::Rest { .. } => self.line_end(bytes, line_bytes_max),
            Self::Literal { left } => {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                self.expect_literal(left - taken as u64);
                (taken, Step::More)
            }
            Self::Held { .. } => (0, Step::Broken),
        }
    }

    fn first(&mut self, bytes: &[u8], mut hash: u32, mut length: u8) -> (usize, Step) {
        for (at, &byte) in bytes.iter().enumerate() {
            match byte {
                b' ' if length > 0 => {
                    *self = Self::Second { hash, letters: 0, length: 0 };
                    return (at + 1, Step::More);
                }
                b'\r' | b'\n' => {
                    let first = if length == 0 { First::None } else { First::of_hash(hash) };
                    *self = Self::rest(false);
                    return (at, Step::Named(first, Word { letters: 0, length: 0 }));
                }
                b'*' | b'+' if length == 0 => {}
                _ if !is_tag_byte(byte) || is_mark(hash) || length == u8::MAX => return (at, Step::Broken),
                _ => {}
            }
            hash = (hash ^ u32::from(byte)).wrapping_mul(HASH_PRIME);
            length += 1;
        }
        *self = Self::First { hash, length };
        (bytes.len(), Step::More)
    }

    fn second(&mut self, bytes: &[u8], hash: u32, mut word: Word) -> (usize, Step) {
        for (at, &byte) in bytes.iter().enumerate() {
            if matches!(byte, b' ' | b'\r' | b'\n') {
                *self = Self::rest(false);
                return (at, Step::Named(First::of_hash(hash), word));
            }
            word.push(byte);
        }
        *self = Self::Second { hash, letters: word.letters, length: word.length };
        (bytes.len(), Step::More)
    }

    fn line_end(&mut self, bytes: &[u8], line_bytes_max: u32) -> (usize, Step) {
        let end = memchr(b'\n', bytes);
        let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let Self::Rest { length, .. } = self else { return (0, Step::Broken) };
        *length = length.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX));
        if *length > line_bytes_max {
            return (0, Step::Broken);
        }
        self.follow_tail(line);
        let Some(end) = end else { return (bytes.len(), Step::More) };
        let ended = self.ended();
        *self = Self::START;
        (end + 1, Step::Ended(ended))
    }

    /// RFC 9051 section 9, literal: `"{" number64 ["+"] "}" CRLF`; what matters is at the line's very end.
    fn follow_tail(&mut self, line: &[u8]) {
        let Self::Rest { size, digits, tail, .. } = self else { return };
        let looked_at = line.len().saturating_sub(ANNOUNCEMENT_BYTES_MAX);
        if looked_at > 0 {
            *tail = Tail::Nothing;
        }
        for &byte in line.get(looked_at..).unwrap_or_default() {
            *tail = match (byte, *tail) {
                (b'{', _) => {
                    (*size, *digits) = (0, 0);
                    Tail::Digits
                }
                (b'0'..=b'9', Tail::Digits) if *digits < DIGITS_MAX => {
                    *size = *size * 10 + u64::from(byte - b'0');
                    *digits += 1;
                    Tail::Digits
                }
                (b'+', Tail::Digits) if *digits > 0 => Tail::Plus,
                (b'}', Tail::Digits) if *digits > 0 => Tail::Closed,
                (b'}', Tail::Plus) => Tail::ClosedAtOnce,
                (b'\r', Tail::Closed) => Tail::ClosedCr,
                (b'\r', Tail::ClosedAtOnce) => Tail::ClosedAtOnceCr,
                (b'\r', _) => Tail::Cr,
                _ => Tail::Nothing,
            };
        }
    }

    fn ended(&self) -> Ended {
        let Self::Rest { size, tail, is_text, .. } = *self else {
            return Ended { literal: None, is_bare: true };
        };
        let (announces, is_at_once, is_bare) = match tail {
            Tail::Nothing | Tail::Digits | Tail::Plus => (false, false, true),
            Tail::Cr => (false, false, false),
            Tail::Closed => (true, false, true),
            Tail::ClosedAtOnce => (true, true, true),
            Tail::ClosedCr => (true, false, false),
            Tail::ClosedAtOnceCr => (true, true, false),
        };
        Ended { literal: (announces && !is_text).then_some(Literal { size, is_at_once }), is_bare }
    }
}

impl First {
    fn of_hash(hash: u32) -> Self {
        match hash {
            STAR => Self::Star,
            PLUS => Self::Plus,
            hash => Self::Tag(hash),
        }
    }
}

impl Word {
    /// The word that `text` is, for comparisons. Of a longer one the first eight letters count.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        let mut word = Self { letters: 0, length: 0 };
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            word.push(byte);
            rest = after;
        }
        word
    }

    /// RFC 9051 section 9, atom: what stands behind `* ` is one, or a number.
    #[must_use]
    pub fn is_atom(self) -> bool {
        let known = usize::from(self.length.min(8));
        let letters = self.letters.to_be_bytes();
        self.length > 0 && letters.iter().rev().take(known).all(|&byte| is_tag_byte(byte) || byte == b'+')
    }

    const fn push(&mut self, byte: u8) {
        if self.length < 8 {
            self.letters = self.letters << 8 | byte.to_ascii_uppercase() as u64;
        }
        self.length = self.length.saturating_add(1);
    }
}

/// RFC 9051 section 9, tag: any ASTRING-CHAR but `+`.
fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b'+')
}

/// `*` and `+` are words of their own.
fn is_mark(hash: u32) -> bool {
    matches!(hash, STAR | PLUS)
}

/// FNV-1a, 32 bits.
const HASH_START: u32 = 0x811c_9dc5;
const HASH_PRIME: u32 = 0x0100_0193;
const STAR: u32 = (HASH_START ^ b'*' as u32).wrapping_mul(HASH_PRIME);
const PLUS: u32 = (HASH_START ^ b'+' as u32).wrapping_mul(HASH_PRIME);
/// RFC 9051 section 9, number64: below 2^63, which has 19 digits.
const DIGITS_MAX: u8 = 19;
/// `{`, the digits, `+`, `}`, CR.
const ANNOUNCEMENT_BYTES_MAX: usize = 4 + DIGITS_MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    fn end_of(line: &str) -> Ended {
        let mut place = Place::rest(false);
        match place.step(line.as_bytes(), 1000) {
            (taken, Step::Ended(ended)) if taken == line.len() => ended,
            other => unreachable!("{line:?}: {other:?}"),
        }
    }

    #[test]
    fn the_end_of_a_line_announces_a_literal_or_it_does_not() {
        let (waits, at_once) = (false, true);
        for (line, literal) in [
            (" {5}\r\n", Some((5, waits))),
            (" ~{5}\r\n", Some((5, waits))),
            (" {5+}\r\n", Some((5, at_once))),
            ("{0}\r\n", Some((0, waits))),
            ("{007}\r\n", Some((7, waits))),
            ("{{5}\r\n", Some((5, waits))),
            ("{5}{6}\r\n", Some((6, waits))),
            ("{9223372036854775807}\r\n", Some((9_223_372_036_854_775_807, waits))),
            ("{9223372036854775807+}\r\n", Some((9_223_372_036_854_775_807, at_once))),
            ("{5}\n", Some((5, waits))),
            (" {5} \r\n", None),
            (" {5}\"\r\n", None),
            (" {}\r\n", None),
            (" {+}\r\n", None),
            (" {5-}\r\n", None),
            (" {5+ }\r\n", None),
            (" {a}\r\n", None),
            (" 5}\r\n", None),
            (" {5\r\n", None),
            (" {5}\r\r\n", None),
            ("{12345678901234567890}\r\n", None),
            ("\r\n", None),
        ] {
            let expected = literal.map(|(size, is_at_once)| Literal { size, is_at_once });
            assert_eq!(end_of(line).literal, expected, "{line:?}");
            assert_eq!(end_of(&format!("{}{line}", "x".repeat(40))).literal, expected, "long {line:?}");
        }
    }

    #[test]
    fn a_line_that_ends_without_cr_is_told_apart() {
        for (line, is_bare) in
            [("x\r\n", false), ("{5}\r\n", false), ("x\n", true), ("{5}\n", true), ("\n", true)]
        {
            assert_eq!(end_of(line).is_bare, is_bare, "{line:?}");
        }
    }

    #[test]
    fn words_are_compared_in_any_case_and_to_their_length() {
        let named = |line: &str| {
            let mut place = Place::START;
            let (taken, first) = place.step(line.as_bytes(), 1000);
            match first {
                Step::More => place.step(line.get(taken..).map_or(&[], str::as_bytes), 1000).1,
                other => other,
            }
        };
        let words = |line: &str| match named(line) {
            Step::Named(_, word) => word,
            other => unreachable!("{line:?}: {other:?}"),
        };
        assert_eq!(words("a1 idle\r\n"), Word::of("IDLE"));
        assert_eq!(words("a1 IDLE x"), Word::of("IDLE"));
        assert_ne!(words("a1 IDLES\r\n"), Word::of("IDLE"));
        assert_eq!(words("a1 authenticate PLAIN\r\n"), Word::of("AUTHENTICATE"));
        assert_ne!(words("a1 AUTHENTI\r\n"), Word::of("AUTHENTICATE"));
        assert!(matches!(named("* OK\r\n"), Step::Named(First::Star, word) if word == Word::of("OK")));
        assert!(matches!(named("+ go\r\n"), Step::Named(First::Plus, _)));
        assert!(matches!(named("+\r\n"), Step::Named(First::Plus, _)));
        assert!(matches!(named("\r\n"), Step::Named(First::None, _)));
        for line in ["*x OK\r\n", "+x OK\r\n", "a* OK", "{5} x", " x", "a\0 x", "\u{e4} x", "\"a\" OK"] {
            assert_eq!(named(line), Step::Broken, "{line:?}");
        }
    }

    #[test]
    fn a_line_and_a_tag_have_an_end_or_are_none() {
        let mut place = Place::rest(false);
        assert_eq!(place.step(&[b'x'; 1000], 1000), (1000, Step::More));
        assert_eq!(place.step(b"x", 1000), (0, Step::Broken));
        let mut place = Place::rest(false);
        assert!(matches!(place.step(&[&[b'x'; 1000][..], b"\n"].concat(), 1000), (1001, Step::Ended(_))));
        for (length, is_tag) in [(255, true), (256, false)] {
            let (_, step) = Place::START.clone().step(format!("{} ", "t".repeat(length)).as_bytes(), 9);
            assert_eq!(step == Step::More, is_tag, "{length}");
        }
    }

    #[test]
    fn it_stays_small() {
        assert_eq!(size_of::<Place>(), 16);
    }
}
