//! The goodbye tracker: follows both directions of a spliced session and knows when last words may be put
//! into the server's stream. It reads no more than it must: framing, tags, and the few commands that change
//! what bytes mean. Literals are skipped by count.
//!
//! It never guesses. What is no grammar makes it opaque for ever, and then only a plain close is possible.
//!
//! - [`imap`] is what it knows of IMAP;
//! - [`commands`] remembers the commands that have no answer yet;
//! - [`place`] cuts one direction into words, line ends and literals.

mod commands;
mod imap;
mod place;

pub use imap::Imap;

/// What may be said to the client at this moment, behind the last byte that was seen of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// Between two responses, and nothing is under way: no command but one that waits for news.
    Safe,
    /// Between two responses, but an answer is awaited, or the client is in the middle of a command.
    Between,
    /// In the middle of a response: any word would become part of it.
    Inside,
    /// The stream is not followed any more.
    Opaque,
}

/// One session's tracker, by its protocol.
#[derive(Debug, Clone, Copy)]
pub enum Tracker {
    Imap(Imap),
}

impl Tracker {
    /// Behind an IMAP login. `words`: what the client is given first, the login's answer among it.
    #[must_use]
    pub fn imap(words: &[u8]) -> Self {
        Self::Imap(Imap::behind_login(words))
    }

    /// Bytes of the client, in any pieces.
    pub fn saw_client(&mut self, bytes: &[u8]) {
        match self {
            Self::Imap(imap) => imap.saw_client(bytes),
        }
    }

    /// Bytes of the server, in any pieces.
    pub fn saw_server(&mut self, bytes: &[u8]) {
        match self {
            Self::Imap(imap) => imap.saw_server(bytes),
        }
    }

    #[must_use]
    pub fn boundary(&self) -> Boundary {
        match self {
            Self::Imap(imap) => imap.boundary(),
        }
    }

    /// The server has said goodbye itself: a second one would only contradict it.
    #[must_use]
    pub fn has_said_bye(&self) -> bool {
        match self {
            Self::Imap(imap) => imap.has_said_bye(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_small() {
        // One a spliced session, for as long as it lives.
        assert_eq!(size_of::<Tracker>(), 64);
    }
}
