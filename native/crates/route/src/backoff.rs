//! How long the answer to a refused login is held back: longer with each failure of the same client address
//! or of the same mailbox, shorter again with time. Nobody is ever locked out, and no login that a server
//! lets in waits at all.
//!
//! **Who has logged in before.** A mailbox may be guessed at from everywhere, and from behind the same
//! address others may guess at other mailboxes. Where an address has logged in to a mailbox before, only
//! its own failures there count against it: the owner mistypes as quickly as ever.
//!
//! **What a success takes back** are the failures of that address with that mailbox, and no others. Else
//! whoever has a mailbox of his own would log in to it between two guesses, and begin anew.
//!
//! **Who is forgotten.** A table is bounded, so a flood of names or addresses displaces entries. Whoever
//! comes into the place of another takes over that one's count ("space saving": Metwally, Agrawal, El
//! Abbadi, 2005). So the count of anybody is at least what it would be in a table without a bound, and
//! nobody can wash his own away; what a flood does is that others, too, hear of their wrong password a
//! little later.
//!
//! Keys are keyed hashes, so that nobody outside can aim at a place. PURE: the time is an argument.

use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// Whose login it was. `mailbox` is `None` where the name can't be anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    pub address: u64,
    pub mailbox: Option<u64>,
}

#[derive(Debug)]
pub struct Backoff {
    addresses: Failures,
    mailboxes: Failures,
    /// Of an address with a mailbox: what a first success takes back. One that is displaced is forgotten:
    /// then a success takes back less.
    pairs: Failures,
    /// Addresses with mailboxes that they have logged in to, and their failures there since.
    known: Known,
    delay_max_ms: u64,
}

impl Backoff {
    /// No answer is held back for longer than `delay_max_ms`; 0: none at all, and nothing is counted.
    #[must_use]
    pub fn new(delay_max_ms: u64) -> Self {
        let places = if delay_max_ms == 0 { 0 } else { PLACES };
        Self {
            addresses: Failures::new(places, Displaced::HandsOver),
            mailboxes: Failures::new(places, Displaced::HandsOver),
            pairs: Failures::new(places, Displaced::IsForgotten),
            known: Known::new(places),
            delay_max_ms,
        }
    }

    /// A server has refused a login: how many milliseconds the client waits for the answer.
    pub fn refused(&self, attempt: Attempt, now_ms: u64) -> u64 {
        if self.delay_max_ms == 0 {
            return 0;
        }
        let of_address = self.addresses.add(attempt.address, now_ms);
        let Some(mailbox) = attempt.mailbox else { return self.delay_ms(of_address) };
        let pair = pair_of(attempt.address, mailbox);
        let of_mailbox = self.mailboxes.add(mailbox, now_ms);
        let counted = self.known.add(pair, now_ms).unwrap_or_else(|| {
            self.pairs.add(pair, now_ms);
            of_address.max(of_mailbox)
        });
        self.delay_ms(counted)
    }

    /// A server has let the client in.
    pub fn let_in(&self, attempt: Attempt, now_ms: u64) {
        let Some(mailbox) = attempt.mailbox.filter(|_| self.delay_max_ms > 0) else { return };
        let pair = pair_of(attempt.address, mailbox);
        let own = self.known.note(pair, now_ms) + self.pairs.take(pair, now_ms);
        if own > 0.0 {
            self.addresses.subtract(attempt.address, own, now_ms);
            self.mailboxes.subtract(mailbox, own, now_ms);
        }
    }

    /// The first failure is a slip of the finger. The second waits for a second, each further one for twice
    /// as long as the one before.
    fn delay_ms(&self, failures: f32) -> u64 {
        if failures < DELAYED_FROM {
            return 0;
        }
        let delay_ms = STEP_MS * (failures - 2.0).exp2();
        (delay_ms as u64).min(self.delay_max_ms)
    }
}

/// What becomes of an entry's count when another takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Displaced {
    HandsOver,
    IsForgotten,
}

/// Counts that fall to the half in each [`HALF_LIFE_MS`].
#[derive(Debug)]
struct Failures {
    table: Table<Count>,
    displaced: Displaced,
}

