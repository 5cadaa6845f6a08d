//! How many connections each client address holds, and how many there are in all.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::end_reason::EndReason;

/// `sum of the shards' counts + the unnamed == total`, refused ones aside.
pub struct Addresses {
    shards: Vec<Mutex<HashMap<IpAddr, u32>>>,
    hasher: RandomState,
    total: AtomicU32,
    total_max: u32,
    per_address_max: u32,
    /// Connections of load balancers whose clients are not known yet.
    awaited: AtomicU32,
}

/// One counted connection; it counts until this is dropped.
pub struct Admitted {
    addresses: Arc<Addresses>,
    counted: Counted,
}

/// What a connection counts for, besides the total.
#[derive(Clone, Copy)]
enum Counted {
    Address(IpAddr),
    /// Its PROXY header has not come.
    Awaited,
    /// A load balancer's own.
    Total,
}

impl Addresses {
    #[must_use]
    pub fn new(total_max: u32, per_address_max: u32) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let (total, awaited) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { shards, hasher: RandomState::new(), total, total_max, per_address_max, awaited }
    }

    /// Counts a connection, or says which limit it would break.
    ///
    /// # Errors
    /// `TooManyConnections`, `TooManyFromAddress`.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, EndReason> {
        self.count_in_total()?.named(Some(address))
    }

    /// Counts the connection of a load balancer, whose client its PROXY header will name.
    ///
    /// # Errors
    /// `TooManyConnections`.
    pub fn admit_unnamed(self: &Arc<Self>) -> Result<Admitted, EndReason> {
        let mut admitted = self.count_in_total()?;
        let awaited_max = (self.total_max / AWAITED_SHARE).max(1);
        if self.awaited.fetch_add(1, Ordering::Relaxed) >= awaited_max {
            self.awaited.fetch_sub(1, Ordering::Relaxed);
            return Err(EndReason::TooManyConnections);
        }
        admitted.counted = Counted::Awaited;
        Ok(admitted)
    }

    /// How many connections wait for their PROXY headers.
    #[must_use]
    pub fn awaited(&self) -> u32 {
        self.awaited.load(Ordering::Relaxed)
    }

    fn count_in_total(self: &Arc<Self>) -> Result<Admitted, EndReason> {
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.total_max {
            self.total.fetch_sub(1, Ordering::Relaxed);
            return Err(EndReason::TooManyConnections);
        }
        Ok(Admitted { addresses: Arc::clone(self), counted: Counted::Total })
    }

    fn shard(&self, address: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        let place = self.hasher.hash_one(address) as usize % SHARDS;
        // place < SHARDS == shards.len(), and there is always a first.
        let shard = self.shards.get(place).or_else(|| self.shards.first());
        match shard {
            Some(shard) => shard.lock().unwrap_or_else(PoisonError::into_inner),
            None => unreachable!("the shards are made with the table"),
        }
    }
}

/// An IPv6 customer has a /64: its addresses count as one, or the limit would not limit anybody.
#[must_use]
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        },
        v4 => v4,
    }
}

impl Admitted {
    /// The connection counts for this client from now on; `None`: for no client.
    ///
    /// # Errors
    /// `TooManyFromAddress`; then it counts no more.
    pub fn named(mut self, client: Option<IpAddr>) -> Result<Self, EndReason> {
        self.forget_name();
        let Some(client) = client else { return Ok(self) };
        let address = counted_as(client);
        let mut shard = self.addresses.shard(address);
        let count = shard.entry(address).or_insert(0);
        if *count >= self.addresses.per_address_max {
            drop(shard);
            return Err(EndReason::TooManyFromAddress);
        }
        *count += 1;
        drop(shard);
        self.counted = Counted::Address(address);
        Ok(self)
    }

