//! When a spliced session that was told goodbye goes, and whether with words. It weighs; splice.rs acts.

use postern_wire::tracker::Boundary;

use crate::goodbye::Farewell;
use crate::slot::{SessionCommand, Slot};

/// The goodbye that a session waits with, if any.
#[derive(Default)]
pub struct Parting {
    waiting: Option<Box<Farewell>>,
    /// A command of the client was kept from the server: the words are its answer.
    pub has_refused: bool,
}

/// How a session stands at the moment when it is weighed.
pub struct Standing {
    pub boundary: Boundary,
    /// The client has taken all that the tracker has seen.
    pub is_flushed: bool,
    /// When bytes moved last.
    pub active_ms: u64,
    pub now_ms: u64,
}

/// How a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Its protocol's words fit in.
    Worded,
    /// Only the connection is closed.
    Plain,
}

impl Parting {
    /// Takes in what the session was told. True: there was something.
    pub fn hear(&mut self, slot: &Slot) -> bool {
        let mut has_heard = false;
        while let Some(command) = slot.next_command() {
            #[cfg(feature = "faults")]
            command.break_if_told();
            // What a worker said before the splice is of no use any more.
            let SessionCommand::Goodbye(farewell) = command else { continue };
            self.add(farewell);
            has_heard = true;
        }
        has_heard
    }

    fn add(&mut self, farewell: Farewell) {
        self.waiting = Some(Box::new(match self.waiting.take() {
            None => farewell,
            Some(waiting) => waiting.or_earlier(farewell),
        }));
    }

    #[must_use]
    pub fn farewell(&self) -> Option<&Farewell> {
        self.waiting.as_deref()
    }

    /// Its turn has come.
    #[must_use]
    pub fn is_told(&self, now_ms: u64) -> bool {
        self.waiting.as_ref().is_some_and(|farewell| farewell.told_ms <= now_ms)
    }

    /// `u64::MAX` where nothing was said.
    #[must_use]
    pub fn next_look_ms(&self, standing: &Standing) -> u64 {
        let Some(farewell) = &self.waiting else { return u64::MAX };
        match standing.boundary {
            Boundary::Quiet if standing.is_flushed && self.is_told(standing.now_ms) => {
                farewell.until_ms.min(quiet_until_ms(farewell, standing))
            }
            Boundary::Owed if farewell.until_ms <= standing.now_ms => owed_until_ms(farewell),
            _ => farewell.next_look_ms(standing.now_ms),
        }
    }

    /// What to do now; `None`: carry on.
    #[must_use]
    pub fn manner(&self, standing: &Standing) -> Option<Manner> {
        let farewell = self.waiting.as_ref()?;
        let &Standing { boundary, is_flushed, now_ms, .. } = standing;
        let is_over = farewell.until_ms <= now_ms;
        match boundary {
            _ if now_ms < farewell.told_ms => None,
            _ if self.has_refused => Some(Manner::Worded),
            Boundary::Safe if is_flushed || is_over => Some(Manner::Worded),
            Boundary::Quiet if is_over => Some(Manner::Plain),
            Boundary::Quiet if is_flushed && quiet_until_ms(farewell, standing) <= now_ms => {
                Some(Manner::Plain)
            }
            Boundary::Owed if owed_until_ms(farewell) <= now_ms => Some(Manner::Plain),
            Boundary::Between if is_over => Some(Manner::Worded),
            Boundary::Inside | Boundary::Opaque if is_over => Some(Manner::Plain),
            _ => None,
        }
    }
}

/// So long a client may take to ask the next thing, which is refused, before it counts as one that is idle.
fn quiet_until_ms(farewell: &Farewell, standing: &Standing) -> u64 {
    farewell.told_ms.max(standing.active_ms).saturating_add(QUIET_MS)
}

fn owed_until_ms(farewell: &Farewell) -> u64 {
    farewell.until_ms.saturating_add(OWED_MS)
}

