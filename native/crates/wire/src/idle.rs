//! Watches one direction of a spliced IMAP session for the moment at which `* BYE` can be put in.
//!
//! It is not the tracker that knows the grammar: it looks at the end of each chunk only, keeps the head of
//! the last line, and answers no where it cannot tell. Who is told no closes plainly.

use memchr::memrchr;

/// One direction of a splice.
#[derive(Debug, Clone, Copy)]
pub struct LineEnd {
    /// The first bytes of the last line, as many as are known.
    head: [u8; HEAD_BYTES],
    head_length: u8,
    /// The last byte, and the last one that is neither CR nor LF: of the last line.
    last_byte: u8,
    last_text: u8,
    /// The beginning of the last line was not looked at: it is too far from the end.
    is_head_lost: bool,
}

impl Default for LineEnd {
    fn default() -> Self {
        Self::new()
    }
}

impl LineEnd {
    /// At the beginning of a splice: the handoff ended with a whole response.
    #[must_use]
    pub fn new() -> Self {
        let empty = Self {
            head: [0; HEAD_BYTES],
            head_length: 0,
            last_byte: b'\n',
            last_text: 0,
            is_head_lost: false,
        };
        let mut ended = empty;
        ended.saw(b"* OK\r\n");
        ended
    }

    /// Takes note of bytes that went by. Costs a look at the chunk's last kilobyte at most.
    pub fn saw(&mut self, chunk: &[u8]) {
        let Some((&last_byte, _)) = chunk.split_last() else { return };
        let ends_before = self.at_line_end();
        let looked_at = chunk.len().saturating_sub(LOOK_BACK_BYTES);
        let text_end = if last_byte == b'\n' { chunk.len() - 1 } else { chunk.len() };
        let look = chunk.get(looked_at..text_end).unwrap_or_default();
        let line = match memrchr(b'\n', look) {
            Some(at) => self.begin(look.get(at + 1..).unwrap_or_default(), false),
            None if looked_at > 0 => self.begin(look, true),
            None if ends_before => self.begin(look, false),
            None => look,
        };
        self.go_on(line);
        self.last_byte = last_byte;
    }

    /// The last byte seen ended a line. True before any.
    #[must_use]
    pub fn at_line_end(&self) -> bool {
        self.last_byte == b'\n'
    }

    /// For the direction from the server: the last line is whole, and is a response of IMAP behind which
    /// another may stand: untagged, a continuation request, or the tagged end of a command. A line that
    /// announces a literal is not, nor is one of a message's text unless it reads just like a response.
    /// True before any byte.
    #[must_use]
    pub fn looks_like_response_end(&self) -> bool {
        if !self.at_line_end() || self.is_head_lost || self.last_text == b'}' {
            return false;
        }
        let mut known = self.head;
        known.make_ascii_uppercase();
        let head = known.get(..usize::from(self.head_length)).unwrap_or_default();
        let mut words = head.split(|byte| matches!(byte, b' ' | b'\r'));
        match (words.next(), words.next(), words.next()) {
            (Some(b"+"), _, _) => true,
            (Some(b"*"), Some(number), Some(word)) if is_number(number) => is_numbered(word),
            (Some(b"*"), Some(word), _) => is_untagged(word),
            (Some(tag), Some(status), _) => is_tag(tag) && is_status(status),
            _ => false,
        }
    }

    fn begin<'a>(&mut self, line: &'a [u8], is_head_lost: bool) -> &'a [u8] {
        self.head_length = 0;
        self.last_text = 0;
        self.is_head_lost = is_head_lost;
        line
    }

    fn go_on(&mut self, line: &[u8]) {
        if let Some(&text) = line.iter().rfind(|&&byte| byte != b'\r') {
            self.last_text = text;
        }
        let filled = usize::from(self.head_length);
        let room = self.head.get_mut(filled..).unwrap_or_default();
        let taken = room.len().min(line.len());
        for (to, from) in room.iter_mut().zip(line) {
            *to = *from;
        }
        self.head_length = u8::try_from(filled + taken).unwrap_or(u8::MAX);
    }
}

fn is_number(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(u8::is_ascii_digit)
}

/// RFC 9051 section 9, tag: any ASTRING-CHAR but `+`. The colon is allowed there too, but no client uses it,
/// and with it any header field of a message could be a tag.
fn is_tag(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| byte.is_ascii_graphic() && !b"(){%*\"\\+:".contains(byte))
}

/// Behind a tag stand only these three (RFC 9051 section 7.1).
fn is_status(word: &[u8]) -> bool {
    matches!(word, b"OK" | b"NO" | b"BAD")
}

fn is_numbered(word: &[u8]) -> bool {
    matches!(word, b"EXISTS" | b"RECENT" | b"EXPUNGE" | b"FETCH")
}

