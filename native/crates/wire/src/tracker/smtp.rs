//! Submission behind AUTH, both directions: RFC 6409, that is RFC 5321, with PIPELINING (RFC 2920),
//! CHUNKING (RFC 3030) and BURL (RFC 4468).
//!
//! **Words.** `421` may come at any time (RFC 5321 section 3.8), and fits between two replies. It is said
//! between two transactions where there is time for that.
//!
//! **A message whose answer is on its way is owed that answer**: behind the dot, or the last chunk, the
//! server may have taken the message already. A `421` from here would make the client send it once more,
//! and so would a plain close. The session waits for the server, longer than for anything else.
//!
//! **Data.** Behind `354` a dot-stuffed text follows, whose lines end in CRLF. One that holds a bare LF is
//! opaque: servers do not agree on where such a text ends.

use super::Boundary;
use super::dotted::{Dotted, Passed};
use super::line::{At, Line, Pushed, Verb};
use super::queue::{Kind, Queue};

/// One spliced submission session.
#[derive(Debug, Clone, Copy)]
pub struct Smtp {
    command: Line,
    /// BDAT's size while its command is read, then the bytes of the chunk that are to come.
    size: u64,
    client: Client,
    /// Arguments that have begun.
    words: u8,
    /// How much of LAST the one being read agrees with.
    last: u8,
    reply: Reply,
    answers: Queue<Answer>,
    /// Between a MAIL that was accepted and the answer to its message.
    is_in_mail: bool,
    has_said_bye: bool,
    is_opaque: bool,
}

/// Where the client's next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Client {
    Command,
    /// DATA has no answer yet, and only the answer says what comes.
    Held,
    Text(Dotted),
    Chunk,
    /// A line that `334` asked for.
    Response,
}

/// A reply as it comes: lines of three digits, a mark and text; the mark of the last line is a space.
#[derive(Debug, Clone, Copy)]
struct Reply {
    code: u16,
    length: u16,
    /// Lines before this one have the same code.
    is_going_on: bool,
    is_last: bool,
    has_cr: bool,
}

/// What is remembered of a command.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Plain,
    Mail,
    Data,
    /// The end of a message: the answer says whether the server has taken it.
    Message,
    /// RSET, EHLO, HELO: no transaction is left.
    Reset,
    Bye,
    /// AUTH: `334` asks for a line.
    Talk,
    /// STARTTLS, and what is as foreign here: behind a good answer the bytes are something else.
    Change,
}

impl Kind for Answer {
    const ALL: &'static [Self] = &[
        Self::Plain,
        Self::Mail,
        Self::Data,
        Self::Message,
        Self::Reset,
        Self::Bye,
        Self::Talk,
        Self::Change,
    ];
}

impl Smtp {
    /// `words`: what the server answered to AUTH. Replies in there belong to commands that were not seen.
    #[must_use]
    pub fn behind_login(words: &[u8]) -> Self {
        let mut smtp = Self {
            command: Line::START,
            size: 0,
            client: Client::Command,
            words: 0,
            last: BLANK,
            reply: Reply::START,
            answers: Queue::new(),
            is_in_mail: false,
            has_said_bye: false,
            is_opaque: false,
        };
        smtp.follow_server(words, true);
        // The end of a line that began before us would be taken for the answer to a command.
        smtp.is_opaque |= smtp.boundary() == Boundary::Inside;
        smtp
    }

    pub fn saw_server(&mut self, bytes: &[u8]) {
        self.follow_server(bytes, false);
    }

    pub fn saw_client(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.is_opaque && !rest.is_empty() {
            let (taken, is_followed) = match self.client {
                Client::Command | Client::Response => {
                    (1, rest.first().is_some_and(|byte| self.on_byte(*byte)))
                }
                Client::Held => (0, false),
                Client::Text(dotted) => self.on_text(dotted, rest),
                Client::Chunk => self.on_chunk(rest.len()),
            };
            rest = rest.get(taken..).unwrap_or_default();
            self.is_opaque = !is_followed;
        }
    }

    #[must_use]
    pub fn boundary(&self) -> Boundary {
        let is_between_commands = self.client == Client::Command && self.command.is_start();
        if self.is_opaque {
            Boundary::Opaque
        } else if self.answers.has(Answer::Message) {
            Boundary::Owed
        } else if !self.reply.is_start() {
            Boundary::Inside
        } else if is_between_commands && !self.is_in_mail && self.answers.is_empty() {
            Boundary::Safe
        } else {
            Boundary::Between
        }
    }

