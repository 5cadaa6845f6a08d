//! POP3 behind the login, both directions: RFC 1939, RFC 2449, RFC 5034, RFC 6856.
//!
//! **Answers.** A command has one answer, in its order. Whether text follows a `+OK` is nowhere in the
//! answer: it depends on the command, and for LIST, UIDL, LANG and AUTH on whether it has an argument. A
//! `-ERR` is always one line. A command that is not known here may have either kind of answer, so its `+OK`
//! makes the stream opaque.
//!
//! **Words.** A server says nothing unasked (RFC 1939 section 3), so between two commands there is no
//! moment for words of ours. What mail programs take best is `-ERR [SYS/TEMP] ...` (RFC 3206) as the answer
//! to the next command: they show it, ask for no password, and come again. That command must not have
//! reached the server, or the answer would be a guess: `may_refuse` says which one may be kept back. QUIT
//! is let through, since it ends the session by itself and is what mails are deleted by. To a client that
//! asks nothing the connection is only closed, just as every server's own autologout timer does it (RFC
//! 1939 section 3: "without removing any messages or sending any response"): a line that nobody asked for
//! would be taken for the answer to a command that the client only sends later.
//!
//! **No mail is lost.** DELE only marks; marked messages go when the server has taken QUIT (RFC 1939
//! section 6). A session that is closed without it deletes nothing, and so the client deletes once more.
//! QUIT's answer is the server's alone: it says whether the messages are gone.

use super::Boundary;
use super::dotted::{Dotted, Passed};
use super::line::{Line, Pushed, Verb};
use super::queue::{Kind, Queue};

/// One spliced POP3 session.
#[derive(Debug, Clone, Copy)]
pub struct Pop3 {
    client: Line,
    server: Line,
    answers: Queue<Answer>,
    /// The server is in the text behind a `+OK`.
    text: Option<Dotted>,
    /// The server has said `+ `: the client's next line is no command.
    is_asked: bool,
    /// The line that the client sends is an answer, not a command.
    is_answering: bool,
    has_said_bye: bool,
    is_opaque: bool,
}

/// What a command is answered with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    /// One line.
    Line,
    /// A line, and text behind a `+OK`.
    Text,
    /// The server closes behind it.
    Bye,
    /// `+ ` asks for a line of the client; `+OK` may change what the bytes are.
    Talk,
    /// `+OK` means what is not known here.
    Unknown,
}

impl Kind for Answer {
    const ALL: &'static [Self] = &[Self::Line, Self::Text, Self::Bye, Self::Talk, Self::Unknown];
}

impl Pop3 {
    /// `words`: what the server answered to the login. Its lines belong to commands that were not seen.
    #[must_use]
    pub fn behind_login(words: &[u8]) -> Self {
        let mut pop3 = Self {
            client: Line::START,
            server: Line::START,
            answers: Queue::new(),
            text: None,
            is_asked: false,
            is_answering: false,
            has_said_bye: false,
            is_opaque: false,
        };
        pop3.follow_server(words, true);
        // The end of a line that began before us would be taken for the answer to a command.
        pop3.is_opaque |= pop3.boundary() == Boundary::Inside;
        pop3
    }

    pub fn saw_server(&mut self, bytes: &[u8]) {
        self.follow_server(bytes, false);
    }

