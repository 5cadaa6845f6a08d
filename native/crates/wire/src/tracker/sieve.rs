//! ManageSieve behind the login, both directions: RFC 5804.
//!
//! A response is lines of strings, then one that begins with OK, NO or BYE; responses come in the order of
//! the commands. A quoted string holds neither CR nor LF (section 4), so `{n}` at the very end of a line is
//! always a literal. A client's literals come at once (`{n+}`); one that waits to be asked is none of this
//! protocol.
//!
//! BYE may be said at any time (section 1.3), so between two responses words always fit. A script whose
//! PUTSCRIPT has no answer is put once more by the client, which changes nothing.

use super::Boundary;
use super::place::{Ended, Literal, Place, Step, Word};
use super::queue::{Kind, Queue};

/// One spliced ManageSieve session.
#[derive(Debug, Clone, Copy)]
pub struct Sieve {
    client: Place,
    server: Place,
    answers: Queue<Answer>,
    /// What the line says that the server sends, or has sent a literal of.
    status: Status,
    /// Lines of strings have come, and their OK has not.
    is_in_strings: bool,
    has_said_bye: bool,
    is_opaque: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Status {
    /// Strings.
    None,
    Ok,
    No,
    Bye,
}

/// What an OK to a command means.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Plain,
    /// STARTTLS, AUTHENTICATE: the streams may be something else behind it.
    Change,
    /// The server closes behind it.
    Bye,
}

impl Kind for Answer {
    const ALL: &'static [Self] = &[Self::Plain, Self::Change, Self::Bye];
}

impl Sieve {
    /// `words`: what the server answered to the login. Responses in there belong to commands that were not
    /// seen.
    #[must_use]
    pub fn behind_login(words: &[u8]) -> Self {
        let mut sieve = Self {
            client: Place::START,
            server: Place::START,
            answers: Queue::new(),
            status: Status::None,
            is_in_strings: false,
            has_said_bye: false,
            is_opaque: false,
        };
        sieve.follow_server(words, true);
        // The end of a line that began before us would be taken for the answer to a command.
        sieve.is_opaque |= sieve.boundary() == Boundary::Inside;
        sieve
    }

    pub fn saw_server(&mut self, bytes: &[u8]) {
        self.follow_server(bytes, false);
    }

    pub fn saw_client(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.is_opaque && !rest.is_empty() {
            if self.client.is_start() {
                self.client = line_of(rest);
                // Outside of an AUTHENTICATE a line of the client is a command.
                let is_answer = self.client == Place::STRINGS;
                self.is_opaque = is_answer && !self.answers.has(Answer::Change);
            }
            let (taken, step) = self.client.step(rest, LINE_BYTES_MAX);
            rest = rest.get(taken..).unwrap_or_default();
            let is_followed = match step {
                Step::More => true,
                Step::Named(_, word) => word != NONE && self.answers.push(answer_of(word)),
                Step::Ended(Ended { literal: Some(Literal { size, is_at_once }), .. }) => {
                    self.client.expect_literal(size);
                    is_at_once
                }
                Step::Ended(_) => true,
                Step::Broken => false,
            };
            self.is_opaque |= !is_followed;
        }
    }

    #[must_use]
    pub fn boundary(&self) -> Boundary {
        if self.is_opaque {
            Boundary::Opaque
        } else if self.is_in_strings || !self.server.is_start() {
            Boundary::Inside
        } else if self.client.is_start() && self.answers.is_empty() {
            Boundary::Safe
        } else {
            Boundary::Between
        }
    }

    #[must_use]
    pub fn has_said_bye(&self) -> bool {
        self.has_said_bye
    }

    fn follow_server(&mut self, bytes: &[u8], is_login: bool) {
        let mut rest = bytes;
        while !self.is_opaque && !rest.is_empty() {
            if self.server.is_start() {
                (self.server, self.status) = (line_of(rest), Status::None);
            }
            let (taken, step) = self.server.step(rest, LINE_BYTES_MAX);
            rest = rest.get(taken..).unwrap_or_default();
            let is_followed = match step {
                Step::More => true,
                Step::Named(_, word) => self.on_status(word),
                Step::Ended(ended) => self.on_server_end(&ended, is_login),
                Step::Broken => false,
            };
            self.is_opaque = !is_followed;
        }
    }

    /// Each of these gives false where the session cannot be followed any further.
    fn on_status(&mut self, word: Word) -> bool {
        self.status = match word {
            OK => Status::Ok,
            NO => Status::No,
            BYE => Status::Bye,
            _ => return false,
        };
        true
    }

    fn on_server_end(&mut self, ended: &Ended, is_login: bool) -> bool {
        if ended.is_bare {
            return false;
        }
        if let Some(Literal { size, is_at_once }) = ended.literal {
            self.server.expect_literal(size);
            return !is_at_once;
        }
        self.is_in_strings = self.status == Status::None;
        match self.status {
            // Strings that nobody asked for are none.
            Status::None => is_login || !self.answers.is_empty(),
            Status::Bye => {
                self.has_said_bye = true;
                true
            }
            Status::No => is_login || self.answers.pop().is_some(),
            Status::Ok => is_login || self.on_ok(),
        }
    }

    fn on_ok(&mut self) -> bool {
        match self.answers.pop() {
            Some(Answer::Plain) => true,
            Some(Answer::Bye) => {
                self.has_said_bye = true;
                true
            }
            Some(Answer::Change) | None => false,
        }
    }
}

/// Where a line that begins with these bytes is to be read: strings, or a word first.
fn line_of(bytes: &[u8]) -> Place {
    match bytes.first() {
        Some(b'"' | b'{') => Place::STRINGS,
        _ => Place::WORD,
    }
}

fn answer_of(word: Word) -> Answer {
    match word {
        STARTTLS | AUTHENTICATE => Answer::Change,
        LOGOUT => Answer::Bye,
        _ => Answer::Plain,
    }
}

const NONE: Word = Word::of("");
const OK: Word = Word::of("OK");
const NO: Word = Word::of("NO");
const BYE: Word = Word::of("BYE");
const STARTTLS: Word = Word::of("STARTTLS");
const AUTHENTICATE: Word = Word::of("AUTHENTICATE");
const LOGOUT: Word = Word::of("LOGOUT");

/// RFC 5804 section 4 has 1,024 bytes for a quoted string; a token of OAuth takes more.
const LINE_BYTES_MAX: u32 = 64 * 1024;