/// RFC 9051 section 7, RFC 3501, and the extensions that servers speak unasked or that end in a line.
fn is_untagged(word: &[u8]) -> bool {
    const WORDS: [&[u8]; 27] = [
        b"OK",
        b"NO",
        b"BAD",
        b"BYE",
        b"PREAUTH",
        b"CAPABILITY",
        b"ENABLED",
        b"LIST",
        b"LSUB",
        b"STATUS",
        b"SEARCH",
        b"ESEARCH",
        b"SORT",
        b"THREAD",
        b"FLAGS",
        b"NAMESPACE",
        b"ID",
        b"VANISHED",
        b"QUOTA",
        b"QUOTAROOT",
        b"ACL",
        b"LISTRIGHTS",
        b"MYRIGHTS",
        b"METADATA",
        b"LANGUAGE",
        b"URLFETCH",
        b"XLIST",
    ];
    WORDS.contains(&word)
}

/// A tag, a status and a little more. Longer tags exist, and make us say no.
const HEAD_BYTES: usize = 48;
/// A response line is nearly always shorter; a long look would cost on bulk.
const LOOK_BACK_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn seen(chunks: &[&[u8]]) -> LineEnd {
        let mut end = LineEnd::new();
        chunks.iter().for_each(|chunk| end.saw(chunk));
        end
    }

    #[test]
    fn a_response_that_is_whole_may_be_followed_by_another() {
        for line in [
            "* 12 EXISTS\r\n",
            "* OK still here\r\n",
            "* ok Still here\r\n",
            "* BYE\r\n",
            "* SEARCH\r\n",
            "* SEARCH 1 2\r\n",
            "+ idling\r\n",
            "+\r\n",
            "A0001 OK IDLE done\r\n",
            "a.7 NO sorry\r\n",
            "x BAD what\r\n",
            "* 1 FETCH (FLAGS ())\r\n",
            "* LIST () \"/\" INBOX\n",
            "text}\r\nA1 OK\r\n",
        ] {
            let end = seen(&[line.as_bytes()]);
            assert!(end.at_line_end() && end.looks_like_response_end(), "{line:?}");
        }
    }

    #[test]
    fn behind_anything_else_nothing_is_put_in() {
        for line in [
            "* 12 EXISTS",
            "* 12 EXISTS\r",
            "* 1 FETCH (BODY[] {5}\r\n",
            "* LIST () \"/\" {5}\n",
            ")\r\n",
            "\r\n",
            "\n",
            "* item of a list in a message\r\n",
            "* 3 apples\r\n",
            "*\r\n",
            "a OKAY\r\n",
            "Subject: OK\r\n",
            "hello world\r\n",
            "OK\r\n",
            " OK\r\n",
            "A1 OK\r\nrest",
            "A1 OK\r\n\r\n",
            "\"A1\" OK\r\n",
        ] {
            let end = seen(&[line.as_bytes()]);
            assert_eq!(end.at_line_end(), line.ends_with('\n'), "{line:?}");
            assert!(!end.looks_like_response_end(), "{line:?}");
        }
        // A tag too long for the head that is kept: not known, so no.
        assert!(!seen(&[format!("{} OK\r\n", "t".repeat(60)).as_bytes()]).looks_like_response_end());
    }

    #[test]
    fn before_any_byte_the_handoffs_last_response_counts() {
        let mut end = LineEnd::new();
        assert!(end.at_line_end() && end.looks_like_response_end());
        end.saw(b"");
        assert!(end.at_line_end() && end.looks_like_response_end());
    }

    #[test]
    fn a_line_longer_than_the_look_back_is_not_judged_until_the_next() {
        let long = [b"A1 OK ".as_slice(), &[b'x'; LOOK_BACK_BYTES], b"\r\n"].concat();
        let mut end = seen(&[&long]);
        assert!(end.at_line_end() && !end.looks_like_response_end());
        end.saw(b"A2 OK\r\n");
        assert!(end.looks_like_response_end());
        let fits = [b"A1 OK ".as_slice(), &[b'x'; LOOK_BACK_BYTES - 8], b"\r\n"].concat();
        assert!(seen(&[&fits]).looks_like_response_end());
    }

    #[test]
    fn it_stays_small() {
        assert!(size_of::<LineEnd>() <= 64, "{}", size_of::<LineEnd>());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn however_short_text_is_cut_the_answer_is_the_same(
            text in "(\\* |A1 OK|[a-c}\r\n ]|\\+|12 EXISTS|\r\n){0,30}",
            cut in 1_usize..9,
        ) {
            let whole = seen(&[text.as_bytes()]);
            let parts = seen(&text.as_bytes().chunks(cut).collect::<Vec<_>>());
            prop_assert_eq!(whole.at_line_end(), parts.at_line_end());
            prop_assert_eq!(whole.looks_like_response_end(), parts.looks_like_response_end());
        }

        #[test]
        fn no_bytes_break_it(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..6),
        ) {
            let end = seen(&chunks.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let last = chunks.iter().rfind(|chunk| !chunk.is_empty()).and_then(|chunk| chunk.last());
            prop_assert_eq!(end.at_line_end(), last.is_none_or(|byte| *byte == b'\n'));
            let _ = end.looks_like_response_end();
        }
    }
}
