//! Keeps a mailbox on one server while its sessions live: the shared count of sessions by mailbox and
//! server.
//!
//! `admit` looks at the published table again under the lock of the mailbox's shard. So of two logins
//! on two IO threads, one before and one behind a move, never both get through to different servers. What
//! the check is, and what a refused session is told, the engine knows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// A session that wants to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRequest {
    pub mailbox: u64,
    pub server: u32,
    /// The generation of the database that the session was routed by.
    pub generation: u64,
    /// One server at a time.
    pub exclusive: bool,
    /// How many sessions the mailbox may have, over all servers and protocols.
    pub sessions_max: u32,
}

/// Whether a session is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Counted; it is to be released once, with the same mailbox and server.
    Admitted,
    /// The check said no: the table has changed.
    Moved,
    /// Sessions of the mailbox live on this other server.
    Elsewhere(u32),
    /// The mailbox has as many sessions as it may.
    Full,
}

/// Live sessions by mailbox, in shards so that IO threads seldom wait for each other.
#[derive(Debug)]
pub struct Pins {
    shards: Box<[Mutex<HashMap<u64, Pin>>]>,
}

/// Invariant: every count is above 0, no server is in it twice.
#[derive(Debug)]
struct Pin {
    /// The server admitted last.
    latest: Held,
    /// Servers of earlier sessions, the latest at the end; empty but for a while behind a move.
    others: Vec<Held>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    server: u32,
    sessions: u32,
    generation: u64,
}

impl Pins {
    /// `shards` is raised to 1, and to the next power of two.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self { shards: (0..shards.max(1).next_power_of_two()).map(|_| Mutex::default()).collect() }
    }

    /// Counts a session, unless an exclusive one would be the second server's, the mailbox has as many as
    /// it may, or `check` says no. `check` runs under the lock of the shard: it must be quick, and must not
    /// come back to the pins.
    pub fn admit(&self, request: PinRequest, check: impl FnOnce() -> bool) -> Admission {
        let Some(mut shard) = self.shard(request.mailbox) else { return Admission::Moved };
        let pin = shard.entry(request.mailbox);
        if request.exclusive
            && let Entry::Occupied(pin) = &pin
            && let Some(elsewhere) = pin.get().elsewhere(request.server)
        {
            return Admission::Elsewhere(elsewhere);
        }
        if let Entry::Occupied(pin) = &pin
            && pin.get().sessions() >= request.sessions_max
        {
            return Admission::Full;
        }
        if !check() {
            return Admission::Moved;
        }
        let held = Held { server: request.server, sessions: 1, generation: request.generation };
        match pin {
            Entry::Occupied(mut pin) => pin.get_mut().add(held),
            Entry::Vacant(free) => {
                free.insert(Pin { latest: held, others: Vec::new() });
            }
        }
        Admission::Admitted
    }

    /// Takes back one admission. False where there was none: the engine has counted wrong.
    pub fn release(&self, mailbox: u64, server: u32) -> bool {
        let Some(mut shard) = self.shard(mailbox) else { return false };
        let Entry::Occupied(mut pin) = shard.entry(mailbox) else { return false };
        match pin.get_mut().remove(server) {
            Removed::Nothing => false,
            Removed::One => true,
            Removed::Last => {
                pin.remove();
                true
            }
        }
    }

    /// The server where sessions of the mailbox live; of several the one admitted last.
    #[must_use]
    pub fn server_of(&self, mailbox: u64) -> Option<u32> {
        Some(self.shard(mailbox)?.get(&mailbox)?.latest.server)
    }

    /// The generation that the latest session on [`Self::server_of`] was routed by.
    #[must_use]
    pub fn generation_of(&self, mailbox: u64) -> Option<u64> {
        Some(self.shard(mailbox)?.get(&mailbox)?.latest.generation)
    }

    /// How many mailboxes have sessions. Takes every shard's lock in turn: for figures, not for decisions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The identity is a hash; its upper half chooses the shard, the map uses the whole of it.
    fn shard(&self, mailbox: u64) -> Option<MutexGuard<'_, HashMap<u64, Pin>>> {
        let at = usize::try_from(mailbox >> 32).ok()? & (self.shards.len() - 1);
        self.shards.get(at).map(lock)
    }
}

