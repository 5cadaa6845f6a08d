//! The input of a protocol whose commands are lines: whole lines come out of pieces of any size.

use super::{COMMAND_BYTES_MAX, Next};

/// What has come of a line that is not whole yet.
#[derive(Default)]
pub struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// Gives each whole line without its CR LF to `answer`, until that closes. A bare LF ends no line.
    pub fn take(&mut self, bytes: &[u8], mut answer: impl FnMut(&[u8]) -> Next) -> Next {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(piece);
            if self.open.len() > COMMAND_BYTES_MAX {
                return Next::Close;
            }
            let Some(line) = self.open.strip_suffix(b"\r\n") else { continue };
            let next = answer(line);
            self.open.clear();
            if next == Next::Close {
                return Next::Close;
            }
        }
        Next::Read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&str]) -> (Vec<String>, Next) {
        let (mut lines, mut taken, mut next) = (Lines::default(), Vec::new(), Next::Read);
        for piece in pieces {
            next = lines.take(piece.as_bytes(), |line| {
                taken.push(String::from_utf8_lossy(line).into_owned());
                if line == b"end" { Next::Close } else { Next::Read }
            });
        }
        (taken, next)
    }

    #[test]
    fn lines_come_whole_out_of_pieces() {
        for (pieces, expected) in [
            (vec!["a\r\nb\r\n"], vec!["a", "b"]),
            (vec!["a\r", "\nb", "\r\nc"], vec!["a", "b"]),
            (vec!["\r\n"], vec![""]),
            (vec!["a\nb\r\n"], vec!["a\nb"]),
            (vec!["a\r\nend\r\nc\r\n"], vec!["a", "end"]),
        ] {
            assert_eq!(lines_of(&pieces).0, expected, "{pieces:?}");
        }
    }

    #[test]
    fn a_line_is_bounded_at_both_ends() {
        let whole = "a".repeat(COMMAND_BYTES_MAX);
        assert_eq!(lines_of(&[&whole]).1, Next::Read);
        assert_eq!(lines_of(&[&whole, "a"]).1, Next::Close);
    }
}
