//! The goodbye tracker: follows both directions of a spliced session and knows when last words may be put
//! into the server's stream. It reads no more than it must: framing, the order of answers, and the few
//! commands that change what bytes mean. Literals are skipped by count.
//!
//! It never guesses. What is no grammar makes it opaque for ever, and then only a plain close is possible.
//!
//! - [`imap`], [`pop3`], [`sieve`] and [`smtp`] are what it knows of the protocols, and where words fit in;
//! - [`commands`] remembers IMAP's commands that have no answer yet, [`queue`] those of the others;
//! - [`place`] cuts one direction into words, line ends and literals, [`line`] into lines of commands;
//!   [`dotted`] finds the end of a dot-stuffed text.

mod commands;
mod dotted;
mod imap;
mod line;
mod place;
mod pop3;
mod queue;
mod sieve;
mod smtp;

pub use imap::Imap;
pub use pop3::Pop3;
pub use sieve::Sieve;
pub use smtp::Smtp;

/// What may be said to the client at this moment, behind the last byte that was seen of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// Between two responses, and nothing is under way: no command but one that waits for news.
    Safe,
    /// The same, in a protocol without words that nobody asked for: the next command may be refused.
    Quiet,
    /// Between two responses, but an answer is awaited, or the client is in the middle of a command.
    Between,
    /// An answer is awaited, or half there, that only the server can give: whether it has taken what it was
    /// given.
    Owed,
    /// In the middle of a response: any word would become part of it.
    Inside,
    /// The stream is not followed any more.
    Opaque,
}

/// One session's tracker, by its protocol.
#[derive(Debug, Clone, Copy)]
pub enum Tracker {
    Imap(Imap),
    Pop3(Pop3),
    Sieve(Sieve),
    Submission(Smtp),
    /// A protocol that is not known here: opaque from the start.
    Foreign,
}

impl Tracker {
    /// Behind a login of the protocol with this code (gateway/model/protocol.ts).
    #[must_use]
    pub fn behind_login(protocol: u8, words: &[u8]) -> Self {
        match protocol {
            1 => Self::imap(words),
            2 => Self::pop3(words),
            3 => Self::sieve(words),
            4 => Self::submission(words),
            _ => Self::Foreign,
        }
    }

    /// Behind an IMAP login. `words`: what the client is given first, the login's answer among it.
    #[must_use]
    pub fn imap(words: &[u8]) -> Self {
        Self::Imap(Imap::behind_login(words))
    }

    /// Behind a POP3 login; `words` as for [`Tracker::imap`].
    #[must_use]
    pub fn pop3(words: &[u8]) -> Self {
        Self::Pop3(Pop3::behind_login(words))
    }

    /// Behind a ManageSieve login; `words` as for [`Tracker::imap`].
    #[must_use]
    pub fn sieve(words: &[u8]) -> Self {
        Self::Sieve(Sieve::behind_login(words))
    }

    /// Behind the AUTH of a submission; `words` as for [`Tracker::imap`].
    #[must_use]
    pub fn submission(words: &[u8]) -> Self {
        Self::Submission(Smtp::behind_login(words))
    }

    /// Bytes of the client, in any pieces.
    pub fn saw_client(&mut self, bytes: &[u8]) {
        match self {
            Self::Imap(imap) => imap.saw_client(bytes),
            Self::Pop3(pop3) => pop3.saw_client(bytes),
            Self::Sieve(sieve) => sieve.saw_client(bytes),
            Self::Submission(smtp) => smtp.saw_client(bytes),
            Self::Foreign => {}
        }
    }

    /// Bytes of the server, in any pieces.
    pub fn saw_server(&mut self, bytes: &[u8]) {
        match self {
            Self::Imap(imap) => imap.saw_server(bytes),
            Self::Pop3(pop3) => pop3.saw_server(bytes),
            Self::Sieve(sieve) => sieve.saw_server(bytes),
            Self::Submission(smtp) => smtp.saw_server(bytes),
            Self::Foreign => {}
        }
    }

    #[must_use]
    pub fn boundary(&self) -> Boundary {
        match self {
            Self::Imap(imap) => imap.boundary(),
            Self::Pop3(pop3) => pop3.boundary(),
            Self::Sieve(sieve) => sieve.boundary(),
            Self::Submission(smtp) => smtp.boundary(),
            Self::Foreign => Boundary::Opaque,
        }
    }

    /// The server has said goodbye itself: a second one would only contradict it.
    #[must_use]
    pub fn has_said_bye(&self) -> bool {
        match self {
            Self::Imap(imap) => imap.has_said_bye(),
            Self::Pop3(pop3) => pop3.has_said_bye(),
            Self::Sieve(sieve) => sieve.has_said_bye(),
            Self::Submission(smtp) => smtp.has_said_bye(),
            Self::Foreign => false,
        }
    }

    /// These bytes, which the client sends next, may be kept from the server and get our last words for an
    /// answer. Only where the boundary is [`Boundary::Quiet`].
    #[must_use]
    pub fn may_refuse(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Pop3(pop3) => pop3.may_refuse(bytes),
            Self::Imap(_) | Self::Sieve(_) | Self::Submission(_) | Self::Foreign => false,
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
