//! The stub server's side of a session: bytes in, replies out, no socket. It takes any password and does as
//! little as a server can, so that what is measured is what stands before it; but it answers nothing that
//! comes in the wrong order. The protocols are in the files beside, the sockets in `stub.rs`.

mod imap;
mod lines;
mod pop3;
mod submission;

use imap::Imap;
use pop3::Pop3;
use submission::Submission;

/// What the stub speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Imap,
    Pop3,
    Submission,
}

impl Protocol {
    pub const ALL: [Self; 3] = [Self::Imap, Self::Pop3, Self::Submission];

    /// As in the stub's ready line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Submission => "submission",
        }
    }

    pub fn greeting(self) -> &'static [u8] {
        match self {
            Self::Imap => imap::GREETING,
            Self::Pop3 => pop3::GREETING,
            Self::Submission => submission::GREETING,
        }
    }

    pub fn begin(self) -> Box<dyn Conversation> {
        match self {
            Self::Imap => Box::<Imap>::default(),
            Self::Pop3 => Box::<Pop3>::default(),
            Self::Submission => Box::<Submission>::default(),
        }
    }
}

/// One client's talk so far.
pub trait Conversation {
    /// Takes what the client sent, and appends the replies to `output`.
    fn take(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> Next;

    /// The logins since this was last asked.
    fn take_logins(&mut self) -> usize;

    /// How many bytes a server would write at once: the size of a piece, once one was asked for.
    fn write_bytes(&self) -> usize {
        usize::MAX
    }
}

/// What the socket does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Read,
    Close,
}

/// The text before the first blank, and what is behind that blank.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.get(1..).unwrap_or_default())
}

/// No gateway's login is longer, and no client of a benchmark sends more.
const COMMAND_BYTES_MAX: usize = 65_536;

/// What a conversation answers to pieces, and whether the socket is to go on.
#[cfg(test)]
fn said(mut conversation: impl Conversation, pieces: &[&str]) -> (String, Next) {
    let (mut output, mut next) = (Vec::new(), Next::Read);
    for piece in pieces {
        next = conversation.take(piece.as_bytes(), &mut output);
    }
    (String::from_utf8_lossy(&output).into_owned(), next)
}

/// The same, byte by byte.
#[cfg(test)]
fn said_singly(conversation: impl Conversation, text: &str) -> (String, Next) {
    let bytes: Vec<String> = text.chars().map(String::from).collect();
    said(conversation, &bytes.iter().map(String::as_str).collect::<Vec<_>>())
}