    #[must_use]
    pub fn has_said_bye(&self) -> bool {
        self.has_said_bye
    }

    /// Each of these gives false where the session cannot be followed any further.
    fn on_byte(&mut self, byte: u8) -> bool {
        match self.command.push(byte, LINE_BYTES_MAX) {
            Pushed::More => {
                self.follow_argument(byte);
                true
            }
            Pushed::Ended => {
                let command = std::mem::replace(&mut self.command, Line::START);
                if self.client == Client::Response {
                    self.client = Client::Command;
                    return true;
                }
                self.on_command(command.verb())
            }
            Pushed::EndedBare | Pushed::Broken => false,
        }
    }

    /// `BDAT 86 LAST`, `BURL imap://... LAST`: the size is the first argument, LAST may be the second.
    fn follow_argument(&mut self, byte: u8) {
        match (self.command.at(), byte) {
            (At::Verb | At::Gap, _) => (self.size, self.words, self.last) = (0, 0, BLANK),
            (At::Argument, b'\r') => {}
            (At::Argument, b' ') => self.last = BLANK,
            (At::Argument, _) => {
                if self.last == BLANK {
                    (self.words, self.last) = (self.words.saturating_add(1), 0);
                }
                if self.words == 1 {
                    let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
                    let size = self.size.checked_mul(10).and_then(|size| size.checked_add(digit?));
                    self.size = size.unwrap_or(NO_SIZE);
                }
                let agrees = LAST.get(usize::from(self.last)) == Some(&byte.to_ascii_uppercase());
                self.last = if agrees { self.last + 1 } else { OTHER };
            }
        }
    }

    /// `None`: the arguments are not those of BDAT or BURL.
    fn is_last(&self) -> Option<bool> {
        match self.words {
            1 => Some(false),
            2 if usize::from(self.last) == LAST.len() => Some(true),
            _ => None,
        }
    }

    fn on_command(&mut self, verb: Verb) -> bool {
        let answer = match verb {
            MAIL => Answer::Mail,
            DATA => {
                self.client = Client::Held;
                Answer::Data
            }
            BDAT | BURL => {
                let Some(is_last) = self.is_last() else { return false };
                if verb == BDAT && !self.expect_chunk() {
                    return false;
                }
                if is_last { Answer::Message } else { Answer::Plain }
            }
            RSET | EHLO | HELO => Answer::Reset,
            QUIT => Answer::Bye,
            AUTH => Answer::Talk,
            STARTTLS | XCLIENT => Answer::Change,
            // Servers do not agree on whether it is one.
            Verb::NONE => return false,
            _ => Answer::Plain,
        };
        self.answers.push(answer)
    }

    /// The bytes come whatever the answer will be (RFC 3030 section 2).
    fn expect_chunk(&mut self) -> bool {
        self.client = if self.size == 0 { Client::Command } else { Client::Chunk };
        self.size != NO_SIZE
    }

    fn on_text(&mut self, mut dotted: Dotted, bytes: &[u8]) -> (usize, bool) {
        let (taken, passed) = dotted.step(bytes);
        self.client = Client::Text(dotted);
        let is_followed = match passed {
            Passed::More => true,
            Passed::Bare => false,
            Passed::Ended => {
                self.client = Client::Command;
                self.answers.push(Answer::Message)
            }
        };
        (taken, is_followed)
    }

    fn on_chunk(&mut self, there: usize) -> (usize, bool) {
        let taken = usize::try_from(self.size).unwrap_or(usize::MAX).min(there);
        self.size -= taken as u64;
        if self.size == 0 {
            self.client = Client::Command;
        }
        (taken, true)
    }

    fn follow_server(&mut self, bytes: &[u8], is_login: bool) {
        for &byte in bytes {
            if self.is_opaque {
                return;
            }
            let is_followed = match self.reply.push(byte) {
                Read::More => true,
                Read::Whole(code) if is_login => code / 100 == 2,
                Read::Whole(code) => self.on_reply(code),
                Read::Broken => false,
            };
            self.is_opaque = !is_followed;
        }
    }

