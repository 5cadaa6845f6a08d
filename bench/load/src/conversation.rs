//! The stub's IMAP: bytes in, replies out, no socket. It takes any password, has one empty mailbox, and
//! does as little as a server can, so that what is measured is what stands before it. The sockets are in
//! `stub.rs`.

/// One client's talk so far.
#[derive(Default)]
pub struct Conversation {
    input: Vec<u8>,
    state: State,
    logged_in: bool,
    /// The input length up to which a synchronizing literal has been asked for: each is asked for once.
    asked: usize,
    /// Logins since the counts were last taken.
    pub logins: usize,
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
}

/// What the socket does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Read,
    Close,
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

impl Conversation {
    /// Takes what the client sent, and appends the replies to `output`.
    pub fn take(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> Next {
        self.input.extend_from_slice(bytes);
        loop {
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
                    break;
                }
            }
        }
        if self.input.len() > COMMAND_BYTES_MAX {
            output.extend_from_slice(b"* BYE command too long\r\n");
            return Next::Close;
        }
        Next::Read
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
        let Some((size, is_awaited)) = literal_size(line) else { return Extent::Whole(next) };
        if input.len() < next + size {
            return Extent::Open { ask: is_awaited.then_some(next) };
        }
        from = next + size;
    }
}

/// The size in `{5}` or `{5+}` at the line's end, and whether the client awaits a continuation.
fn literal_size(line: &[u8]) -> Option<(usize, bool)> {
    let inside = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    let digits = inside.get(open + 1..)?;
    let (digits, is_awaited) = digits.strip_suffix(b"+").map_or((digits, true), |digits| (digits, false));
    let size: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    // A larger one is no literal to this stub: the line then ends the command, and is refused as such.
    (size <= COMMAND_BYTES_MAX).then_some((size, is_awaited))
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
            let (size, _) = literal_size(text.get(..end)?)?;
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

fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.get(1..).unwrap_or_default())
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
/// No gateway's login is longer, and no client of a benchmark sends more.
const COMMAND_BYTES_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const LOGGED_IN: &str = "a OK [CAPABILITY IMAP4rev1 LITERAL+ ID IDLE] logged in\r\n";

    fn said(pieces: &[&str]) -> (String, Next) {
        let (mut conversation, mut output) = (Conversation::default(), Vec::new());
        let mut next = Next::Read;
        for piece in pieces {
            next = conversation.take(piece.as_bytes(), &mut output);
        }
        (String::from_utf8_lossy(&output).into_owned(), next)
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
        let bytes: Vec<String> = all.chars().map(String::from).collect();
        let singly = said(&bytes.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((&whole, &next), (&singly.0, &singly.1));
        assert_eq!(next, Next::Close);
        for part in ["+ idling\r\nb OK", "c OK [READ-WRITE]", "d OK", "* BYE until later\r\ne OK"] {
            assert!(whole.contains(part), "{part} in {whole}");
        }
    }

    #[test]
    fn a_command_is_bounded() {
        let over = "a".repeat(COMMAND_BYTES_MAX + 1);
        assert_eq!(said(&[&over]).1, Next::Close);
        assert_eq!(said(&[over.get(1..).unwrap_or_default()]).1, Next::Read);
        assert!(said(&["a LOGIN {4294967295}\r\n"]).0.starts_with("a BAD"));
    }
}
