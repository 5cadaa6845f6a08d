//! How many connections each client address holds, and how many there are in all.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::end_reason::EndReason;

/// `sum of the shards' counts == total`, refused ones aside.
pub struct Addresses {
    shards: Vec<Mutex<HashMap<IpAddr, u32>>>,
    hasher: RandomState,
    total: AtomicU32,
    total_max: u32,
    per_address_max: u32,
}

/// One counted connection; it counts until this is dropped.
pub struct Admitted {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    #[must_use]
    pub fn new(total_max: u32, per_address_max: u32) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hasher: RandomState::new(), total: AtomicU32::new(0), total_max, per_address_max }
    }

    /// Counts a connection, or says which limit it would break.
    ///
    /// # Errors
    /// `TooManyConnections`, `TooManyFromAddress`.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, EndReason> {
        let address = counted_as(address);
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.total_max {
            self.total.fetch_sub(1, Ordering::Relaxed);
            return Err(EndReason::TooManyConnections);
        }
        let mut shard = self.shard(address);
        let count = shard.entry(address).or_insert(0);
        if *count >= self.per_address_max {
            drop(shard);
            self.total.fetch_sub(1, Ordering::Relaxed);
            return Err(EndReason::TooManyFromAddress);
        }
        *count += 1;
        drop(shard);
        Ok(Admitted { addresses: Arc::clone(self), address })
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

impl Drop for Admitted {
    fn drop(&mut self) {
        self.addresses.total.fetch_sub(1, Ordering::Relaxed);
        let mut shard = self.addresses.shard(self.address);
        if let Entry::Occupied(mut entry) = shard.entry(self.address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// More than the IO threads of any machine, so that they seldom meet.
const SHARDS: usize = 64;

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
    fn one_ipv6_customer_is_one_address_and_a_mapped_one_is_its_ipv4() {
        assert_eq!(counted_as(address("2001:db8::1")), counted_as(address("2001:db8::ffff:1")));
        assert_ne!(counted_as(address("2001:db8::1")), counted_as(address("2001:db8:0:1::1")));
        assert_eq!(counted_as(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
