//! A line of text as it comes, a byte at a time: its first word, whether an argument follows, its end. For
//! commands and status lines, which are short; long texts are `dotted`'s.

/// The first word of a line: its first seven letters in upper case, and its length, 255 for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verb(u64);

/// `at` only grows within a line; `has_cr`: the last byte was CR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    verb: Verb,
    length: u32,
    at: At,
    has_cr: bool,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Verb,
    /// Behind the first word, with nothing but spaces since.
    Gap,
    Argument,
}

/// What one more byte amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    More,
    Ended,
    /// By LF without CR.
    EndedBare,
    /// Too long, a NUL, or a CR that no LF follows.
    Broken,
}

impl Line {
    pub const START: Self = Self { verb: Verb::NONE, length: 0, at: At::Verb, has_cr: false };

    #[must_use]
    pub fn is_start(self) -> bool {
        self.length == 0
    }

    #[must_use]
    pub fn at(self) -> At {
        self.at
    }

    #[must_use]
    pub fn verb(self) -> Verb {
        self.verb
    }

    #[must_use]
    pub fn has_argument(self) -> bool {
        self.at == At::Argument
    }

    /// A line may have `bytes_max` bytes before its end.
    pub fn push(&mut self, byte: u8, bytes_max: u32) -> Pushed {
        match byte {
            b'\n' if self.has_cr => return Pushed::Ended,
            b'\n' => return Pushed::EndedBare,
            _ if self.has_cr || byte == 0 || self.length >= bytes_max => return Pushed::Broken,
            b'\r' => self.has_cr = true,
            b' ' if self.at == At::Verb => self.at = At::Gap,
            b' ' => {}
            _ if self.at == At::Verb => self.verb.push(byte),
            _ => self.at = At::Argument,
        }
        self.length += 1;
        Pushed::More
    }
}

impl Verb {
    pub const NONE: Self = Self(0);

    /// The word that `text` is, for comparisons.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        let mut verb = Self::NONE;
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            verb.push(byte);
            rest = after;
        }
        verb
    }

    const fn push(&mut self, byte: u8) {
        let (length, letters) = (self.0 >> LETTERS_BITS, self.0 & LETTERS);
        let letters =
            if length < LETTERS_MAX { letters << 8 | byte.to_ascii_uppercase() as u64 } else { letters };
        let length = if length < 0xff { length + 1 } else { length };
        self.0 = length << LETTERS_BITS | letters;
    }
}

const LETTERS_MAX: u64 = 7;
const LETTERS_BITS: u32 = 56;
const LETTERS: u64 = (1 << LETTERS_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// The line that `text` makes, and what its last byte amounted to.
    fn line(text: &str) -> (Line, Pushed) {
        let mut line = Line::START;
        let pushed = text.bytes().map(|byte| line.push(byte, 20)).last();
        (line, pushed.unwrap_or(Pushed::More))
    }

    #[test]
    fn the_first_word_is_compared_in_any_case_and_to_its_length() {
        for (text, verb, has_argument) in [
            ("RETR 1\r\n", "RETR", true),
            ("list\r\n", "LIST", false),
            ("List  \r\n", "LIST", false),
            ("Authenticate x\r\n", "AUTHENTICATE", true),
            ("\r\n", "", false),
            (" RETR 1\r\n", "", true),
        ] {
            let (line, pushed) = line(text);
            assert_eq!((line.verb(), pushed), (Verb::of(verb), Pushed::Ended), "{text:?}");
            assert_eq!(line.has_argument(), has_argument, "{text:?}");
        }
        assert_ne!(Verb::of("STARTTLS"), Verb::of("STARTTL"));
        assert_ne!(Verb::of("AUTH"), Verb::of("AUTHENTICATE"));
        assert_ne!(Verb::of("AUTHENTICATE"), Verb::of("AUTHENTICATED"));
    }

    #[test]
    fn a_line_ends_with_lf_and_one_without_cr_is_told_apart() {
        for (text, pushed) in [
            ("NOOP\r\n", Pushed::Ended),
            ("NOOP\n", Pushed::EndedBare),
            ("NOOP\r", Pushed::More),
            ("NOOP\rx", Pushed::Broken),
            ("NOOP\r\r", Pushed::Broken),
            ("NO\0", Pushed::Broken),
            ("12345678901234567890\n", Pushed::EndedBare),
            ("1234567890123456789\r\n", Pushed::Ended),
            ("123456789012345678901", Pushed::Broken),
        ] {
            assert_eq!(line(text).1, pushed, "{text:?}");
        }
    }
}
