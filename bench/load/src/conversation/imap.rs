//! The stub's IMAP. A FETCH gets as many bytes of each message as it asks for, an APPEND is taken and
//! forgotten. The numbers in a command are read in `arguments.rs`.

use super::{COMMAND_BYTES_MAX, Conversation, Next, split_word};
use crate::arguments::{literal_size, parts_wanted};

/// One client's IMAP.
#[derive(Default)]
pub struct Imap {
    input: Vec<u8>,
    state: State,
    logged_in: bool,
    /// The input length up to which a synchronizing literal has been asked for: each is asked for once.
    asked: usize,
    /// Bytes of an APPEND's literal that are still to come.
    skipping: usize,
    logins: usize,
    write_bytes: Option<usize>,
}

#[derive(Default)]
enum State {
    #[default]
    Command,
    /// Behind `AUTHENTICATE PLAIN` without an initial response.
    Sasl {
        tag: Vec<u8>,
    },
    Idle {
        tag: Vec<u8>,
    },
    /// Behind an APPEND's literal: the line's end is to come.
    Appended {
        tag: Vec<u8>,
    },
}

/// Where a command's end lies.
#[derive(Debug, PartialEq, Eq)]
enum Extent {
    Whole(usize),
    /// More bytes are needed; `ask` is where a literal begins that the client awaits a word for.
    Open {
        ask: Option<usize>,
    },
}

impl Conversation for Imap {
    fn take(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> Next {
        let mut rest = bytes;
        loop {
            rest = self.skip(rest);
            if rest.is_empty() {
                return Next::Read;
            }
            // Line by line, so that an APPEND's literal is met before its bytes are kept.
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            let (line, behind) = rest.split_at(length);
            self.input.extend_from_slice(line);
            rest = behind;
            if self.settle(output) == Next::Close {
                return Next::Close;
            }
        }
    }

    fn take_logins(&mut self) -> usize {
        std::mem::take(&mut self.logins)
    }

    fn write_bytes(&self) -> usize {
        self.write_bytes.unwrap_or(usize::MAX)
    }
}

impl Imap {
    fn skip<'bytes>(&mut self, bytes: &'bytes [u8]) -> &'bytes [u8] {
        let (skipped, rest) = bytes.split_at(self.skipping.min(bytes.len()));
        self.skipping -= skipped.len();
        rest
    }

    /// Answers what is whole.
    fn settle(&mut self, output: &mut Vec<u8>) -> Next {
        if self.begin_append(output) {
            return Next::Read;
        }
        match extent(&self.input) {
            Extent::Whole(length) => {
                let command: Vec<u8> = self.input.drain(..length).collect();
                self.asked = 0;
                if self.answer(&command, output) == Next::Close {
                    return Next::Close;
                }
            }
            Extent::Open { ask } => {
                if let Some(at) = ask.filter(|at| *at > self.asked) {
                    self.asked = at;
                    output.extend_from_slice(b"+ go on\r\n");
                }
            }
        }
        if self.input.len() > COMMAND_BYTES_MAX {
            output.extend_from_slice(b"* BYE command too long\r\n");
            return Next::Close;
        }
        Next::Read
    }

    /// Whether the input is an APPEND up to its literal, whose bytes are then skipped and not kept.
    fn begin_append(&mut self, output: &mut Vec<u8>) -> bool {
        if !self.logged_in || !matches!(self.state, State::Command) {
            return false;
        }
        let Some(line) = self.input.strip_suffix(b"\n") else { return false };
        let (tag, rest) = split_word(line);
        let (verb, _) = split_word(rest);
        let Some((size, is_awaited)) = literal_size(line, PIECE_BYTES_MAX) else { return false };
        if !verb.eq_ignore_ascii_case(b"APPEND") || line.contains(&b'\n') {
            return false;
        }
        if is_awaited {
            output.extend_from_slice(b"+ go on\r\n");
        }
        self.state = State::Appended { tag: tag.to_vec() };
        self.skipping = size;
        self.input.clear();
        true
    }

    fn answer(&mut self, command: &[u8], output: &mut Vec<u8>) -> Next {
        // Only the line's end goes: blanks before it may be a literal's own bytes.
        let line = command.strip_suffix(b"\n").unwrap_or(command);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::mem::take(&mut self.state) {
            State::Command => return self.command(line, output),
            State::Sasl { tag } if line == b"*" => tagged(output, &tag, "BAD cancelled"),
            State::Sasl { tag } => self.log_in(&tag, output),
            State::Idle { tag } if line.eq_ignore_ascii_case(b"DONE") => tagged(output, &tag, "OK idled"),
            State::Idle { tag } => tagged(output, &tag, "BAD expected DONE"),
            State::Appended { tag } if line.is_empty() => tagged(output, &tag, "OK appended"),
            State::Appended { tag } => tagged(output, &tag, "BAD more behind the literal"),
        }
        Next::Read
    }

    fn command(&mut self, line: &[u8], output: &mut Vec<u8>) -> Next {
        let (tag, rest) = split_word(line);
        let (verb, rest) = split_word(rest);
        match (verb.to_ascii_uppercase().as_slice(), self.logged_in) {
            (b"CAPABILITY", _) => {
                output.extend_from_slice(b"* CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID IDLE AUTH=PLAIN\r\n");
                tagged(output, tag, "OK done");
            }
            (b"ID", _) => {
                output.extend_from_slice(b"* ID (\"name\" \"stub\")\r\n");
                tagged(output, tag, "OK done");
            }
            (b"NOOP", _) => tagged(output, tag, "OK done"),
            (b"LOGOUT", _) => {
                output.extend_from_slice(b"* BYE until later\r\n");
                tagged(output, tag, "OK done");
                return Next::Close;
            }
            (b"LOGIN", false) if is_two_strings(rest) => self.log_in(tag, output),
            (b"AUTHENTICATE", false) => self.authenticate(tag, rest, output),
            (b"SELECT" | b"EXAMINE", true) => {
                output.extend_from_slice(SELECTED);
                tagged(output, tag, "OK [READ-WRITE] selected");
            }
            (b"FETCH", true) => self.fetch(tag, rest, output),
            (b"IDLE", true) => {
                output.extend_from_slice(b"+ idling\r\n");
                self.state = State::Idle { tag: tag.to_vec() };
            }
            _ => tagged(output, if tag.is_empty() { b"*" } else { tag }, "BAD not understood, or not now"),
        }
        Next::Read
    }

    fn authenticate(&mut self, tag: &[u8], rest: &[u8], output: &mut Vec<u8>) {
        let (mechanism, initial) = split_word(rest);
        if !mechanism.eq_ignore_ascii_case(b"PLAIN") {
            tagged(output, tag, "NO only PLAIN");
        } else if initial.is_empty() {
            output.extend_from_slice(b"+ \r\n");
            self.state = State::Sasl { tag: tag.to_vec() };
        } else {
            self.log_in(tag, output);
        }
    }

    fn fetch(&mut self, tag: &[u8], rest: &[u8], output: &mut Vec<u8>) {
        let Some((messages, size)) = parts_wanted(rest, PIECE_BYTES_MAX) else {
            return tagged(output, tag, "BAD only (BODY.PEEK[]<0.SIZE>) of a range, 4 MiB in all");
        };
        for message in messages {
            output.extend_from_slice(format!("* {message} FETCH (BODY[]<0> {{{size}}}\r\n").as_bytes());
            output.resize(output.len() + size, b'x');
            output.extend_from_slice(b")\r\n");
        }
        self.write_bytes = Some(size);
        tagged(output, tag, "OK fetched");
    }

    fn log_in(&mut self, tag: &[u8], output: &mut Vec<u8>) {
        self.logged_in = true;
        self.logins += 1;
        tagged(output, tag, "OK [CAPABILITY IMAP4rev1 LITERAL+ ID IDLE] logged in");
    }
}

