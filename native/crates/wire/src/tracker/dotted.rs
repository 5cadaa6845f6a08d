//! A dot-stuffed text as it comes (RFC 1939 section 3, RFC 5321 section 4.5.2): it ends with a line that is
//! one dot. Lines end in CRLF and in nothing else, so that no two readers see two ends.

use memchr::memchr;

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dotted {
    /// At the start of a line.
    Start,
    /// Behind the dot at the start of a line.
    Dot,
    DotCr,
    /// In a line that is not the last.
    Text,
    /// The same, behind a CR.
    Cr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// All bytes are taken; more are needed.
    More,
    /// There was an LF without CR. The text goes on, at least for those who obey the standards.
    Bare,
    /// The text is over.
    Ended,
}

impl Dotted {
    /// Goes on through `bytes`: how many it took, and what they amount to.
    pub fn step(&mut self, bytes: &[u8]) -> (usize, Passed) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..)
            && let Some(&byte) = rest.first()
        {
            if let Self::Text | Self::Cr = self {
                let (length, passed) = self.line_end(rest);
                taken += length;
                if passed == Passed::Bare {
                    return (taken, passed);
                }
                continue;
            }
            taken += 1;
            match (*self, byte) {
                (Self::DotCr, b'\n') => return (taken, Passed::Ended),
                (_, b'\n') => {
                    *self = Self::Text;
                    return (taken, Passed::Bare);
                }
                (Self::Start, b'.') => *self = Self::Dot,
                (Self::Dot, b'\r') => *self = Self::DotCr,
                (_, b'\r') => *self = Self::Cr,
                _ => *self = Self::Text,
            }
        }
        (taken, Passed::More)
    }

    /// To the end of the line, or of the bytes.
    fn line_end(&mut self, bytes: &[u8]) -> (usize, Passed) {
        let Some(end) = memchr(b'\n', bytes) else {
            *self = if bytes.last() == Some(&b'\r') { Self::Cr } else { Self::Text };
            return (bytes.len(), Passed::More);
        };
        let has_cr = match end.checked_sub(1) {
            Some(before) => bytes.get(before) == Some(&b'\r'),
            None => *self == Self::Cr,
        };
        *self = if has_cr { Self::Start } else { Self::Text };
        (end + 1, if has_cr { Passed::More } else { Passed::Bare })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    /// Where the text ends, and how many bare LF were before; in one piece and byte by byte.
    fn end_of(text: &str) -> (Option<usize>, usize) {
        let ends = [text.len().max(1), 1].map(|size| {
            let (mut dotted, mut at, mut bare) = (Dotted::Start, 0, 0);
            for mut piece in text.as_bytes().chunks(size) {
                while !piece.is_empty() {
                    let (taken, passed) = dotted.step(piece);
                    at += taken;
                    match passed {
                        Passed::Ended => return (Some(at), bare),
                        Passed::Bare => bare += 1,
                        Passed::More => {}
                    }
                    piece = piece.get(taken..).unwrap_or_default();
                }
            }
            (None, bare)
        });
        assert_eq!(ends[0], ends[1], "{text:?}");
        ends[0]
    }

    #[test]
    fn a_text_ends_with_a_line_of_one_dot_and_with_nothing_else() {
        for (text, end, bare) in [
            (".\r\n", Some(3), 0),
            ("x\r\n.\r\ny", Some(6), 0),
            ("\r\n\r\n.\r\n", Some(7), 0),
            ("x\r\n..\r\n.\r\n", Some(10), 0),
            ("x\r\n.x\r\n.\r\n", Some(10), 0),
            ("x.\r\n", None, 0),
            ("x\r\n.", None, 0),
            ("x\r\n.\r", None, 0),
            ("x\r\n.\r\r\n.\r\n", Some(10), 0),
            ("x\r\n. \r\n", None, 0),
            ("x\r.\r\n", None, 0),
            ("x\n.\r\n", None, 1),
            ("x\r\n.\n", None, 1),
            ("x\n.\n", None, 2),
            ("x\r\r\n.\r\n", Some(7), 0),
            ("\n.\r\n.\r\n", Some(7), 1),
        ] {
            assert_eq!(end_of(text), (end, bare), "{text:?}");
        }
    }
}
