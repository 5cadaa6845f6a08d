//! The timers of one IO thread: a coarse wheel. It says which sessions to look at, not that they are late.
//!
//! A session that is active moves its deadline with every byte; the wheel is not told. When its entry comes
//! up the session looks at its deadline and asks for another entry if that is still ahead. So activity costs
//! nothing here, and an idle session costs one look per deadline.

use postern_queue::session_id::SessionId;

/// `turn_at == cursor * TICK_MS`; an entry for moment t sits in slot `(t / TICK_MS) % SLOTS`.
pub struct Wheel {
    slots: Vec<Vec<SessionId>>,
    /// The tick that `due` looks at next.
    cursor: u64,
}

impl Wheel {
    #[must_use]
    pub fn starting_at(now_ms: u64) -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), cursor: now_ms / TICK_MS }
    }

    /// Asks for a look at the session at `at_ms`, or at the wheel's horizon where that is nearer.
    /// Gives the moment of the look.
    pub fn look_at(&mut self, at_ms: u64, session: SessionId) -> u64 {
        // A tick late rather than a tick early: a look before the deadline would only ask again.
        let tick = (at_ms / TICK_MS + 1).clamp(self.cursor, self.cursor + SLOTS - 1);
        if let Some(slot) = self.slots.get_mut((tick % SLOTS) as usize) {
            slot.push(session);
        }
        tick * TICK_MS
    }

    /// Moves on to `now_ms` and gives each session whose look has come.
    pub fn advance(&mut self, now_ms: u64, due: &mut Vec<SessionId>) {
        let last = now_ms / TICK_MS;
        // After a long stop (a suspended machine) once round the wheel reaches every entry.
        let first = self.cursor.max(last.saturating_sub(SLOTS - 1));
        for tick in first..=last {
            if let Some(slot) = self.slots.get_mut((tick % SLOTS) as usize) {
                due.append(slot);
                // A burst's memory is not kept for ever.
                slot.shrink_to(KEPT_ENTRIES);
            }
        }
        self.cursor = self.cursor.max(last + 1);
    }
}

/// Deadlines are seconds; a tenth of one is precise enough, and ten wakes a second cost nothing.
pub const TICK_MS: u64 = 100;
/// A horizon of 102 s: longer deadlines are looked at on the way, twenty times in half an hour.
const SLOTS: u64 = 1024;
const KEPT_ENTRIES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u32) -> SessionId {
        SessionId::new(0, 0, number)
    }

    fn due(wheel: &mut Wheel, now_ms: u64) -> Vec<SessionId> {
        let mut due = Vec::new();
        wheel.advance(now_ms, &mut due);
        due
    }

    #[test]
    fn a_look_comes_at_its_moment_or_one_tick_later_never_before() {
        let mut wheel = Wheel::starting_at(5_000);
        let at = wheel.look_at(7_250, session(1));
        assert!((7_250..=7_250 + TICK_MS).contains(&at));
        assert_eq!(due(&mut wheel, 7_250), []);
        assert_eq!(due(&mut wheel, at), [session(1)]);
        assert_eq!(due(&mut wheel, at + 200_000), []);
    }

    #[test]
    fn a_moment_in_the_past_is_looked_at_with_the_next_tick() {
        let mut wheel = Wheel::starting_at(5_000);
        assert_eq!(due(&mut wheel, 6_000), []);
        wheel.look_at(10, session(1));
        assert_eq!(due(&mut wheel, 6_100), [session(1)]);
    }

    #[test]
    fn a_far_moment_is_looked_at_on_the_way() {
        let mut wheel = Wheel::starting_at(0);
        let at = wheel.look_at(1_800_000, session(1));
        assert!(at < SLOTS * TICK_MS);
        assert_eq!(due(&mut wheel, at), [session(1)]);
    }

    #[test]
    fn after_a_long_stop_every_entry_comes_once() {
        let mut wheel = Wheel::starting_at(0);
        for number in 0..500 {
            wheel.look_at(u64::from(number) * 200, session(number));
        }
        assert_eq!(due(&mut wheel, 100_000_000).len(), 500);
        assert_eq!(due(&mut wheel, 100_000_100), []);
    }
}