    fn on_reply(&mut self, code: u16) -> bool {
        // RFC 5321 section 3.8: it answers nothing in particular, and the server closes.
        if code == 421 {
            self.has_said_bye = true;
            return true;
        }
        let is_good = code / 100 == 2;
        if code / 100 == 3 {
            return self.on_intermediate(code);
        }
        match self.answers.pop() {
            None => return false,
            Some(Answer::Plain) => {}
            Some(Answer::Mail) => self.is_in_mail |= is_good,
            Some(Answer::Message) => self.is_in_mail = false,
            Some(Answer::Reset) => self.is_in_mail &= !is_good,
            Some(Answer::Bye) => self.has_said_bye = true,
            Some(Answer::Data) => {
                self.client = Client::Command;
                return !is_good;
            }
            Some(Answer::Talk | Answer::Change) => return !is_good,
        }
        true
    }

    /// 3xx: the command is not over.
    fn on_intermediate(&mut self, code: u16) -> bool {
        match (code, self.answers.front()) {
            (354, Some(Answer::Data)) => {
                self.client = Client::Text(Dotted::Start);
                self.answers.pop().is_some()
            }
            // What was sent ahead of it can't be told from the answer.
            (334, Some(Answer::Talk)) => {
                let is_waiting = self.client == Client::Command && self.command.is_start();
                self.client = Client::Response;
                is_waiting
            }
            _ => false,
        }
    }
}

/// What one more byte of a reply amounts to.
enum Read {
    More,
    Whole(u16),
    Broken,
}

impl Reply {
    const START: Self = Self { code: 0, length: 0, is_going_on: false, is_last: false, has_cr: false };

    fn is_start(self) -> bool {
        self.length == 0 && !self.is_going_on
    }

    /// RFC 5321 section 4.2: `250-text`, `250 text`, or `250` alone.
    fn push(&mut self, byte: u8) -> Read {
        let at = self.length;
        self.length += 1;
        match (at, byte) {
            (_, b'\n') if self.has_cr && at > CODE_DIGITS => return self.line_end(),
            _ if self.has_cr || byte == 0 || byte == b'\n' || at >= REPLY_BYTES_MAX => return Read::Broken,
            (0..CODE_DIGITS, b'0'..=b'9') => return self.digit(at, u16::from(byte - b'0')),
            (0..CODE_DIGITS, _) => return Read::Broken,
            (CODE_DIGITS, b'-') => self.is_last = false,
            (CODE_DIGITS, b' ') => self.is_last = true,
            (CODE_DIGITS, b'\r') => (self.is_last, self.has_cr) = (true, true),
            (CODE_DIGITS, _) => return Read::Broken,
            (_, byte) => self.has_cr = byte == b'\r',
        }
        Read::More
    }

    /// A line that goes on has the code of those before: its digits are compared, not taken.
    fn digit(&mut self, at: u16, digit: u16) -> Read {
        let weight = [100, 10, 1].get(usize::from(at)).copied().unwrap_or(1);
        if !self.is_going_on {
            self.code += digit * weight;
        } else if self.code / weight % 10 != digit {
            return Read::Broken;
        }
        Read::More
    }

    fn line_end(&mut self) -> Read {
        let Self { code, is_last, .. } = *self;
        if !is_last {
            *self = Self { code, is_going_on: true, ..Self::START };
            return Read::More;
        }
        *self = Self::START;
        if (200..600).contains(&code) { Read::Whole(code) } else { Read::Broken }
    }
}

const MAIL: Verb = Verb::of("MAIL");
const DATA: Verb = Verb::of("DATA");
const BDAT: Verb = Verb::of("BDAT");
const BURL: Verb = Verb::of("BURL");
const RSET: Verb = Verb::of("RSET");
const EHLO: Verb = Verb::of("EHLO");
const HELO: Verb = Verb::of("HELO");
const QUIT: Verb = Verb::of("QUIT");
const AUTH: Verb = Verb::of("AUTH");
const STARTTLS: Verb = Verb::of("STARTTLS");
const XCLIENT: Verb = Verb::of("XCLIENT");
const LAST: &[u8] = b"LAST";
/// `last` where the argument is another word.
const OTHER: u8 = u8::MAX;
/// `last` between two arguments.
const BLANK: u8 = u8::MAX - 1;
const NO_SIZE: u64 = u64::MAX;

const CODE_DIGITS: u16 = 3;
/// RFC 5321 section 4.5.3.1 has 512 bytes for both; long paths and a token of OAuth take more.
const LINE_BYTES_MAX: u32 = 16 * 1024;
const REPLY_BYTES_MAX: u16 = 16 * 1024;
