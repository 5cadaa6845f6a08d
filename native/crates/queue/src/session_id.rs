//! The number of a session: where it lives, and which use of that place it is.
//!
//! An id is below 2^53, so that JavaScript holds it exactly, and it is not used twice: a late command for an
//! ended session finds another turn in its slot and is dropped.

/// `id == thread << 48 | turn << 20 | slot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// The id of the `turn`th use of a slot. What exceeds its field is cut off.
    #[must_use]
    pub const fn new(thread: u8, turn: u32, slot: u32) -> Self {
        let thread = (thread as u64) & (THREADS_MAX as u64 - 1);
        let turn = (turn as u64) & TURN_MASK;
        let slot = (slot as u64) & (SLOTS_MAX as u64 - 1);
        Self(thread << (TURN_BITS + SLOT_BITS) | turn << SLOT_BITS | slot)
    }

    /// The id from the two words that crossed the boundary.
    #[must_use]
    pub const fn from_halves(low: u32, high: u32) -> Self {
        Self((high as u64) << 32 | low as u64)
    }

    #[must_use]
    pub const fn halves(self) -> (u32, u32) {
        (self.0 as u32, (self.0 >> 32) as u32)
    }

    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    #[must_use]
    pub const fn thread(self) -> usize {
        (self.0 >> (TURN_BITS + SLOT_BITS)) as usize
    }

    #[must_use]
    pub const fn turn(self) -> u32 {
        (self.0 >> SLOT_BITS & TURN_MASK) as u32
    }

    #[must_use]
    pub const fn slot(self) -> u32 {
        (self.0 & (SLOTS_MAX as u64 - 1)) as u32
    }
}

/// The turn that follows: back to the first after 268 million uses of one slot.
#[must_use]
pub const fn next_turn(turn: u32) -> u32 {
    (turn + 1) & TURN_MASK as u32
}

/// IO threads: far more than one process has a use for.
pub const THREADS_MAX: u32 = 1 << 5;
/// Sessions of one IO thread: the limit of open files is far below.
pub const SLOTS_MAX: u32 = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 20;
const TURN_BITS: u32 = 28;
const TURN_MASK: u64 = (1 << TURN_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_and_halves_come_back(thread in 0u8..32, turn in 0u32..1 << 28, slot in 0u32..1 << 20) {
            let id = SessionId::new(thread, turn, slot);
            prop_assert_eq!((id.thread(), id.turn(), id.slot()), (usize::from(thread), turn, slot));
            let (low, high) = id.halves();
            prop_assert_eq!(SessionId::from_halves(low, high), id);
            prop_assert!(id.number() < 1 << 53);
        }
    }

    #[test]
    fn the_turn_after_the_last_is_the_first() {
        assert_eq!(next_turn((1 << 28) - 1), 0);
        assert_eq!(next_turn(7), 8);
    }
}
