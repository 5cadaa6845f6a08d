//! A consistent hash ring with weights: a hash gives a server, in one look into a table.
//!
//! Maglev hashing (Eisenbud and others, NSDI 2016, section 3.4): each server claims slots in an order of its
//! own, in turns by weight, until all are taken. The table depends on the set of servers alone, not on the
//! order in which they are given; when the set changes, few slots that need not change do.

use std::fmt;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A prime, so that every step length visits every slot; 64 slots a server for the 1,024 of a table.
pub const SLOTS: usize = 65_537;

/// Servers by hash. Empty until a server with a weight is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Maglev {
    /// The servers' indexes, ascending; only those with a weight.
    servers: Vec<u32>,
    /// Positions in `servers`; all slots, or none when there is no server.
    slots: Vec<u16>,
}

impl Maglev {
    /// Builds the ring of `(index, weight)`; weight 0 is out. Of an index given twice the larger weight
    /// counts; servers beyond the first 65,535 are left out.
    #[must_use]
    pub fn build(weighted: &[(u32, u32)]) -> Self {
        let mut weighted: Vec<(u32, u32)> =
            weighted.iter().copied().filter(|(_, weight)| *weight > 0).collect();
        weighted.sort_unstable_by_key(|&(index, weight)| (index, std::cmp::Reverse(weight)));
        weighted.dedup_by_key(|(index, _)| *index);
        weighted.truncate(usize::from(u16::MAX));
        let servers = weighted.iter().map(|(index, _)| *index).collect();
        Self { servers, slots: fill(&weighted) }
    }

    /// The server of a hash; `None` when the ring is empty.
    #[must_use]
    pub fn server_of(&self, hash: u64) -> Option<u32> {
        let slot = usize::try_from(hash % SLOTS as u64).ok()?;
        self.servers.get(usize::from(*self.slots.get(slot)?)).copied()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// The server of each slot, for tests and figures.
    pub fn slots(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().filter_map(|&position| self.servers.get(usize::from(position)).copied())
    }
}

/// One server's claims: slots `offset`, `offset + step`, `offset + 2 * step` and so on, modulo the slots.
struct Claims {
    next: usize,
    step: usize,
    weight: u64,
    /// A turn comes when this many rounds, times the weight, have gone by.
    due: u64,
}

impl Claims {
    fn new((index, weight): (u32, u32), weight_max: u32) -> Self {
        let name = index.to_le_bytes();
        let slots = SLOTS as u64;
        Self {
            next: usize::try_from(xxh3_64_with_seed(&name, OFFSET_SEED) % slots).unwrap_or(0),
            step: usize::try_from(1 + xxh3_64_with_seed(&name, STEP_SEED) % (slots - 1)).unwrap_or(1),
            weight: u64::from(weight),
            due: u64::from(weight_max),
        }
    }

    /// The next slot of its order that nobody has.
    fn take(&mut self, slots: &mut [u16], position: u16) {
        // The order visits every slot; while one is free, the loop ends at it.
        for _ in 0..slots.len() {
            let at = self.next;
            self.next = (at + self.step) % SLOTS;
            if let Some(slot @ &mut FREE) = slots.get_mut(at) {
                *slot = position;
                return;
            }
        }
    }
}

/// The heaviest server has a turn in every round, another in `weight / weight_max` of them.
fn fill(weighted: &[(u32, u32)]) -> Vec<u16> {
    let Some(weight_max) = weighted.iter().map(|(_, weight)| *weight).max() else { return Vec::new() };
    let mut claims: Vec<Claims> = weighted.iter().map(|&server| Claims::new(server, weight_max)).collect();
    let mut slots = vec![FREE; SLOTS];
    let mut free = SLOTS;
    for round in 1_u64.. {
        for (position, claim) in (0_u16..).zip(&mut claims) {
            if round * claim.weight < claim.due {
                continue;
            }
            claim.due += u64::from(weight_max);
            claim.take(&mut slots, position);
            free -= 1;
            if free == 0 {
                return slots;
            }
        }
    }
    slots
}

impl fmt::Debug for Maglev {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Maglev({} servers)", self.servers.len())
    }
}

