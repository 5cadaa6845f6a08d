//! The keys that session tickets are sealed with. Ours and not rustls's own, so that a ticket survives a
//! reload of certificates, and a pair of gateways can share the keys.
//!
//! Two generations: the current one seals, both open. The clock and new keys are arguments.
//! A ticket is `name(16) nonce(12) ciphertext tag(16)`, AES-256-GCM, with name and scope authenticated.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use rustls::server::ProducesTickets;
use zeroize::Zeroize;

/// Key bytes of one generation. Wiped when dropped.
pub struct TicketKey([u8; KEY_BYTES]);

/// The current and the previous generation, shared by all frontends and over all reloads.
pub struct TicketKeys {
    generations: RwLock<Generations>,
}

struct Generations {
    current: Generation,
    previous: Option<Generation>,
    rotated: Instant,
}

struct Generation {
    name: [u8; NAME_BYTES],
    key: RandomizedNonceKey,
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketKeyFault;

impl TicketKey {
    /// A key that another gateway sent, or a test chose.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A fresh key from the system's random source.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn random() -> Result<Self, TicketKeyFault> {
        let mut key = Self([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(&mut key.0).map_err(|_| TicketKeyFault)?;
        Ok(key)
    }
}

impl Drop for TicketKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl TicketKeys {
    /// Begins with `key`.
    ///
    /// # Errors
    /// A key that AES-256 does not take; there is none.
    pub fn new(key: &TicketKey, now: Instant) -> Result<Arc<Self>, TicketKeyFault> {
        let current = Generation::new(key)?;
        Ok(Arc::new(Self { generations: RwLock::new(Generations { current, previous: None, rotated: now }) }))
    }

    /// Seals with `key` from now on. Tickets of the generation before are still opened, older ones no more.
    ///
    /// # Errors
    /// As `new`; the generations stay as they were.
    pub fn rotate(&self, key: &TicketKey, now: Instant) -> Result<(), TicketKeyFault> {
        let fresh = Generation::new(key)?;
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        // The same key again, as a peer may send it, must not push out the generation before it.
        if generations.current.name != fresh.name {
            let served = now.saturating_duration_since(generations.rotated);
            let old = std::mem::replace(&mut generations.current, fresh);
            // After a long sleep of the machine the old key has outlived its tickets already.
            generations.previous = (served < LIFETIME).then_some(old);
        }
        generations.rotated = now;
        Ok(())
    }

    /// Rotates to a random key when the current one has served 6 hours; true if it did.
    ///
    /// # Errors
    /// The system has no randomness to give; the generations stay as they were.
    pub fn rotate_if_due(&self, now: Instant) -> Result<bool, TicketKeyFault> {
        let rotated = self.generations.read().unwrap_or_else(PoisonError::into_inner).rotated;
        if now.saturating_duration_since(rotated) < ROTATION {
            return Ok(false);
        }
        self.rotate(&TicketKey::random()?, now)?;
        Ok(true)
    }

    fn seal(&self, clear: &[u8], scope: &[u8]) -> Option<Vec<u8>> {
        self.generations.read().unwrap_or_else(PoisonError::into_inner).current.seal(clear, scope)
    }

    fn open(&self, ticket: &[u8], scope: &[u8]) -> Option<Vec<u8>> {
        let (name, sealed) = ticket.split_first_chunk::<NAME_BYTES>()?;
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        let known = [Some(&generations.current), generations.previous.as_ref()];
        known.into_iter().flatten().find(|generation| generation.name == *name)?.open(sealed, scope)
    }
}

impl Generation {
    fn new(key: &TicketKey) -> Result<Self, TicketKeyFault> {
        Ok(Self {
            name: name_of(key),
            key: RandomizedNonceKey::new(&AES_256_GCM, &key.0).map_err(|_| TicketKeyFault)?,
        })
    }

    fn seal(&self, clear: &[u8], scope: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = Vec::with_capacity(clear.len() + TAG_BYTES);
        sealed.extend_from_slice(clear);
        let nonce = self.key.seal_in_place_append_tag(self.bound_to(scope), &mut sealed).ok()?;
        Some([self.name.as_slice(), nonce.as_ref(), &sealed].concat())
    }

    fn open(&self, sealed: &[u8], scope: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut clear = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.key.open_in_place(nonce, self.bound_to(scope), &mut clear).ok()?.len();
        clear.truncate(length);
        Some(clear)
    }

    fn bound_to(&self, scope: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([self.name.as_slice(), scope].concat())
    }
}

/// Follows from the key, so that gateways with the same key know each other's tickets.
fn name_of(key: &TicketKey) -> [u8; NAME_BYTES] {
    let mut named = [NAME_LABEL, &key.0].concat();
    let hash = digest(&SHA256, &named);
    named.zeroize();
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}

/// The tickets of one frontend: a ticket from another frontend, with another list of protocols, stays shut.
/// That the names asked for agree, rustls checks itself.
pub(crate) struct ScopedTickets {
    keys: Arc<TicketKeys>,
    scope: Box<[u8]>,
}

impl ScopedTickets {
    pub(crate) fn new(keys: Arc<TicketKeys>, alpn: &[Vec<u8>]) -> Self {
        let mut scope = Vec::new();
        for name in alpn {
            scope.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            scope.extend_from_slice(name);
        }
        Self { keys, scope: scope.into() }
    }
}

impl ProducesTickets for ScopedTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME.as_secs().try_into().unwrap_or(u32::MAX)
    }

    fn encrypt(&self, clear: &[u8]) -> Option<Vec<u8>> {
        self.keys.seal(clear, &self.scope)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.keys.open(ticket, &self.scope)
    }
}

impl fmt::Debug for ScopedTickets {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("ScopedTickets")
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("TicketKeys")
    }
}

impl fmt::Display for TicketKeyFault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("no key for session tickets could be made")
    }
}

impl std::error::Error for TicketKeyFault {}

const KEY_BYTES: usize = 32;
const NAME_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
const NAME_LABEL: &[u8] = b"postern session ticket key name\0";
/// With two generations a ticket's key lives 12 hours at most: what was recorded can be read no longer.
const ROTATION: Duration = Duration::from_secs(6 * 60 * 60);
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
