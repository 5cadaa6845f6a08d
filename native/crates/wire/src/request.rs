//! What a worker asks for with a handoff: which server, why, and what to say to it. The form is that of
//! docs/design/0001-engine-contract.md: seven little-endian words, then a script.

use crate::script::{Script, ScriptFault};
use std::fmt;

/// A decoded handoff.
#[derive(Debug)]
pub struct Request {
    pub server: u32,
    pub database: Option<u32>,
    pub generation: u64,
    pub mailbox: u64,
    /// One server at a time.
    pub is_exclusive: bool,
    pub script: Script,
}

/// Why bytes are no handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFault {
    CutShort,
    Script(ScriptFault),
}

impl Request {
    /// Decodes `bytes`, all of them. The caller overwrites its own copy.
    ///
    /// # Errors
    /// The first fault found: a mistake of ours.
    pub fn decode(bytes: &[u8]) -> Result<Self, RequestFault> {
        let (head, script) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(RequestFault::CutShort)?;
        let (words, _) = head.as_chunks();
        let &[server, database, generation_low, generation_high, mailbox_low, mailbox_high, flags] = words
        else {
            return Err(RequestFault::CutShort);
        };
        let database = u32::from_le_bytes(database);
        Ok(Self {
            server: u32::from_le_bytes(server),
            database: (database != NO_DATABASE).then_some(database),
            generation: joined(generation_low, generation_high),
            mailbox: joined(mailbox_low, mailbox_high),
            is_exclusive: u32::from_le_bytes(flags) & EXCLUSIVE != 0,
            script: Script::decode(script).map_err(RequestFault::Script)?,
        })
    }
}

fn joined(low: [u8; 4], high: [u8; 4]) -> u64 {
    u64::from(u32::from_le_bytes(high)) << 32 | u64::from(u32::from_le_bytes(low))
}

impl fmt::Display for RequestFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutShort => out.write_str("a handoff cut short"),
            Self::Script(fault) => write!(out, "handoff script: {fault}"),
        }
    }
}

impl std::error::Error for RequestFault {}

/// Seven words.
const HEAD_BYTES: usize = 28;
const NO_DATABASE: u32 = u32::MAX;
const EXCLUSIVE: u32 = 1;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn form(words: [u32; 7]) -> Vec<u8> {
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        bytes.push(0);
        bytes
    }

    #[test]
    fn every_word_is_where_the_worker_puts_it() {
        let request = Request::decode(&form([1, 2, 3, 4, 5, 6, 1])).unwrap();
        assert_eq!((request.server, request.database, request.is_exclusive), (1, Some(2), true));
        assert_eq!((request.generation, request.mailbox), (4 << 32 | 3, 6 << 32 | 5));
        let request = Request::decode(&form([1, u32::MAX, 0, 0, 0, 0, 2])).unwrap();
        assert_eq!((request.database, request.is_exclusive, request.script.steps()), (None, false, 0));
    }

    #[test]
    fn what_is_cut_short_is_refused_in_words() {
        let bytes = form([0; 7]);
        for end in 0..28 {
            assert_eq!(Request::decode(&bytes[..end]).unwrap_err().to_string(), "a handoff cut short");
        }
        let fault = Request::decode(&bytes[..28]).unwrap_err();
        assert_eq!(fault.to_string(), "handoff script: a script that is cut short");
    }
}