/// `0 <= count <= FAILURES_MAX`, as it was at `at_ms`; a free place has 0.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    key: u64,
    at_ms: u64,
    count: f32,
}

impl Count {
    fn now(&self, now_ms: u64) -> f32 {
        self.count * (-(now_ms.saturating_sub(self.at_ms) as f32) / HALF_LIFE_MS).exp2()
    }

    fn set(&mut self, count: f32, now_ms: u64) {
        (self.count, self.at_ms) = (count.clamp(0.0, FAILURES_MAX), now_ms);
    }
}

impl Failures {
    fn new(places: usize, displaced: Displaced) -> Self {
        Self { table: Table::new(places), displaced }
    }

    /// One more; gives how many there are now.
    fn add(&self, key: u64, now_ms: u64) -> f32 {
        self.table.with_row(key, |row| {
            let own = row.iter().position(|entry| entry.key == key && entry.count > 0.0);
            let least = || {
                let counts = row.iter().map(|entry| entry.now(now_ms)).enumerate();
                counts.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(place, _)| place)
            };
            let Some(entry) = own.or_else(least).and_then(|place| row.get_mut(place)) else { return 1.0 };
            let before = match self.displaced {
                Displaced::IsForgotten if entry.key != key => 0.0,
                _ => entry.now(now_ms),
            };
            entry.key = key;
            entry.set(before + 1.0, now_ms);
            entry.count
        })
    }

    fn subtract(&self, key: u64, amount: f32, now_ms: u64) {
        self.table.with_row(key, |row| {
            for entry in row.iter_mut().filter(|entry| entry.key == key) {
                entry.set(entry.now(now_ms) - amount, now_ms);
            }
        });
    }

    /// Gives how many there are, and forgets them.
    fn take(&self, key: u64, now_ms: u64) -> f32 {
        self.table.with_row(key, |row| {
            let entry = row.iter_mut().find(|entry| entry.key == key);
            entry.map_or(0.0, |entry| std::mem::take(entry).now(now_ms))
        })
    }
}

/// Keys that were noted, and what was counted for each since. A new one takes the place of the one that was
/// noted longest ago: only who logs in displaces anybody here, and a login has a password.
#[derive(Debug)]
struct Known {
    table: Table<Noted>,
}

/// A free place has the key 0, which nobody has but by a chance of one in 2^64.
#[derive(Debug, Clone, Copy, Default)]
struct Noted {
    at_ms: u64,
    failures: Count,
}

impl Known {
    fn new(places: usize) -> Self {
        Self { table: Table::new(places) }
    }

    /// Notes a key; gives what was counted for it, which is forgotten.
    fn note(&self, key: u64, now_ms: u64) -> f32 {
        self.table.with_row(key, |row| {
            let own = row.iter().position(|entry| entry.failures.key == key);
            let oldest = || (0..row.len()).min_by_key(|place| row.get(*place).map(|entry| entry.at_ms));
            let Some(entry) = own.or_else(oldest).and_then(|place| row.get_mut(place)) else { return 0.0 };
            let failures = if own.is_some() { entry.failures.now(now_ms) } else { 0.0 };
            *entry = Noted { at_ms: now_ms, failures: Count { key, at_ms: now_ms, count: 0.0 } };
            failures
        })
    }

    /// One more failure of a key that is noted; gives how many there are now.
    fn add(&self, key: u64, now_ms: u64) -> Option<f32> {
        self.table.with_row(key, |row| {
            let entry = row.iter_mut().find(|entry| entry.failures.key == key)?;
            entry.failures.set(entry.failures.now(now_ms) + 1.0, now_ms);
            Some(entry.failures.count)
        })
    }
}

/// Rows of places: a key has its row, and any place in it.
#[derive(Debug)]
struct Table<Entry> {
    /// Each with its own lock, so that IO threads seldom wait for each other. Empty until it is used.
    shards: Box<[Mutex<Vec<Row<Entry>>>]>,
    rows_a_shard: usize,
}

type Row<Entry> = [Entry; ROW_PLACES];