/// RFC 9051 section 4.3: a literal's size stands in braces at the end of a line, and its bytes follow the
/// line.
fn extent(input: &[u8]) -> Extent {
    let mut from = 0;
    loop {
        let rest = input.get(from..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return Extent::Open { ask: None };
        };
        let line = rest.get(..end).unwrap_or_default();
        let next = from + end + 1;
        let Some((size, is_awaited)) = literal_size(line, COMMAND_BYTES_MAX) else {
            return Extent::Whole(next);
        };
        if input.len() < next + size {
            return Extent::Open { ask: is_awaited.then_some(next) };
        }
        from = next + size;
    }
}

/// Whether these are the two arguments of LOGIN: each an atom, a quoted string or a literal.
fn is_two_strings(text: &[u8]) -> bool {
    let Some(rest) = skip_string(text) else { return false };
    let Some(rest) = rest.strip_prefix(b" ") else { return false };
    skip_string(rest).is_some_and(<[u8]>::is_empty)
}

fn skip_string(text: &[u8]) -> Option<&[u8]> {
    match text.first()? {
        b'"' => skip_quoted(text.get(1..)?),
        b'{' => {
            let end = text.iter().position(|byte| *byte == b'\n')?;
            let (size, _) = literal_size(text.get(..end)?, COMMAND_BYTES_MAX)?;
            text.get(end + 1 + size..)
        }
        _ => {
            let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
            text.get(end..).filter(|_| end > 0)
        }
    }
}

fn skip_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    text.get(end + 1..)
}

fn tagged(output: &mut Vec<u8>, tag: &[u8], text: &str) {
    output.extend_from_slice(tag);
    output.extend_from_slice(b" ");
    output.extend_from_slice(text.as_bytes());
    output.extend_from_slice(b"\r\n");
}

pub const GREETING: &[u8] = b"* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID AUTH=PLAIN] stub ready\r\n";
const SELECTED: &[u8] =
    b"* FLAGS (\\Seen)\r\n* 0 EXISTS\r\n* OK [UIDVALIDITY 1] fixed\r\n* OK [UIDNEXT 1] none\r\n";
