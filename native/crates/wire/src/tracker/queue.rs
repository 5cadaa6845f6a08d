//! Commands that are answered in their order, and have no answer yet: the kind of each, equal ones in a row
//! together.

use std::marker::PhantomData;

/// What a protocol remembers of a command.
pub trait Kind: Copy + PartialEq + 'static {
    /// At most eight.
    const ALL: &'static [Self];
}

/// The first `length` of `runs` are in use. A run is a kind, and in the upper bits how many there are, less
/// one.
#[derive(Debug, Clone, Copy)]
pub struct Queue<K> {
    runs: [u8; RUNS_MAX],
    length: u8,
    kinds: PhantomData<K>,
}

impl<K: Kind> Queue<K> {
    #[must_use]
    pub fn new() -> Self {
        Self { runs: [0; RUNS_MAX], length: 0, kinds: PhantomData }
    }

    /// False: there is no room for one more, so that the answers can't be followed.
    #[must_use]
    pub fn push(&mut self, kind: K) -> bool {
        let Some(code) = K::ALL.iter().position(|each| *each == kind) else { return false };
        let length = usize::from(self.length);
        if let Some(last) = length.checked_sub(1).and_then(|last| self.runs.get_mut(last))
            && usize::from(*last & KIND_BITS) == code
            && *last >> KIND_WIDTH < RUN_MAX
        {
            *last += 1 << KIND_WIDTH;
            return true;
        }
        let Some(free) = self.runs.get_mut(length) else { return false };
        *free = code as u8;
        self.length += 1;
        true
    }

    /// The oldest one.
    #[must_use]
    pub fn front(&self) -> Option<K> {
        self.used().first().and_then(|run| kind_of(*run))
    }

    /// Takes the oldest one, which has its answer.
    pub fn pop(&mut self) -> Option<K> {
        let front = self.front()?;
        let [first, ..] = &mut self.runs;
        if *first >> KIND_WIDTH > 0 {
            *first -= 1 << KIND_WIDTH;
        } else {
            self.runs.copy_within(1.., 0);
            self.length -= 1;
        }
        Some(front)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    #[must_use]
    pub fn has(&self, kind: K) -> bool {
        self.used().iter().any(|run| kind_of::<K>(*run) == Some(kind))
    }

    fn used(&self) -> &[u8] {
        self.runs.get(..usize::from(self.length)).unwrap_or_default()
    }
}

fn kind_of<K: Kind>(run: u8) -> Option<K> {
    K::ALL.get(usize::from(run & KIND_BITS)).copied()
}

/// Programs that send ahead send many of one kind: all recipients, all deletions. Fifteen changes of the
/// kind are beyond what was seen of any, and make the queue 16 bytes.
const RUNS_MAX: usize = 15;
const KIND_WIDTH: u32 = 3;
const KIND_BITS: u8 = (1 << KIND_WIDTH) - 1;
/// 32 in a run.
const RUN_MAX: u8 = u8::MAX >> KIND_WIDTH;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use std::collections::VecDeque;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Letter {
        A,
        B,
        C,
    }

    impl Kind for Letter {
        const ALL: &'static [Self] = &[Self::A, Self::B, Self::C];
    }

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let mut queue = Queue::new();
        let mut expected = VecDeque::new();
        for round in 0..400_u32 {
            let kind = [Letter::A, Letter::B, Letter::C, Letter::A][round as usize / 3 % 4];
            assert!(queue.push(kind), "{round}");
            expected.push_back(kind);
            if round % 5 == 0 || expected.len() > 30 {
                assert_eq!((queue.front(), queue.pop()), (expected.front().copied(), expected.pop_front()));
            }
            assert_eq!(queue.has(Letter::B), expected.contains(&Letter::B));
        }
        while let Some(kind) = expected.pop_front() {
            assert!(!queue.is_empty());
            assert_eq!(queue.pop(), Some(kind));
        }
        assert_eq!((queue.is_empty(), queue.pop()), (true, None));
    }

    #[test]
    fn it_is_full_with_480_of_a_kind_or_fifteen_changes_of_it() {
        let mut queue = Queue::new();
        assert_eq!((0..1000).take_while(|_| queue.push(Letter::A)).count(), 15 * 32);
        assert_eq!(queue.pop(), Some(Letter::A));
        assert!(!queue.push(Letter::B));
        let mut queue = Queue::new();
        let changing = |number: usize| if number.is_multiple_of(2) { Letter::A } else { Letter::B };
        assert_eq!((0..1000).take_while(|number| queue.push(changing(*number))).count(), 15);
        assert_eq!((queue.pop(), queue.push(Letter::C)), (Some(Letter::A), true));
    }

    #[test]
    fn it_stays_small() {
        assert_eq!(size_of::<Queue<Letter>>(), 16);
    }
}