impl<Entry: Copy + Default> Table<Entry> {
    /// 0 places: a table that keeps nothing.
    fn new(places: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(Vec::new()));
        Self { shards: shards.collect(), rows_a_shard: places / ROW_PLACES / SHARDS }
    }

    fn with_row<Answer>(&self, key: u64, work: impl FnOnce(&mut [Entry]) -> Answer) -> Answer {
        let Some(shard) = self.shards.get(key as usize % SHARDS) else { return work(&mut []) };
        let mut rows = lock(shard);
        if rows.is_empty() {
            rows.resize(self.rows_a_shard, [Entry::default(); ROW_PLACES]);
        }
        let place = (key >> 32) as usize % self.rows_a_shard.max(1);
        match rows.get_mut(place) {
            Some(row) => work(row),
            None => work(&mut []),
        }
    }
}

/// Nothing between a lock and its end can panic half-way through a change.
fn lock<Kept>(shard: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pair_of(address: u64, mailbox: u64) -> u64 {
    // SplitMix64's finalizer: every bit of both reaches every bit of the result.
    let mut mixed = address.rotate_left(32) ^ mailbox.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Four tables of so many: 5 MB, where all are in use. More addresses than that fail within one half-life
/// only in a flood, and then counts are handed over.
const PLACES: usize = 65_536;
/// A choice of eight finds a place with a small count to displace.
const ROW_PLACES: usize = 8;
const SHARDS: usize = 64;
/// The second failure in a row, less what has decayed between the two.
const DELAYED_FROM: f32 = 1.5;
const STEP_MS: f32 = 1_000.0;
/// Ten minutes: a person who has mistyped finds it all forgotten after a break; whoever guesses once in ten
/// minutes, so that no answer is held back, has a hundred and fifty guesses a day.
const HALF_LIFE_MS: f32 = 600_000.0;
/// After half an hour of quiet any count is back at one.
const FAILURES_MAX: f32 = 8.0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const MINUTE: u64 = 60_000;

    /// A key as a hash gives it.
    fn key(number: u64) -> u64 {
        pair_of(number, 99)
    }

    fn attempt(address: u64, mailbox: u64) -> Attempt {
        Attempt { address: key(address), mailbox: Some(key(mailbox)) }
    }

    /// Refused so often in one second; the delays.
    fn refusals(backoff: &Backoff, attempt: Attempt, times: usize, now_ms: u64) -> Vec<u64> {
        (0..times).map(|_| backoff.refused(attempt, now_ms)).collect()
    }

    #[test]
    fn the_first_failure_is_answered_at_once_and_each_further_one_later_up_to_the_bound() {
        let backoff = Backoff::new(15_000);
        let delays = refusals(&backoff, attempt(1, 1), 9, MINUTE);
        assert_eq!(delays, [0, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000]);
        assert_eq!(refusals(&Backoff::new(0), attempt(1, 1), 9, MINUTE), [0; 9], "switched off");
    }

    #[test]
    fn failures_count_by_address_over_mailboxes_and_by_mailbox_over_addresses() {
        let backoff = Backoff::new(15_000);
        let spraying: Vec<u64> = (0..5).map(|mailbox| backoff.refused(attempt(1, mailbox), 0)).collect();
        assert_eq!(spraying, [0, 1_000, 2_000, 4_000, 8_000]);
        let spread: Vec<u64> = (10..15).map(|address| backoff.refused(attempt(address, 9), 0)).collect();
        assert_eq!(spread, [0, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(backoff.refused(attempt(20, 20), 0), 0, "nobody else waits");
        let nameless = Attempt { address: key(30), mailbox: None };
        assert_eq!(refusals(&backoff, nameless, 3, 0), [0, 1_000, 2_000]);
    }

    #[test]
    fn failures_are_forgotten_with_time_and_whatever_was_tried_within_half_an_hour_and_a_bit() {
        let backoff = Backoff::new(15_000);
        assert_eq!(refusals(&backoff, attempt(1, 1), 3, 0), [0, 1_000, 2_000]);
        // Three have become one and a half.
        assert_eq!(backoff.refused(attempt(1, 1), 10 * MINUTE), 1_414);
        refusals(&backoff, attempt(2, 2), 100_000, 0);
        assert_eq!(backoff.refused(attempt(2, 2), 45 * MINUTE), 0, "never a lock");
    }

    #[test]
    fn a_success_takes_back_the_failures_of_that_address_with_that_mailbox_and_no_others() {
        let backoff = Backoff::new(15_000);
        refusals(&backoff, attempt(1, 1), 3, 0);
        backoff.let_in(attempt(1, 1), 0);
        assert_eq!(refusals(&backoff, attempt(1, 1), 2, 0), [0, 1_000], "anew");
        // Whoever has a mailbox of his own does not begin anew with others.
        let backoff = Backoff::new(15_000);
        let mut delays = Vec::new();
        for victim in 0..5 {
            backoff.let_in(attempt(1, 77), 0);
            delays.push(backoff.refused(attempt(1, victim), 0));
        }
        assert_eq!(delays, [0, 1_000, 2_000, 4_000, 8_000]);
    }

    #[test]
    fn a_mailbox_under_attack_answers_an_address_that_it_knows_as_ever() {
        let backoff = Backoff::new(15_000);
        let (home, mailbox) = (1, 1);
        backoff.let_in(attempt(home, mailbox), 0);
        for attacker in 100..400 {
            backoff.refused(attempt(attacker, mailbox), MINUTE);
        }
        assert_eq!(backoff.refused(attempt(500, mailbox), MINUTE), 15_000, "a stranger's first failure");
        for number in 600..610 {
            backoff.refused(attempt(home, number), MINUTE);
        }
        assert_eq!(refusals(&backoff, attempt(home, mailbox), 3, MINUTE), [0, 1_000, 2_000]);
        backoff.let_in(attempt(home, mailbox), MINUTE);
        assert_eq!(backoff.refused(attempt(501, mailbox), MINUTE), 15_000, "the attackers' stay counted");
    }

    #[test]
    fn no_flood_of_addresses_and_names_washes_a_count_away() {
        let backoff = Backoff::new(15_000);
        let attacker = attempt(1, 1);
        refusals(&backoff, attacker, 6, 0);
        for number in 10..150_000 {
            backoff.refused(attempt(number, number), 0);
        }
        assert_eq!(backoff.refused(attacker, 0), 15_000);
    }

    #[test]
    fn no_flood_of_failures_makes_a_known_address_a_stranger() {
        let backoff = Backoff::new(15_000);
        backoff.let_in(attempt(1, 1), 0);
        for number in 10..150_000 {
            backoff.refused(attempt(number, 1), 0);
        }
        assert_eq!(refusals(&backoff, attempt(1, 1), 3, 0), [0, 1_000, 2_000]);
    }

    #[test]
    fn a_row_that_is_full_hands_its_least_count_over() {
        let failures = Failures { table: Table::new(ROW_PLACES * SHARDS), displaced: Displaced::HandsOver };
        // One row a shard: the lowest bits choose it.
        let key = |number: u64| number * SHARDS as u64;
        for number in 1..=8 {
            for _ in 0..number {
                failures.add(key(number), 0);
            }
        }
        assert_eq!(failures.add(key(9), 0), 2.0, "behind key 1, which had one");
        assert_eq!(failures.add(key(1), 0), 3.0, "behind key 2 or 9, which had two");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn a_count_is_never_below_the_true_one(
            keys in prop::collection::vec((0_u64..40, 0_u64..100_000), 1..400),
        ) {
            let table = Table::new(ROW_PLACES * SHARDS);
            let bounded = Failures { table, displaced: Displaced::HandsOver };
            let mut boundless: HashMap<u64, Count> = HashMap::new();
            let mut now_ms = 0;
            for (number, pause_ms) in keys {
                now_ms += pause_ms;
                let key = number * SHARDS as u64 + 7;
                let exact = boundless.entry(key).or_default();
                exact.set(exact.now(now_ms) + 1.0, now_ms);
                prop_assert!(bounded.add(key, now_ms) >= exact.count - 0.01);
            }
        }
    }
}
