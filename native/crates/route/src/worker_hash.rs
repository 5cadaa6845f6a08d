//! Chooses the worker that speaks with a client: the same address gets the same worker while that has room.
//!
//! Bounded rendezvous hashing. Every worker has a score for an address, and the highest score wins among
//! those that have room. With n workers present and t sessions among them, a worker has room while
//! `load < ceil(1.25 * (t + 1) / n)`: a quarter above the mean that includes the new session. So an office
//! behind one address fills its worker, and then overflows to the next of its own order.

use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The worker for `client`: an index into `loads`, which holds every worker's count of sessions, `None` for
/// one that is not there. `None` when no worker is there.
#[must_use]
pub fn choose_worker(client: IpAddr, loads: &[Option<u32>]) -> Option<usize> {
    let room = room(loads)?;
    let present = loads.iter().enumerate().filter_map(|(worker, load)| Some((worker, u64::from((*load)?))));
    // n * room > t, so somebody has room.
    present
        .filter(|(_, load)| *load < room)
        .map(|(worker, _)| worker)
        .max_by_key(|&worker| score(client, worker))
}

/// `ceil(5 * (t + 1) / (4 * n))`
fn room(loads: &[Option<u32>]) -> Option<u64> {
    let (mut present, mut sessions) = (0_u64, 0_u64);
    for load in loads.iter().flatten() {
        present += 1;
        sessions += u64::from(*load);
    }
    (present > 0).then(|| (5 * (sessions + 1)).div_ceil(4 * present))
}

/// An IPv4 address has one score, whether it came to an IPv4 or an IPv6 socket.
fn score(client: IpAddr, worker: usize) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(address) => xxh3_64_with_seed(&address.octets(), worker as u64),
        IpAddr::V6(address) => xxh3_64_with_seed(&address.octets(), worker as u64),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn client(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn without_a_worker_there_is_no_choice() {
        assert_eq!((choose_worker(client(1), &[]), choose_worker(client(1), &[None, None])), (None, None));
        assert_eq!(choose_worker(client(1), &[None, Some(u32::MAX), None]), Some(1));
    }

    #[test]
    fn a_worker_has_room_up_to_a_quarter_above_the_mean_with_the_new_session() {
        for (loads, expected) in [
            (vec![Some(0)], 2),
            (vec![Some(0); 4], 1),
            (vec![Some(3); 4], 5),
            (vec![Some(15), Some(0), None], 10),
            (vec![Some(u32::MAX); 2], (5 * (2 * u64::from(u32::MAX) + 1)).div_ceil(8)),
        ] {
            assert_eq!(room(&loads), Some(expected), "{loads:?}");
        }
    }

    #[test]
    fn one_office_address_overflows_to_all_workers() {
        let mut loads = vec![Some(0); 4];
        for _ in 0..1000 {
            let worker = choose_worker(client(7), &loads).unwrap();
            loads[worker] = loads[worker].map(|load: u32| load + 1);
        }
        assert!(loads.iter().all(|load| load.unwrap() <= 313), "ceil(1.25 * 1000 / 4): {loads:?}");
        assert!(loads.iter().all(|load| load.unwrap() > 0), "{loads:?}");
    }

    #[test]
    fn an_ipv4_address_on_an_ipv6_socket_is_the_same_client() {
        let loads = [Some(1); 16];
        for number in 0..100 {
            let mapped: Ipv6Addr = Ipv4Addr::from(number).to_ipv6_mapped();
            assert_eq!(choose_worker(mapped.into(), &loads), choose_worker(client(number), &loads));
        }
    }

    #[test]
    fn clients_spread_evenly_over_equally_loaded_workers() {
        let mut counts = [0; 4];
        (0..10_000).for_each(|number| counts[choose_worker(client(number), &[Some(5); 4]).unwrap()] += 1);
        assert!(counts.iter().all(|count| (2300..2700).contains(count)), "{counts:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn when_a_worker_goes_only_its_clients_move(
            number: u32,
            load in 0_u32..100,
            (workers, gone) in (2_usize..12).prop_flat_map(|workers| (Just(workers), 0..workers)),
        ) {
            let mut loads = vec![Some(load); workers];
            let before = choose_worker(client(number), &loads).unwrap();
            loads[gone] = None;
            let behind = choose_worker(client(number), &loads).unwrap();
            prop_assert!(behind == before || before == gone);
            prop_assert_ne!(behind, gone);
        }

        #[test]
        fn the_choice_has_room_and_is_the_same_each_time(
            address: [u8; 16],
            loads in prop::collection::vec(prop::option::of(0_u32..50), 0..12),
        ) {
            let client = IpAddr::from(address);
            let chosen = choose_worker(client, &loads);
            prop_assert_eq!(chosen, choose_worker(client, &loads));
            prop_assert_eq!(chosen.is_some(), loads.iter().any(Option::is_some));
            if let Some(worker) = chosen {
                let sessions: u32 = loads.iter().flatten().sum();
                let present = u32::try_from(loads.iter().flatten().count()).unwrap();
                let after = f64::from(loads[worker].unwrap() + 1);
                prop_assert!(after <= (1.25 * f64::from(sessions + 1) / f64::from(present)).ceil());
            }
        }

        #[test]
        fn however_clients_come_no_worker_exceeds_the_bound(
            numbers in prop::collection::vec(0_u32..6, 1..200),
            workers in 1_usize..9,
        ) {
            let mut loads = vec![Some(0_u32); workers];
            for &number in &numbers {
                let worker = choose_worker(client(number), &loads).unwrap();
                loads[worker] = loads[worker].map(|load| load + 1);
            }
            let bound = (5 * numbers.len()).div_ceil(4 * workers);
            let most = loads.iter().flatten().max().copied().unwrap();
            prop_assert!(most as usize <= bound, "{:?} over {}", loads, bound);
        }
    }
}