/// A check that panicked has changed nothing: counting comes behind it.
fn lock(shard: &Mutex<HashMap<u64, Pin>>) -> MutexGuard<'_, HashMap<u64, Pin>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Removed {
    Nothing,
    One,
    Last,
}

impl Pin {
    /// Another server than this one, the one admitted last.
    fn elsewhere(&self, server: u32) -> Option<u32> {
        let mut held = std::iter::once(&self.latest).chain(self.others.iter().rev());
        held.find(|held| held.server != server).map(|held| held.server)
    }

    fn sessions(&self) -> u32 {
        let others = self.others.iter().map(|held| held.sessions);
        others.fold(self.latest.sessions, u32::saturating_add)
    }

    fn add(&mut self, mut held: Held) {
        if self.latest.server != held.server {
            let before = std::mem::replace(&mut self.latest, Held { sessions: 0, ..held });
            self.others.push(before);
            if let Some(at) = self.others.iter().position(|other| other.server == held.server) {
                held.sessions += self.others.remove(at).sessions;
            }
        }
        held.sessions = held.sessions.saturating_add(self.latest.sessions);
        self.latest = held;
    }

    fn remove(&mut self, server: u32) -> Removed {
        let Some(held) =
            std::iter::once(&mut self.latest).chain(&mut self.others).find(|held| held.server == server)
        else {
            return Removed::Nothing;
        };
        held.sessions -= 1;
        if held.sessions > 0 {
            return Removed::One;
        }
        self.others.retain(|other| other.sessions > 0);
        if self.latest.sessions > 0 {
            return Removed::One;
        }
        match self.others.pop() {
            Some(before) => {
                self.latest = before;
                Removed::One
            }
            None => Removed::Last,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    const ANN: u64 = 0x1234_5678_9abc_def0;

    fn exclusive(server: u32) -> PinRequest {
        PinRequest { mailbox: ANN, server, generation: 1, exclusive: true, sessions_max: u32::MAX }
    }

    fn free(server: u32) -> PinRequest {
        PinRequest { exclusive: false, ..exclusive(server) }
    }

    #[test]
    fn an_exclusive_mailbox_has_one_server_until_its_last_session_ends() {
        let pins = Pins::new(4);
        assert_eq!(pins.admit(exclusive(1), || true), Admission::Admitted);
        assert_eq!(pins.admit(exclusive(1), || true), Admission::Admitted);
        assert_eq!(pins.admit(exclusive(2), || true), Admission::Elsewhere(1));
        assert!(pins.release(ANN, 1));
        assert_eq!(pins.admit(exclusive(2), || true), Admission::Elsewhere(1));
        assert!(pins.release(ANN, 1));
        assert_eq!((pins.server_of(ANN), pins.len()), (None, 0));
        assert_eq!(pins.admit(exclusive(2), || true), Admission::Admitted);
        assert_eq!((pins.server_of(ANN), pins.len(), pins.is_empty()), (Some(2), 1, false));
    }

    #[test]
    fn a_session_routed_by_an_old_table_is_not_counted() {
        let pins = Pins::new(4);
        assert_eq!(pins.admit(exclusive(1), || false), Admission::Moved);
        assert_eq!((pins.server_of(ANN), pins.len(), pins.release(ANN, 1)), (None, 0, false));
        pins.admit(exclusive(1), || true);
        assert_eq!(pins.admit(exclusive(1), || false), Admission::Moved);
        assert!(pins.release(ANN, 1) && !pins.release(ANN, 1), "counted once");
    }

    #[test]
    fn where_sessions_live_elsewhere_the_table_is_not_even_asked() {
        let pins = Pins::new(1);
        pins.admit(exclusive(1), || true);
        assert_eq!(pins.admit(exclusive(2), || unreachable!()), Admission::Elsewhere(1));
    }

    #[test]
    fn a_mailbox_that_is_not_exclusive_may_live_on_several_servers() {
        let pins = Pins::new(1);
        for server in [1, 2, 3, 2] {
            assert_eq!(pins.admit(free(server), || true), Admission::Admitted);
        }
        assert_eq!((pins.server_of(ANN), pins.len()), (Some(2), 1), "the one admitted last");
        assert_eq!(pins.admit(exclusive(2), || true), Admission::Elsewhere(3));
        assert!(pins.release(ANN, 2));
        assert_eq!(pins.server_of(ANN), Some(2), "one of two is left");
        assert!(pins.release(ANN, 2) && !pins.release(ANN, 2));
        assert_eq!(pins.server_of(ANN), Some(3), "then the one before");
        assert!(pins.release(ANN, 1));
        assert_eq!(pins.server_of(ANN), Some(3));
        assert_eq!(pins.admit(exclusive(3), || true), Admission::Admitted);
        assert!(pins.release(ANN, 3) && pins.release(ANN, 3) && pins.is_empty());
    }

    #[test]
    fn a_mailbox_has_no_more_sessions_than_it_may_whatever_servers_they_are_on() {
        let pins = Pins::new(1);
        let third = |server| PinRequest { sessions_max: 3, ..free(server) };
        for server in [1, 2, 2] {
            assert_eq!(pins.admit(third(server), || true), Admission::Admitted);
        }
        assert_eq!(pins.admit(third(1), || unreachable!()), Admission::Full);
        assert_eq!(pins.admit(PinRequest { mailbox: ANN + 1, ..third(1) }, || true), Admission::Admitted);
        assert_eq!(pins.admit(PinRequest { exclusive: true, ..third(1) }, || true), Admission::Elsewhere(2));
        assert!(pins.release(ANN, 2));
        assert_eq!(pins.admit(third(1), || true), Admission::Admitted);
        assert_eq!(pins.admit(third(1), || true), Admission::Full);
    }

    #[test]
    fn the_generation_is_that_of_the_latest_session() {
        let pins = Pins::new(1);
        pins.admit(exclusive(1), || true);
        pins.admit(PinRequest { generation: 9, ..exclusive(1) }, || true);
        assert_eq!((pins.generation_of(ANN), pins.generation_of(ANN + 1)), (Some(9), None));
    }

    #[test]
    fn mailboxes_are_apart_whatever_their_shard() {
        for shards in [0, 1, 3, 64] {
            let pins = Pins::new(shards);
            let mailboxes: Vec<u64> = (0..200_u64).map(|number| number << 30 | number).collect();
            for &mailbox in &mailboxes {
                let server = u32::try_from(mailbox % 7).unwrap();
                pins.admit(PinRequest { mailbox, ..exclusive(server) }, || true);
            }
            assert_eq!(pins.len(), 200);
            assert!(
                mailboxes.iter().all(|&mailbox| pins.server_of(mailbox).map(u64::from) == Some(mailbox % 7))
            );
            assert!(
                mailboxes.iter().all(|&mailbox| pins.release(mailbox, (mailbox % 7) as u32))
                    && pins.is_empty()
            );
        }
    }

    #[test]
    fn a_check_that_panics_leaves_the_pins_whole() {
        let pins = Pins::new(1);
        pins.admit(exclusive(1), || true);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pins.admit(exclusive(1), || unreachable!("for this test"))
        }));
        assert!(caught.is_err());
        assert!(pins.release(ANN, 1) && pins.is_empty());
    }

    /// A control plane moves the database back and forth while sessions come and go on four threads: at no
    /// time do sessions of the mailbox live on two servers, and none is let in by an old generation.
    #[test]
    fn while_the_table_flips_no_mailbox_is_ever_on_two_servers() {
        let (pins, table, admitted) = (Pins::new(8), AtomicU64::new(1), AtomicUsize::new(0));
        let live = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let server_of = |generation: u64| u32::try_from(generation % 2).unwrap();
        let session = || {
            let generation = table.load(Ordering::SeqCst);
            let server = server_of(generation);
            let request = PinRequest { generation, ..exclusive(server) };
            let check = || {
                let is_current = table.load(Ordering::SeqCst) == generation;
                if is_current {
                    // Still under the lock: counted before anybody else can be let in.
                    live[server as usize].fetch_add(1, Ordering::SeqCst);
                    assert_eq!(live[1 - server as usize].load(Ordering::SeqCst), 0, "on two servers at once");
                }
                is_current
            };
            if pins.admit(request, check) == Admission::Admitted {
                admitted.fetch_add(1, Ordering::SeqCst);
                std::thread::yield_now();
                live[server as usize].fetch_sub(1, Ordering::SeqCst);
                assert!(pins.release(ANN, server));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| session()));
            }
            scope.spawn(|| {
                for _ in 0..20_000 {
                    table.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                }
            });
        });
        assert!(pins.is_empty() && admitted.load(Ordering::SeqCst) > 100, "{admitted:?}");
    }
}
