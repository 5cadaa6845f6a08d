//! Logins that servers judged, by client address and mailbox: how long the answer to a refused one is held
//! back. What counts, and how, is `postern_route::backoff`'s.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use postern_route::backoff::{Attempt, Backoff};

use crate::addresses::counted_as;

pub struct Logins {
    backoff: Backoff,
    hasher: RandomState,
}

impl Logins {
    #[must_use]
    pub fn new(delay_max_ms: u64) -> Self {
        Self { backoff: Backoff::new(delay_max_ms), hasher: RandomState::new() }
    }

    /// A login was refused: for how many milliseconds its answer is held back.
    #[must_use]
    pub fn refused(&self, client: IpAddr, mailbox: Option<u64>, now_ms: u64) -> u64 {
        self.backoff.refused(self.attempt(client, mailbox), now_ms)
    }

    /// A server has let the client in.
    pub fn let_in(&self, client: IpAddr, mailbox: u64, now_ms: u64) {
        self.backoff.let_in(self.attempt(client, Some(mailbox)), now_ms);
    }

    fn attempt(&self, client: IpAddr, mailbox: Option<u64>) -> Attempt {
        Attempt { address: self.hasher.hash_one(counted_as(client)), mailbox }
    }
}
