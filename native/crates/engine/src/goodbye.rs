//! A goodbye to many sessions at once, at a pace: each spliced session gets a turn, and the turns of all IO
//! threads come from one count, so that they are evenly spread however the sessions lie on the threads.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::end_reason::EndReason;

/// What sessions are to be told, and how fast.
pub struct Order {
    /// Its words are those of each session's frontend.
    pub reason: EndReason,
    /// So many sessions a second over all IO threads; 0 for all at once.
    pub per_second: u32,
    /// How long a session that was told may take to come to a safe boundary.
    pub window_ms: u64,
}

/// An order under way.
pub struct Goodbye {
    order: Order,
    began_ms: u64,
    turns: AtomicU64,
}

/// One session's share of a goodbye. `told_ms <= until_ms`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    pub reason: EndReason,
    /// From now on the session goes as soon as it stands at a safe boundary.
    pub told_ms: u64,
    /// Then it goes, wherever it stands.
    pub until_ms: u64,
}

impl Goodbye {
    #[must_use]
    pub fn begin(order: Order, now_ms: u64) -> Self {
        Self { order, began_ms: now_ms, turns: AtomicU64::new(0) }
    }

    /// For a session that has nothing to finish: it takes no turn.
    #[must_use]
    pub fn at_once(&self) -> Farewell {
        self.told_at(self.began_ms)
    }

    /// For the session whose turn is next.
    #[must_use]
    pub fn in_turn(&self) -> Farewell {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let ahead_ms = turn.saturating_mul(1000).checked_div(self.order.per_second.into());
        self.told_at(self.began_ms.saturating_add(ahead_ms.unwrap_or(0)))
    }

    fn told_at(&self, told_ms: u64) -> Farewell {
        let Order { reason, window_ms, .. } = self.order;
        Farewell { reason, told_ms, until_ms: told_ms.saturating_add(window_ms) }
    }
}

impl Farewell {
    /// Of two goodbyes to one session the one that ends earlier gives reason and words.
    #[must_use]
    pub fn or_earlier(self, other: Self) -> Self {
        let told_ms = self.told_ms.min(other.told_ms);
        let earlier = if other.until_ms < self.until_ms { other } else { self };
        Self { told_ms, ..earlier }
    }

    /// When the session must be looked at next: at its turn, then at the end of its window.
    #[must_use]
    pub fn next_look_ms(&self, now_ms: u64) -> u64 {
        if now_ms < self.told_ms { self.told_ms } else { self.until_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goodbye(per_second: u32) -> Goodbye {
        Goodbye::begin(Order { reason: EndReason::Drained, per_second, window_ms: 500 }, 10_000)
    }

    #[test]
    fn turns_are_spread_evenly_over_each_second() {
        let paced = goodbye(200);
        let told: Vec<u64> = (0..1000).map(|_| paced.in_turn().told_ms).collect();
        assert!(told.iter().zip(0..).all(|(told, turn)| *told == 10_000 + turn * 5), "{told:?}");
        let slow = goodbye(3);
        let told: Vec<u64> = (0..4).map(|_| slow.in_turn().told_ms).collect();
        assert_eq!(told, [10_000, 10_333, 10_666, 11_000]);
    }

    #[test]
    fn without_a_pace_all_are_told_at_once_and_have_the_same_window() {
        let all = goodbye(0);
        for farewell in [all.in_turn(), all.in_turn(), all.at_once()] {
            assert_eq!((farewell.told_ms, farewell.until_ms), (10_000, 10_500));
        }
    }

    #[test]
    fn who_takes_no_turn_makes_nobody_wait() {
        let paced = goodbye(1);
        assert_eq!(paced.at_once().told_ms, 10_000);
        assert_eq!(paced.in_turn().told_ms, 10_000);
        assert_eq!(paced.in_turn().told_ms, 11_000);
    }

    #[test]
    fn of_two_goodbyes_the_earlier_end_wins_and_the_earlier_turn_counts() {
        let of = |reason, told_ms, until_ms| Farewell { reason, told_ms, until_ms };
        let (drained, kicked) = (EndReason::Drained, EndReason::Kicked);
        for (first, second, both) in [
            (of(drained, 50, 90), of(kicked, 10, 20), of(kicked, 10, 20)),
            (of(drained, 10, 20), of(kicked, 15, 90), of(drained, 10, 20)),
            (of(drained, 50, 60), of(kicked, 10, 90), of(drained, 10, 60)),
            (of(drained, 10, 90), of(kicked, 50, 60), of(kicked, 10, 60)),
            (of(drained, 10, 90), of(kicked, 10, 90), of(drained, 10, 90)),
        ] {
            assert_eq!(first.or_earlier(second), both, "{first:?} {second:?}");
        }
    }

    #[test]
    fn a_session_is_looked_at_in_its_turn_and_at_the_end_of_its_window() {
        let farewell = goodbye(0).at_once();
        for (now_ms, look_ms) in [(9_999, 10_000), (10_000, 10_500), (10_500, 10_500), (99_999, 10_500)] {
            assert_eq!(farewell.next_look_ms(now_ms), look_ms, "{now_ms}");
        }
    }
}