    pub fn saw_client(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.is_opaque {
                return;
            }
            if self.client.is_start() {
                self.is_answering = std::mem::take(&mut self.is_asked);
            }
            let is_followed = match self.client.push(byte, LINE_BYTES_MAX) {
                Pushed::More => true,
                // People type it by hand, and servers take it.
                Pushed::Ended | Pushed::EndedBare => self.on_client_line(),
                Pushed::Broken => false,
            };
            self.is_opaque = !is_followed;
        }
    }

    #[must_use]
    pub fn boundary(&self) -> Boundary {
        if self.is_opaque {
            Boundary::Opaque
        } else if self.answers.has(Answer::Bye) {
            Boundary::Owed
        } else if self.text.is_some() || !self.server.is_start() {
            Boundary::Inside
        } else if self.client.is_start() && !self.is_asked && self.answers.is_empty() {
            Boundary::Quiet
        } else {
            Boundary::Between
        }
    }

    /// `bytes`, which the client sends next, may get words of ours for an answer instead of the server's.
    #[must_use]
    pub fn may_refuse(&self, bytes: &[u8]) -> bool {
        let (verb, behind) = bytes.split_at_checked(QUIT.len()).unwrap_or((bytes, &[]));
        let is_quit =
            verb.eq_ignore_ascii_case(QUIT) && behind.first().is_none_or(|byte| b" \r\n".contains(byte));
        self.boundary() == Boundary::Quiet && !is_quit
    }

    #[must_use]
    pub fn has_said_bye(&self) -> bool {
        self.has_said_bye
    }

    /// Each of these gives false where the session cannot be followed any further.
    fn on_client_line(&mut self) -> bool {
        let line = std::mem::replace(&mut self.client, Line::START);
        if std::mem::take(&mut self.is_answering) {
            return true;
        }
        // Some servers answer an empty line, some pass over it.
        line.verb() != Verb::NONE && self.answers.push(answer_of(line))
    }

    fn follow_server(&mut self, bytes: &[u8], is_login: bool) {
        let mut rest = bytes;
        while !self.is_opaque
            && let Some(&byte) = rest.first()
        {
            if let Some(text) = &mut self.text {
                let (taken, passed) = text.step(rest);
                rest = rest.get(taken..).unwrap_or_default();
                // A bare LF in a message is a message's affair: the line of the dot begins behind CRLF.
                if passed == Passed::Ended {
                    self.text = None;
                }
                continue;
            }
            rest = rest.get(1..).unwrap_or_default();
            let is_followed = match self.server.push(byte, LINE_BYTES_MAX) {
                Pushed::More => true,
                Pushed::Ended => self.on_server_line(is_login),
                Pushed::EndedBare | Pushed::Broken => false,
            };
            self.is_opaque = !is_followed;
        }
    }

    fn on_server_line(&mut self, is_login: bool) -> bool {
        let status = std::mem::replace(&mut self.server, Line::START).verb();
        if is_login {
            return status == OK;
        }
        match status {
            OK => self.on_ok(),
            ERR => {
                let answered = self.answers.pop();
                // One that nobody asked for is the server's own goodbye; behind QUIT it closes, whatever it
                // says.
                self.has_said_bye |= matches!(answered, None | Some(Answer::Bye));
                answered.is_some()
            }
            PLUS if self.answers.front() == Some(Answer::Talk) => {
                self.is_asked = true;
                true
            }
            _ => false,
        }
    }

    fn on_ok(&mut self) -> bool {
        match self.answers.pop() {
            Some(Answer::Line) => {}
            Some(Answer::Text) => self.text = Some(Dotted::Start),
            Some(Answer::Bye) => self.has_said_bye = true,
            Some(Answer::Talk | Answer::Unknown) | None => return false,
        }
        true
    }
}

fn answer_of(line: Line) -> Answer {
    let verb = line.verb();
    if [RETR, TOP, CAPA].contains(&verb) {
        Answer::Text
    } else if [LIST, UIDL, LANG].contains(&verb) {
        if line.has_argument() { Answer::Line } else { Answer::Text }
    } else if [STAT, NOOP, DELE, RSET, UTF8].contains(&verb) {
        Answer::Line
    } else if verb == Verb::of("QUIT") {
        Answer::Bye
    } else if verb == AUTH && line.has_argument() {
        Answer::Talk
    } else {
        Answer::Unknown
    }
}

const OK: Verb = Verb::of("+OK");
const ERR: Verb = Verb::of("-ERR");
const PLUS: Verb = Verb::of("+");
const RETR: Verb = Verb::of("RETR");
const TOP: Verb = Verb::of("TOP");
const CAPA: Verb = Verb::of("CAPA");
const LIST: Verb = Verb::of("LIST");
const UIDL: Verb = Verb::of("UIDL");
const LANG: Verb = Verb::of("LANG");
const STAT: Verb = Verb::of("STAT");
const NOOP: Verb = Verb::of("NOOP");
const DELE: Verb = Verb::of("DELE");
const RSET: Verb = Verb::of("RSET");
const UTF8: Verb = Verb::of("UTF8");
const AUTH: Verb = Verb::of("AUTH");
const QUIT: &[u8] = b"QUIT";

/// RFC 2449 section 4 has 255 bytes for a command and 512 for a response; a token of OAuth takes more.
const LINE_BYTES_MAX: u32 = 16 * 1024;