/// Four of the largest pieces: what one FETCH gives is put together in memory.
const PIECE_BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const LOGGED_IN: &str = "a OK [CAPABILITY IMAP4rev1 LITERAL+ ID IDLE] logged in\r\n";

    fn said(pieces: &[&str]) -> (String, Next) {
        super::super::said(Imap::default(), pieces)
    }

    #[test]
    fn a_login_comes_in_every_shape() {
        for (pieces, before) in [
            (vec!["a LOGIN ann pw\r\n"], ""),
            (vec!["a login \"ann\" \"p\\\"w\\\\\"\r\n"], ""),
            (vec!["a LOGIN {3+}\r\nann {2+}\r\npw\r\n"], ""),
            (vec!["a LOGIN {3+}\r\nann {5+}\r\np\r\nw \r\n"], ""),
            (vec!["a LOGIN {3}\r\n", "ann {2}\r\n", "pw\r\n"], "+ go on\r\n+ go on\r\n"),
            (
                vec!["a LOGIN {3}\r\n", "a", "n", "n {2}", "\r\n", "p", "w", "\r", "\n"],
                "+ go on\r\n+ go on\r\n",
            ),
            (vec!["a AUTHENTICATE PLAIN AGFubgBwdw==\r\n"], ""),
            (vec!["a AUTHENTICATE plain\r\n", "AGFubgBwdw==\r\n"], "+ \r\n"),
        ] {
            assert_eq!(said(&pieces), (format!("{before}{LOGGED_IN}"), Next::Read), "{pieces:?}");
        }
    }

    #[test]
    fn a_bad_login_is_refused() {
        for piece in [
            "a LOGIN\r\n",
            "a LOGIN ann\r\n",
            "a LOGIN \"ann pw\r\n",
            "a LOGIN ann pw more\r\n",
            "a SELECT x\r\n",
        ] {
            let (output, next) = said(&[piece]);
            assert!(output.starts_with("a BAD") && next == Next::Read, "{piece}: {output}");
        }
        assert_eq!(said(&["a AUTHENTICATE PLAIN\r\n", "*\r\n"]).0, "+ \r\na BAD cancelled\r\n");
    }

    #[test]
    fn a_session_runs_to_its_end_pipelined_or_in_single_bytes() {
        let all = "a LOGIN ann pw\r\nb IDLE\r\nDONE\r\nc SELECT INBOX\r\nd NOOP\r\ne LOGOUT\r\n";
        let (whole, next) = said(&[all]);
        let singly = super::super::said_singly(Imap::default(), all);
        assert_eq!((&whole, &next), (&singly.0, &singly.1));
        assert_eq!(next, Next::Close);
        for part in ["+ idling\r\nb OK", "c OK [READ-WRITE]", "d OK", "* BYE until later\r\ne OK"] {
            assert!(whole.contains(part), "{part} in {whole}");
        }
    }

    #[test]
    fn a_fetch_gives_each_message_its_part() {
        let (output, next) = said(&["a LOGIN ann pw\r\nb FETCH 7:8 (BODY.PEEK[]<0.3>)\r\n"]);
        let fetched =
            "* 7 FETCH (BODY[]<0> {3}\r\nxxx)\r\n* 8 FETCH (BODY[]<0> {3}\r\nxxx)\r\nb OK fetched\r\n";
        assert_eq!((output, next), (format!("{LOGGED_IN}{fetched}"), Next::Read));
        assert!(said(&["a FETCH 7:8 (BODY.PEEK[]<0.3>)\r\n"]).0.starts_with("a BAD"), "before the login");
    }

    #[test]
    fn an_append_is_taken_whole_or_in_single_bytes_and_not_kept() {
        let body = "a line\r\nb LOGOUT\r\n".repeat(5000);
        let append = format!("b APPEND INBOX {{{}+}}\r\n{body}\r\nc NOOP\r\n", body.len());
        let expected = format!("{LOGGED_IN}b OK appended\r\nc OK done\r\n");
        assert_eq!(said(&["a LOGIN ann pw\r\n", &append]), (expected.clone(), Next::Read));
        let bytes: Vec<String> = append.chars().map(String::from).collect();
        let pieces: Vec<&str> =
            std::iter::once("a LOGIN ann pw\r\n").chain(bytes.iter().map(String::as_str)).collect();
        assert_eq!(said(&pieces), (expected, Next::Read));
        let (output, _) = said(&["a LOGIN ann pw\r\n", "b APPEND INBOX {3}\r\n", "xyz more\r\n"]);
        assert!(output.ends_with("+ go on\r\nb BAD more behind the literal\r\n"), "{output}");
        assert!(said(&["a APPEND INBOX {3+}\r\nxyz\r\n"]).0.starts_with("a BAD"), "before the login");
    }

    #[test]
    fn a_command_is_bounded() {
        let over = "a".repeat(COMMAND_BYTES_MAX + 1);
        assert_eq!(said(&[&over]).1, Next::Close);
        assert_eq!(said(&[over.get(1..).unwrap_or_default()]).1, Next::Read);
        assert!(said(&["a LOGIN {4294967295}\r\n"]).0.starts_with("a BAD"));
    }
}
