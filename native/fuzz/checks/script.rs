//! What must hold of a handoff script for any input: the fuzz target and the tests call it.

use postern_wire::script::{AWAIT_MS_MAX, PAUSE_MS_MAX, SCRIPT_BYTES_MAX, SCRIPT_STEPS_MAX, Script};
use postern_wire::script_run::{KEPT_BYTES_MAX, LineVerdict, Move, SKIPPED_LINES_MAX, ScriptRun};

/// The input is a script; played, the server answers with pieces of it.
pub fn check(input: &[u8]) {
    let Ok(script) = Script::decode(input) else { return };
    assert!(input.len() <= SCRIPT_BYTES_MAX && script.steps() <= SCRIPT_STEPS_MAX);
    let (steps, mut run) = (script.steps(), ScriptRun::new(script));
    let mut lines = input.split(|byte| *byte % 16 == 10).cycle();
    // Each step moves on or is answered by so many lines at most; then the one that is too many.
    let turns_max = (steps + 1) * (SKIPPED_LINES_MAX as usize + 2);
    for _ in 0..turns_max {
        assert!(run.last_words().len() <= KEPT_BYTES_MAX);
        match run.next() {
            Move::Done => return assert_eq!(run.step_index() as usize, steps),
            Move::Send(bytes) => {
                assert!(bytes.len() <= SCRIPT_BYTES_MAX);
                run.sent();
            }
            Move::StartTls => run.tls_started(),
            Move::Pause { ms } => {
                assert!((1..=PAUSE_MS_MAX).contains(&ms));
                run.paused();
            }
            Move::Await { timeout_ms } => {
                assert!((1..=AWAIT_MS_MAX).contains(&timeout_ms));
                match run.on_line(lines.next().unwrap_or_default()) {
                    LineVerdict::More | LineVerdict::Next => {}
                    LineVerdict::Refused => return,
                    LineVerdict::Failed(detail) => return assert!(detail.len() <= 256),
                }
            }
        }
    }
    panic!("a script that does not end");
}