/// A mail program in the middle of its mails asks on within a round trip.
const QUIET_MS: u64 = 1_000;
/// A server answers a whole message in a second or two; one that looks for viruses in it may take this
/// long. A client would wait for ten minutes (RFC 5321 section 4.5.3.2.6), but whoever says goodbye can't.
const OWED_MS: u64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::end_reason::EndReason;

    fn told(told_ms: u64, until_ms: u64) -> Parting {
        let mut parting = Parting::default();
        parting.add(Farewell { reason: EndReason::Drained, told_ms, until_ms });
        parting
    }

    fn standing(boundary: Boundary, is_flushed: bool, now_ms: u64) -> Standing {
        Standing { boundary, is_flushed, active_ms: 0, now_ms }
    }

    #[test]
    fn a_session_goes_at_a_safe_boundary_or_when_its_window_is_over() {
        let (flushed, unsent) = (true, false);
        let (worded, plain) = (Some(Manner::Worded), Some(Manner::Plain));
        let parting = Parting::default();
        let nobody = standing(Boundary::Safe, true, 0);
        assert_eq!((parting.manner(&nobody), parting.next_look_ms(&nobody)), (None, u64::MAX));
        let parting = told(100, 200);
        for (boundary, sent, before, told, last, over) in [
            (Boundary::Safe, flushed, None, worded, worded, worded),
            (Boundary::Safe, unsent, None, None, None, worded),
            (Boundary::Between, flushed, None, None, None, worded),
            (Boundary::Between, unsent, None, None, None, worded),
            (Boundary::Quiet, flushed, None, None, None, plain),
            (Boundary::Quiet, unsent, None, None, None, plain),
            (Boundary::Owed, flushed, None, None, None, None),
            (Boundary::Inside, flushed, None, None, None, plain),
            (Boundary::Opaque, flushed, None, None, None, plain),
        ] {
            for (now_ms, expected) in [(99, before), (100, told), (199, last), (200, over)] {
                let standing = standing(boundary, sent, now_ms);
                assert_eq!(parting.manner(&standing), expected, "{boundary:?} {sent} {now_ms}");
            }
        }
    }

    #[test]
    fn without_a_window_it_goes_in_its_turn_as_it_stands() {
        let parting = told(100, 100);
        assert_eq!(parting.manner(&standing(Boundary::Between, true, 100)), Some(Manner::Worded));
        assert_eq!(parting.manner(&standing(Boundary::Inside, true, 100)), Some(Manner::Plain));
    }

    #[test]
    fn who_asks_nothing_for_a_second_is_closed_and_who_asks_is_answered_at_once() {
        let mut parting = told(10_000, 40_000);
        let quiet = |active_ms, now_ms| Standing { active_ms, ..standing(Boundary::Quiet, true, now_ms) };
        for (active_ms, now_ms, manner, look_ms) in [
            (0, 9_999, None, 10_000),
            (0, 10_000, None, 11_000),
            (0, 10_999, None, 11_000),
            (0, 11_000, Some(Manner::Plain), 11_000),
            // Its answer has just ended: the next command is on its way.
            (15_000, 15_999, None, 16_000),
            (15_000, 16_000, Some(Manner::Plain), 16_000),
            (39_500, 39_999, None, 40_000),
            (39_500, 40_000, Some(Manner::Plain), 40_000),
        ] {
            let standing = quiet(active_ms, now_ms);
            assert_eq!(parting.manner(&standing), manner, "{active_ms} {now_ms}");
            assert_eq!(parting.next_look_ms(&standing), look_ms, "{active_ms} {now_ms}");
        }
        parting.has_refused = true;
        assert_eq!(parting.manner(&quiet(10_500, 10_500)), Some(Manner::Worded));
    }

    #[test]
    fn an_answer_that_only_the_server_can_give_is_waited_for_beyond_the_window() {
        let parting = told(100, 200);
        for (now_ms, manner, look_ms) in [
            (150, None, 200),
            (200, None, 30_200),
            (30_199, None, 30_200),
            (30_200, Some(Manner::Plain), 30_200),
        ] {
            let standing = standing(Boundary::Owed, true, now_ms);
            assert_eq!(parting.manner(&standing), manner, "{now_ms}");
            assert_eq!(parting.next_look_ms(&standing), look_ms, "{now_ms}");
        }
    }
}
