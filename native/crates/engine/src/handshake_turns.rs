//! Whose turn it is to do a step of a handshake: the longest work that a stranger can ask for. A flood of
//! them must not hold up those who are inside, so an IO thread looks at its other sessions after each 2 ms.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// The turns of one IO thread. Who waits for one waits in the order of coming.
pub struct HandshakeTurns {
    turn: Semaphore,
    /// Since the last look at others.
    spent: Cell<Duration>,
}

impl Default for HandshakeTurns {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), spent: Cell::default() }
    }
}

impl HandshakeTurns {
    /// Does the step at once, or behind those that came before. Whoever uses up the share keeps the turn
    /// while others are looked at.
    pub async fn take<Outcome>(&self, step: impl FnOnce() -> Outcome) -> Outcome {
        // It is never closed, so a turn is never refused.
        let turn = self.turn.acquire().await;
        let began = Instant::now();
        let outcome = step();
        self.spent.set(self.spent.get() + began.elapsed());
        if self.spent.get() >= SHARE {
            tokio::task::yield_now().await;
            self.spent.set(Duration::ZERO);
        }
        drop(turn);
        outcome
    }
}

/// Six RSA-2048 signatures, or twenty handshakes with P-256: so long may an answer to somebody inside have to
/// wait. With a look behind each step a login costs a sixth more: each look brings fewer events together.
const SHARE: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::runtime::{Builder, LocalOptions};
    use tokio::task::{spawn_local, yield_now};

    use super::*;

    /// Each of ten steps takes two thirds of a share; somebody else wants the thread after each yield.
    #[test]
    fn others_are_looked_at_after_each_share_and_steps_are_done_in_the_order_of_coming() {
        let runtime = Builder::new_current_thread().build_local(LocalOptions::default());
        let done = runtime.map(|runtime| {
            runtime.block_on(async {
                let turns = Rc::new(HandshakeTurns::default());
                let done = Rc::new(Cell::new((0, 0)));
                let steps: Vec<_> = (0..10)
                    .map(|number| {
                        let (turns, done) = (Rc::clone(&turns), Rc::clone(&done));
                        spawn_local(async move {
                            let step = || {
                                let began = Instant::now();
                                while began.elapsed() < SHARE * 2 / 3 {}
                                let (steps, looks) = done.get();
                                assert_eq!(steps, number);
                                done.set((steps + 1, looks));
                            };
                            turns.take(step).await;
                        })
                    })
                    .collect();
                let seen = Rc::clone(&done);
                let other = spawn_local(async move {
                    while seen.get().0 < 10 {
                        yield_now().await;
                        let (steps, looks) = seen.get();
                        seen.set((steps, looks + 1));
                    }
                });
                for step in steps {
                    let _ = step.await;
                }
                let _ = other.await;
                done.get()
            })
        });
        let (steps, looks) = done.unwrap_or_default();
        assert_eq!(steps, 10);
        assert!(looks >= 5, "{looks}");
    }
}