    fn forget_name(&mut self) {
        match std::mem::replace(&mut self.counted, Counted::Total) {
            Counted::Total => {}
            Counted::Awaited => {
                self.addresses.awaited.fetch_sub(1, Ordering::Relaxed);
            }
            Counted::Address(address) => {
                let mut shard = self.addresses.shard(address);
                if let Entry::Occupied(mut entry) = shard.entry(address) {
                    *entry.get_mut() -= 1;
                    if *entry.get() == 0 {
                        entry.remove();
                    }
                }
            }
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.addresses.total.fetch_sub(1, Ordering::Relaxed);
        self.forget_name();
    }
}

/// More than the IO threads of any machine, so that they seldom meet.
const SHARDS: usize = 64;
/// A quarter of all connections may wait for their headers: a load balancer that sends none fills no more
/// than that, and a storm of good ones is through long before, since a header comes with its connection.
const AWAITED_SHARE: u32 = 4;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_limit_of_an_address_holds_at_its_edge_and_a_closed_connection_makes_room() {
        let addresses = Arc::new(Addresses::new(10, 2));
        let first = addresses.admit(address("192.0.2.1")).ok().unwrap();
        let _second = addresses.admit(address("192.0.2.1")).ok().unwrap();
        assert_eq!(addresses.admit(address("192.0.2.1")).err(), Some(EndReason::TooManyFromAddress));
        assert!(addresses.admit(address("192.0.2.2")).is_ok());
        drop(first);
        assert!(addresses.admit(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn the_limit_of_all_holds_at_its_edge() {
        let addresses = Arc::new(Addresses::new(2, 10));
        let held: Vec<_> = ["192.0.2.1", "192.0.2.2"].map(|text| addresses.admit(address(text))).into();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(addresses.admit(address("192.0.2.3")).err(), Some(EndReason::TooManyConnections));
        drop(held);
        assert!(addresses.admit(address("192.0.2.3")).is_ok());
    }

    #[test]
    fn v51_a_load_balancers_connections_count_for_their_clients_and_never_for_its_own_address() {
        let addresses = Arc::new(Addresses::new(100, 2));
        let client = || Some(address("192.0.2.1"));
        let named: Vec<_> =
            (0..2).map(|_| addresses.admit_unnamed().and_then(|admitted| admitted.named(client()))).collect();
        assert!(named.iter().all(Result::is_ok));
        let third = addresses.admit_unnamed().and_then(|admitted| admitted.named(client()));
        assert_eq!(third.err(), Some(EndReason::TooManyFromAddress));
        assert_eq!(addresses.admit(address("192.0.2.1")).err(), Some(EndReason::TooManyFromAddress));
        let own: Vec<_> =
            (0..60).map(|_| addresses.admit_unnamed().and_then(|admitted| admitted.named(None))).collect();
        assert!(own.iter().all(Result::is_ok));
        assert_eq!(addresses.total.load(Ordering::Relaxed), 62);
        drop((named, own));
        assert_eq!(addresses.total.load(Ordering::Relaxed), 0);
        assert!(addresses.admit(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn v51_a_quarter_of_all_connections_may_wait_for_their_headers() {
        let addresses = Arc::new(Addresses::new(8, 8));
        let mut waiting: Vec<_> = (0..2).map(|_| addresses.admit_unnamed()).collect();
        assert!(waiting.iter().all(Result::is_ok));
        assert_eq!(addresses.admit_unnamed().err(), Some(EndReason::TooManyConnections));
        assert!(addresses.admit(address("192.0.2.1")).is_ok(), "others are taken");
        let named = waiting.pop().map(|admitted| admitted.and_then(|admitted| admitted.named(None)));
        assert!(addresses.admit_unnamed().is_ok(), "a header that came makes room");
        drop((named, waiting));
        assert_eq!((addresses.total.load(Ordering::Relaxed), addresses.awaited()), (0, 0));
    }

    #[test]
    fn one_ipv6_customer_is_one_address_and_a_mapped_one_is_its_ipv4() {
        assert_eq!(counted_as(address("2001:db8::1")), counted_as(address("2001:db8::ffff:1")));
        assert_ne!(counted_as(address("2001:db8::1")), counted_as(address("2001:db8:0:1::1")));
        assert_eq!(counted_as(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
