//! IMAP behind the login, both directions: RFC 9051, RFC 3501, and the extensions that change framing.
//!
//! **Literals and text.** A line that ends in `{n}` announces a literal only where the grammar has a string.
//! RFC 9051 section 9 has none in `resp-text` (`TEXT-CHAR` is any character but CR and LF, and a response
//! code holds text as well), nor in `quoted`, which cannot span lines. So the lines `* OK`, `* NO`, `* BAD`,
//! `* BYE`, `* PREAUTH`, `+` and all tagged ones are text to their end, and `* OK see {5}` is whole; on every
//! other line of the server, and on every line of the client, `{n}` at the very end is a literal. Should a
//! server mean one in a status line all the same (a mailbox name in RFC 2060's NEWNAME), then what follows
//! is no response, and the tracker goes opaque.

use memchr::memchr;

use super::Boundary;
use super::commands::{Commands, Kind, Tag};
use super::place::{Ended, First, Literal, Place, Step, Word};

/// One spliced IMAP session.
#[derive(Debug, Clone, Copy)]
pub struct Imap {
    client: Place,
    server: Place,
    commands: Commands,
    /// The command that the client sends, or has sent last: the one that a literal belongs to.
    current: Tag,
    /// The line that the client sends is an answer, not a command.
    is_answering: bool,
    /// The server has asked for something that is no literal: the client's next line is its answer.
    is_asked: bool,
    has_said_bye: bool,
    is_opaque: bool,
}

impl Imap {
    /// `words`: what the server said up to the answer to the login, and what came with it. Tagged answers in
    /// there belong to commands that were not seen.
    #[must_use]
    pub fn behind_login(words: &[u8]) -> Self {
        let mut imap = Self {
            client: Place::START,
            server: Place::START,
            commands: Commands::default(),
            current: Tag::of_hash(0),
            is_answering: false,
            is_asked: false,
            has_said_bye: false,
            is_opaque: false,
        };
        imap.follow_server(words, true);
        imap
    }

    pub fn saw_server(&mut self, bytes: &[u8]) {
        self.follow_server(bytes, false);
    }

    pub fn saw_client(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.is_opaque && !rest.is_empty() {
            if self.client.is_start() && (self.is_asked || self.commands.is_idling()) {
                self.is_answering = true;
                self.client = Place::ANY_LINE;
            }
            let (taken, step) = self.client.step(rest, CLIENT_LINE_BYTES_MAX);
            rest = rest.get(taken..).unwrap_or_default();
            let is_followed = match step {
                Step::More => true,
                Step::Named(first, word) => self.on_command(first, word),
                Step::Ended(ended) => self.on_client_end(&ended),
                Step::Broken => false,
            };
            self.is_opaque = !is_followed;
        }
    }

