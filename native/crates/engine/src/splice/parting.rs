//! When a spliced session that was told goodbye goes, and whether with words. It weighs; splice.rs acts.

use postern_wire::tracker::Boundary;

use crate::goodbye::Farewell;
use crate::slot::{SessionCommand, Slot};

/// The goodbye that a session waits with, if any.
#[derive(Default)]
pub struct Parting {
    waiting: Option<Box<Farewell>>,
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

    /// `u64::MAX` where nothing was said.
    #[must_use]
    pub fn next_look_ms(&self, now_ms: u64) -> u64 {
        self.waiting.as_ref().map_or(u64::MAX, |farewell| farewell.next_look_ms(now_ms))
    }

    /// What to do now; `None`: carry on. `is_flushed`: the client has taken all that the tracker has seen.
    #[must_use]
    pub fn manner(&self, boundary: Boundary, is_flushed: bool, now_ms: u64) -> Option<Manner> {
        let Farewell { told_ms, until_ms, .. } = **self.waiting.as_ref()?;
        match boundary {
            _ if now_ms < told_ms => None,
            Boundary::Safe if is_flushed => Some(Manner::Worded),
            _ if now_ms < until_ms => None,
            Boundary::Safe | Boundary::Between => Some(Manner::Worded),
            Boundary::Inside | Boundary::Opaque => Some(Manner::Plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::end_reason::EndReason;

    #[test]
    fn a_session_goes_at_a_safe_boundary_or_when_its_window_is_over() {
        let (flushed, unsent) = (true, false);
        let (worded, plain) = (Some(Manner::Worded), Some(Manner::Plain));
        let mut parting = Parting::default();
        assert_eq!(parting.manner(Boundary::Safe, true, 0), None, "nobody said goodbye");
        let words = b"* BYE\r\n".as_slice().into();
        parting.add(Farewell { reason: EndReason::Drained, words, told_ms: 100, until_ms: 200 });
        for (boundary, sent, before, told, last, over) in [
            (Boundary::Safe, flushed, None, worded, worded, worded),
            (Boundary::Safe, unsent, None, None, None, worded),
            (Boundary::Between, flushed, None, None, None, worded),
            (Boundary::Between, unsent, None, None, None, worded),
            (Boundary::Inside, flushed, None, None, None, plain),
            (Boundary::Opaque, flushed, None, None, None, plain),
        ] {
            for (now_ms, expected) in [(99, before), (100, told), (199, last), (200, over)] {
                assert_eq!(parting.manner(boundary, sent, now_ms), expected, "{boundary:?} {sent} {now_ms}");
            }
        }
    }

    #[test]
    fn without_a_window_it_goes_in_its_turn_as_it_stands() {
        let mut parting = Parting::default();
        parting.add(Farewell { reason: EndReason::Kicked, words: [].into(), told_ms: 100, until_ms: 100 });
        assert_eq!(parting.manner(Boundary::Between, true, 100), Some(Manner::Worded));
        assert_eq!(parting.manner(Boundary::Inside, true, 100), Some(Manner::Plain));
    }
}