const FREE: u16 = u16::MAX;
const OFFSET_SEED: u64 = 0x6f66_6673_6574;
const STEP_SEED: u64 = 0x7374_6570;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn shares(ring: &Maglev) -> BTreeMap<u32, f64> {
        let mut shares = BTreeMap::new();
        ring.slots().for_each(|server| *shares.entry(server).or_insert(0.0) += 1.0 / SLOTS as f64);
        shares
    }

    /// The share of slots that changed although their server is in both rings.
    fn moved_between(before: &Maglev, behind: &Maglev, gone: &[u32]) -> f64 {
        let pairs = before.slots().zip(behind.slots());
        pairs.filter(|(was, is)| was != is && !gone.contains(was)).count() as f64 / SLOTS as f64
    }

    #[test]
    fn an_empty_ring_has_no_server() {
        for weighted in [&[][..], &[(1, 0), (2, 0)]] {
            let ring = Maglev::build(weighted);
            assert_eq!((ring.server_of(7), ring.is_empty(), ring.slots().count()), (None, true, 0));
        }
    }

    #[test]
    fn one_server_has_it_all_and_weight_0_is_out() {
        let ring = Maglev::build(&[(3, 0), (9, 1), (4, 0)]);
        assert!((0..1000_u64).all(|at| ring.server_of(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)) == Some(9)));
        assert!(ring.server_of(u64::MAX) == Some(9) && !ring.is_empty());
    }

    #[test]
    fn of_an_index_given_twice_the_larger_weight_counts() {
        assert_eq!(Maglev::build(&[(1, 5), (2, 10), (1, 10)]), Maglev::build(&[(1, 10), (2, 10)]));
    }

    #[test]
    fn a_thousand_servers_all_have_their_share() {
        let ring = Maglev::build(&(0..1024).map(|index| (index, 100)).collect::<Vec<_>>());
        let slots = shares(&ring);
        assert_eq!(slots.len(), 1024);
        assert!(slots.values().all(|share| (share * SLOTS as f64).round() >= 64.0));
    }

    /// Measured with `--nocapture`: the worst over all servers of each size.
    #[test]
    fn when_one_of_n_servers_goes_few_of_the_others_slots_move() {
        for n in [2_u32, 3, 5, 10, 20, 50] {
            let all: Vec<(u32, u32)> = (0..n).map(|index| (index, 100)).collect();
            let before = Maglev::build(&all);
            let moved = (0..n).map(|gone| {
                let rest: Vec<_> = all.iter().copied().filter(|(index, _)| *index != gone).collect();
                moved_between(&before, &Maglev::build(&rest), &[gone])
            });
            let worst = moved.fold(0.0, f64::max);
            println!("{n} servers, one goes: {:.3} % of the others' slots move", 100.0 * worst);
            assert!(worst <= 0.015, "{n}: {worst}");
        }
    }

    #[test]
    fn when_a_weight_grows_little_more_moves_than_must() {
        for n in [3_u32, 5, 10, 20] {
            let mut weighted: Vec<(u32, u32)> = (0..n).map(|index| (index, 100)).collect();
            let before = Maglev::build(&weighted);
            weighted[1].1 = 150;
            let behind = Maglev::build(&weighted);
            let must = 150.0 / f64::from(n * 100 + 50) - 1.0 / f64::from(n);
            let moved = moved_between(&before, &behind, &[]);
            println!(
                "{n} servers, one from 100 to 150: {:.3} % move, {:.3} % must",
                100.0 * moved,
                100.0 * must
            );
            assert!(moved >= must - 0.001 && moved <= must + 0.03, "{n}: {moved} of {must}");
        }
    }

    fn weights() -> impl Strategy<Value = BTreeMap<u32, u32>> {
        prop::collection::btree_map(0_u32..65_535, 1_u32..1000, 1..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

        #[test]
        fn each_server_has_its_weights_share(weights in weights()) {
            let ring = Maglev::build(&weights.clone().into_iter().collect::<Vec<_>>());
            let (shares, total) = (shares(&ring), f64::from(weights.values().sum::<u32>()));
            prop_assert_eq!(ring.slots().count(), SLOTS);
            for (index, weight) in weights {
                let (has, should) = (shares.get(&index).copied().unwrap_or(0.0), f64::from(weight) / total);
                // Within 2 %, and a slot or two where the share itself is a handful of slots.
                let slack = 0.02 * should + 2.0 / SLOTS as f64;
                prop_assert!((has - should).abs() <= slack, "{} for {}", has, should);
            }
        }

        #[test]
        fn the_order_of_the_input_does_not_matter(weights in weights(), turn in 0_usize..40) {
            let mut weighted: Vec<_> = weights.into_iter().collect();
            let ring = Maglev::build(&weighted);
            let by = turn % weighted.len();
            weighted.rotate_left(by);
            prop_assert_eq!(&Maglev::build(&weighted), &ring);
            weighted.reverse();
            prop_assert_eq!(&Maglev::build(&weighted), &ring);
        }
    }
}