    #[must_use]
    pub fn boundary(&self) -> Boundary {
        if self.is_opaque {
            Boundary::Opaque
        } else if !self.server.is_start() {
            Boundary::Inside
        } else if self.client.is_start() && !self.commands.is_busy() {
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
            if self.server.is_start()
                && let Some(length) = numbered_line(rest)
            {
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            let (taken, step) = self.server.step(rest, SERVER_LINE_BYTES_MAX);
            rest = rest.get(taken..).unwrap_or_default();
            let is_followed = match step {
                Step::More => true,
                Step::Named(first, word) => self.on_response(first, word, is_login),
                Step::Ended(ended) => self.on_server_end(&ended),
                Step::Broken => false,
            };
            self.is_opaque = !is_followed;
        }
    }

    /// Each of these gives false where the session cannot be followed any further.
    fn on_command(&mut self, first: First, word: Word) -> bool {
        match first {
            // An empty line is no command; servers pass over it, or say so untagged.
            First::None => true,
            First::Star | First::Plus => false,
            First::Tag(hash) => {
                self.current = Tag::of_hash(hash);
                self.commands.begin(self.current, kind_of(word))
            }
        }
    }

    fn on_client_end(&mut self, ended: &Ended) -> bool {
        if std::mem::take(&mut self.is_answering) {
            return self.on_answer();
        }
        match ended.literal {
            None => {}
            Some(Literal { size, is_at_once: true }) => self.client.expect_literal(size),
            Some(Literal { size, is_at_once: false }) => self.client = Place::Held { size },
        }
        true
    }

    /// RFC 9051 section 6.3.13: DONE ends IDLE, and so does anything else, by a BAD.
    fn on_answer(&mut self) -> bool {
        if !std::mem::take(&mut self.is_asked) {
            let _ = self.commands.turn(Kind::Idle, Kind::Plain)
                || self.commands.turn(Kind::IdleAsked, Kind::IdleLeft);
        }
        true
    }

    fn on_response(&mut self, first: First, word: Word, is_login: bool) -> bool {
        match first {
            First::None => false,
            First::Star => self.on_untagged(word),
            First::Plus => {
                self.server.read_as_text();
                self.on_continuation()
            }
            First::Tag(hash) => {
                self.server.read_as_text();
                [OK, NO, BAD].contains(&word) && (is_login || self.on_tagged(Tag::of_hash(hash), word))
            }
        }
    }

    fn on_untagged(&mut self, word: Word) -> bool {
        self.has_said_bye |= word == BYE;
        if [OK, NO, BAD, BYE, PREAUTH].contains(&word) {
            self.server.read_as_text();
        }
        word.is_atom()
    }

    /// RFC 9051 section 7.5: `+` answers the oldest thing that waits for it. An IDLE is older than a literal
    /// that waits at the same time.
    fn on_continuation(&mut self) -> bool {
        if self.commands.turn(Kind::IdleAsked, Kind::Idle) || self.commands.turn(Kind::IdleLeft, Kind::Plain)
        {
            return true;
        }
        if let Place::Held { size } = self.client {
            self.client.expect_literal(size);
            return true;
        }
        // AUTHENTICATE, or a command that is not known here.
        self.is_asked |= self.commands.is_busy();
        self.is_asked || self.commands.is_idling()
    }

    fn on_tagged(&mut self, tag: Tag, status: Word) -> bool {
        if let Place::Held { .. } = self.client
            && tag == self.current
        {
            // RFC 9051 section 4.3: refused, the literal is not sent, and the command is over.
            self.client = Place::START;
            return status != OK && self.commands.end(tag).is_some();
        }
        match self.commands.end(tag) {
            None => false,
            Some(Kind::Change) => status != OK,
            Some(_) => {
                self.is_asked = false;
                true
            }
        }
    }

    fn on_server_end(&mut self, ended: &Ended) -> bool {
        match ended.literal {
            None => !ended.is_bare,
            // RFC 9051 section 9, literal: a server's has no `+`.
            Some(Literal { size, is_at_once }) => {
                self.server.expect_literal(size);
                !is_at_once && !ended.is_bare
            }
        }
    }
}

/// Long answers are made of such lines, and nothing in them matters: `* 12 `, to a CRLF without a literal.
/// The length of the first line, where it is one and whole.
fn numbered_line(bytes: &[u8]) -> Option<usize> {
    let behind = bytes.strip_prefix(b"* ")?;
    let digits = behind.iter().take(LONGEST_NUMBER).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || behind.get(digits) != Some(&b' ') {
        return None;
    }
    let end = memchr(b'\n', bytes).filter(|end| *end < SERVER_LINE_BYTES_MAX as usize)?;
    let line = bytes.get(..end)?.strip_suffix(b"\r")?;
    (line.last() != Some(&b'}')).then_some(end + 1)
}

fn kind_of(word: Word) -> Kind {
    if word == IDLE {
        Kind::IdleAsked
    } else if [COMPRESS, STARTTLS, AUTHENTICATE].contains(&word) {
        Kind::Change
    } else {
        Kind::Plain
    }
}

const OK: Word = Word::of("OK");
const NO: Word = Word::of("NO");
const BAD: Word = Word::of("BAD");
const BYE: Word = Word::of("BYE");
const PREAUTH: Word = Word::of("PREAUTH");
const IDLE: Word = Word::of("IDLE");
const COMPRESS: Word = Word::of("COMPRESS");
const STARTTLS: Word = Word::of("STARTTLS");
const AUTHENTICATE: Word = Word::of("AUTHENTICATE");

/// RFC 9051 section 9, nz-number: below 2^32.
const LONGEST_NUMBER: usize = 10;
/// A SEARCH that finds two million messages is one line of 16 MB.
const SERVER_LINE_BYTES_MAX: u32 = 16 << 20;
/// Servers refuse a command line of 64 KiB; a set of messages may take more where they do not.
const CLIENT_LINE_BYTES_MAX: u32 = 1 << 20;
