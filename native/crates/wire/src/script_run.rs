//! Plays a handoff script against a server's lines: says what to do next, and judges each line. The engine
//! does the sending, the waiting and the TLS.
//!
//! What it keeps of the server's words is cleaned and bounded, because a client or an operator will read it.

use crate::script::{Act, Keep, Rule, Script, Then};
use crate::server_lines::{SERVER_LINE_BYTES_MAX, clean_line};
use zeroize::Zeroize;

/// All kept lines of one handoff: a server's capabilities fit ten times.
pub const KEPT_BYTES_MAX: usize = 16 * 1024;
/// A server that says so many lines before its answer is not giving one.
pub const SKIPPED_LINES_MAX: u32 = 64;
/// What a line of the server may take of a log line.
const DETAIL_BYTES_MAX: usize = 200;

/// What the engine does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Move<'a> {
    /// Write these bytes, then call [`ScriptRun::sent`].
    Send(&'a [u8]),
    /// Wait for lines, and give each to [`ScriptRun::on_line`]; the deadline runs from the first time
    /// that this is given, and stays while the verdict is [`LineVerdict::More`].
    Await { timeout_ms: u32 },
    /// Start TLS with nothing left in the buffer, then call [`ScriptRun::tls_started`].
    StartTls,
    /// Let so much time go by, then call [`ScriptRun::paused`].
    Pause { ms: u32 },
    /// The connection stands where the client believes it stands.
    Done,
}

/// What a server's line amounts to.
#[derive(Debug, PartialEq, Eq)]
pub enum LineVerdict {
    /// Not the answer yet: the same wait goes on, with the same deadline.
    More,
    /// The step is done; ask for the next move.
    Next,
    /// The server has judged the login, and this line is its word.
    Refused,
    /// The handoff is over; the detail is clean and for the log.
    Failed(String),
}

/// A script and how far it has come.
#[derive(Debug)]
pub struct ScriptRun {
    script: Script,
    at: usize,
    skipped: u32,
    before: Vec<Vec<u8>>,
    last: Option<Vec<u8>>,
}

impl ScriptRun {
    #[must_use]
    pub fn new(script: Script) -> Self {
        Self { script, at: 0, skipped: 0, before: Vec::new(), last: None }
    }

    /// What to do now; the same until [`Self::sent`], [`Self::tls_started`] or a line moves it on.
    #[expect(clippy::should_implement_trait, reason = "it borrows from the run, and has no end of its own")]
    pub fn next(&mut self) -> Move<'_> {
        self.pass_skipped();
        match self.script.steps.get(self.at).map(|step| &step.act) {
            None => Move::Done,
            Some(Act::Send(bytes)) => Move::Send(bytes),
            Some(Act::Expect { timeout_ms, .. }) => Move::Await { timeout_ms: *timeout_ms },
            Some(Act::StartTls) => Move::StartTls,
            Some(Act::Pause { ms }) => Move::Pause { ms: *ms },
        }
    }

    /// The bytes of the last [`Move::Send`] are written or copied: here they are overwritten.
    pub fn sent(&mut self) {
        if let Some(Act::Send(bytes)) = self.script.steps.get_mut(self.at).map(|step| &mut step.act) {
            bytes.zeroize();
            self.advance();
        }
    }

    /// TLS stands. What was kept in clear is forgotten: anyone on the way could have said it.
    pub fn tls_started(&mut self) {
        if let Some(Act::StartTls) = self.script.steps.get(self.at).map(|step| &step.act) {
            self.before.clear();
            self.last = None;
            self.advance();
        }
    }

    /// The time of the last [`Move::Pause`] is over. What the server said meanwhile is for the next step.
    pub fn paused(&mut self) {
        if let Some(Act::Pause { .. }) = self.script.steps.get(self.at).map(|step| &step.act) {
            self.advance();
        }
    }

    /// Judges a line, without its end, by the step that awaits it.
    pub fn on_line(&mut self, line: &[u8]) -> LineVerdict {
        self.pass_skipped();
        let Some(Act::Expect { rules, .. }) = self.script.steps.get(self.at).map(|step| &step.act) else {
            return LineVerdict::Failed(said("the server spoke out of turn", line));
        };
        let Some(Rule { then, keep, .. }) = rules.iter().find(|rule| begins(line, &rule.prefix)) else {
            return LineVerdict::Failed(said("an answer that does not fit", line));
        };
        let (then, keep) = (*then, *keep);
        if !self.keep(keep, line) {
            return LineVerdict::Failed(format!("more than {KEPT_BYTES_MAX} bytes of lines to keep"));
        }
        match then {
            Then::Accept => {
                self.advance();
                LineVerdict::Next
            }
            Then::Refuse => LineVerdict::Refused,
            Then::Fail => LineVerdict::Failed(said("the server cannot now", line)),
            Then::Skip if self.skipped == SKIPPED_LINES_MAX => {
                LineVerdict::Failed(format!("more than {SKIPPED_LINES_MAX} lines before an answer"))
            }
            Then::Skip => {
                self.skipped += 1;
                LineVerdict::More
            }
        }
    }

    /// The index of the step that is played now; the number of steps once it is done.
    #[must_use]
    pub fn step_index(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    /// The kept lines as the client gets them when the splice opens, each with CRLF.
    #[must_use]
    pub fn last_words(&self) -> Vec<u8> {
        self.kept().flat_map(|line| [line, b"\r\n"]).collect::<Vec<_>>().concat()
    }

    /// The kept lines as a probe gives them, in the same order.
    #[must_use]
    pub fn captured(&self) -> Vec<String> {
        self.kept().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    fn kept(&self) -> impl Iterator<Item = &[u8]> {
        self.before.iter().chain(&self.last).map(Vec::as_slice)
    }

    fn keep(&mut self, keep: Keep, line: &[u8]) -> bool {
        match keep {
            Keep::Not => return true,
            Keep::Before => self.before.push(clean_line(line, SERVER_LINE_BYTES_MAX)),
            Keep::Final => self.last = Some(clean_line(without_literal(line), SERVER_LINE_BYTES_MAX)),
        }
        // Empty lines count as well: by their end.
        self.kept().map(|line| line.len() + 2).sum::<usize>() <= KEPT_BYTES_MAX
    }

    fn pass_skipped(&mut self) {
        while let Some(step) = self.script.steps.get(self.at) {
            let Some(last) = self.last.as_deref() else { return };
            if !contains(last, &step.unless_final_has) {
                return;
            }
            self.advance();
        }
    }

    fn advance(&mut self) {
        self.at += 1;
        self.skipped = 0;
    }
}

fn begins(line: &[u8], prefix: &[u8]) -> bool {
    line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Nothing contains the empty text: it stands for a step without a condition.
fn contains(line: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && line.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

fn said(what: &str, line: &[u8]) -> String {
    format!("{what}: {}", String::from_utf8_lossy(&clean_line(line, DETAIL_BYTES_MAX)))
}

/// The client gets a kept line as one line: words in a literal (RFC 5804 section 1.6) stay behind.
fn without_literal(line: &[u8]) -> &[u8] {
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else { return line };
    let head = line.get(..end).unwrap_or(line);
    let announced = head.iter().rposition(|byte| *byte == b'{').and_then(|at| head.get(..at));
    announced.unwrap_or(head).trim_ascii_end()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::script::encode::{expect, expect_within, pause, script, send, send_unless, start_tls};

    const ACCEPT: u8 = 1;
    const REFUSE: u8 = 2;
    const FAIL: u8 = 3;
    const SKIP: u8 = 4;
    const BEFORE: u8 = 1;
    const FINAL: u8 = 2;

    fn run(steps: &[Vec<u8>]) -> ScriptRun {
        ScriptRun::new(Script::decode(&script(steps)).unwrap())
    }

    fn login() -> ScriptRun {
        run(&[
            expect(&[(ACCEPT, 0, "* OK"), (FAIL, 0, "* BYE")]),
            send(b"L LOGIN a b\r\n"),
            expect(&[
                (SKIP, BEFORE, "* CAPABILITY"),
                (ACCEPT, FINAL, "L OK"),
                (REFUSE, 0, "L NO"),
                (FAIL, 0, "L BAD"),
            ]),
            send_unless("[capability", b"C CAPABILITY\r\n"),
            expect_within(700, "[capability", &[(SKIP, BEFORE, "* CAPABILITY"), (ACCEPT, 0, "C OK")]),
        ])
    }

    fn at_login_answer() -> ScriptRun {
        let mut run = login();
        assert_eq!(run.next(), Move::Await { timeout_ms: 5000 });
        assert_eq!(run.on_line(b"* ok ready"), LineVerdict::Next);
        assert_eq!(run.next(), Move::Send(b"L LOGIN a b\r\n"));
        run.sent();
        assert_eq!(run.next(), Move::Await { timeout_ms: 5000 });
        run
    }

    #[test]
    fn a_login_is_played_to_its_end() {
        let mut run = at_login_answer();
        assert_eq!(run.on_line(b"L OK Logged in"), LineVerdict::Next);
        assert_eq!(run.next(), Move::Send(b"C CAPABILITY\r\n"));
        run.sent();
        assert_eq!(run.next(), Move::Await { timeout_ms: 700 });
        assert_eq!(run.on_line(b"* CAPABILITY IMAP4rev1 IDLE"), LineVerdict::More);
        assert_eq!((run.step_index(), run.next()), (4, Move::Await { timeout_ms: 700 }));
        assert_eq!(run.on_line(b"C OK done"), LineVerdict::Next);
        assert_eq!(run.next(), Move::Done);
        assert_eq!(run.step_index(), 5);
        // What is kept before stands before what is kept as final, whichever came first.
        assert_eq!(run.last_words(), b"* CAPABILITY IMAP4rev1 IDLE\r\nL OK Logged in\r\n");
        assert_eq!(run.captured(), ["* CAPABILITY IMAP4rev1 IDLE", "L OK Logged in"]);
    }

    #[test]
    fn steps_that_the_kept_line_makes_needless_are_skipped() {
        let mut run = at_login_answer();
        assert_eq!(run.on_line(b"L OK [CAPABILITY IMAP4rev1] in"), LineVerdict::Next);
        assert_eq!(run.next(), Move::Done);
        assert_eq!(run.step_index(), 5);
    }

    #[test]
    fn only_the_line_kept_as_final_makes_steps_needless() {
        let mut run = at_login_answer();
        assert_eq!(run.on_line(b"* CAPABILITY [CAPABILITY"), LineVerdict::More);
        assert_eq!(run.on_line(b"L OK"), LineVerdict::Next);
        assert_eq!(run.next(), Move::Send(b"C CAPABILITY\r\n"));
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let mut run = run(&[expect(&[
            (SKIP, 0, "* OK [ALERT]"),
            (ACCEPT, 0, "* OK"),
            (REFUSE, 0, "* O"),
            (FAIL, 0, ""),
        ])]);
        assert_eq!(run.on_line(b"* OK [alert] soon"), LineVerdict::More);
        assert_eq!(run.on_line(b"* O"), LineVerdict::Refused);
        assert!(matches!(run.on_line(b"*"), LineVerdict::Failed(_)), "shorter than the other prefixes");
        assert_eq!(run.on_line(b"* OK"), LineVerdict::Next);
    }

    #[test]
    fn a_refusal_and_a_failure_stay_at_their_step() {
        let mut run = at_login_answer();
        assert_eq!((run.on_line(b"L NO bad password"), run.step_index()), (LineVerdict::Refused, 2));
        let failed = LineVerdict::Failed("the server cannot now: L BAD too many".into());
        assert_eq!((run.on_line(b"L BAD\x1b too many"), run.step_index()), (failed, 2));
    }

    #[test]
    fn a_line_that_no_rule_fits_fails_with_the_line_made_clean_and_short() {
        let mut run = login();
        let line = [b"* PREAUTH \x07".as_slice(), &[b'x'; 1000]].concat();
        let LineVerdict::Failed(detail) = run.on_line(&line) else { panic!() };
        assert!(detail.starts_with("an answer that does not fit: * PREAUTH xxx"), "{detail}");
        assert!(detail.len() <= 256, "{}", detail.len());
    }

    #[test]
    fn a_server_that_speaks_while_it_is_our_turn_fails() {
        let mut run = login();
        assert_eq!(run.on_line(b"* OK"), LineVerdict::Next);
        let failed = LineVerdict::Failed("the server spoke out of turn: * 1 EXISTS".into());
        assert_eq!(run.on_line(b"* 1 EXISTS"), failed);
    }

    #[test]
    fn each_wait_takes_64_skipped_lines_and_not_one_more() {
        let wait = || expect(&[(SKIP, 0, "* "), (ACCEPT, 0, "")]);
        let mut run = run(&[wait(), wait()]);
        for _ in 0..SKIPPED_LINES_MAX {
            assert_eq!(run.on_line(b"* x"), LineVerdict::More);
        }
        assert_eq!(run.on_line(b"done"), LineVerdict::Next, "the answer may still come");
        for _ in 0..SKIPPED_LINES_MAX {
            assert_eq!(run.on_line(b"* x"), LineVerdict::More, "each step counts from nothing");
        }
        assert!(matches!(run.on_line(b"* x"), LineVerdict::Failed(_)));
    }

    #[test]
    fn kept_lines_may_have_16_kib_with_their_ends() {
        for (last, fits) in [(KEPT_BYTES_MAX / 2 - 2, true), (KEPT_BYTES_MAX / 2 - 1, false)] {
            let mut run = run(&[expect(&[(SKIP, BEFORE, "x"), (ACCEPT, FINAL, "y")])]);
            assert_eq!(run.on_line(&vec![b'x'; KEPT_BYTES_MAX / 2 - 2]), LineVerdict::More);
            let verdict = run.on_line(&vec![b'y'; last]);
            assert_eq!(verdict == LineVerdict::Next, fits, "{verdict:?}");
            assert_eq!(matches!(verdict, LineVerdict::Failed(_)), !fits);
        }
    }

    #[test]
    fn a_later_final_line_takes_the_place_of_the_one_before() {
        let mut run = run(&[expect(&[(ACCEPT, FINAL, "a")]), expect(&[(ACCEPT, FINAL, "b")])]);
        run.on_line(b"a");
        run.on_line(b"b\x1b[1m\xff");
        assert_eq!(run.last_words(), b"b[1m?\r\n");
    }

    #[test]
    fn v02_what_was_kept_in_clear_is_forgotten_when_tls_stands() {
        let mut run = run(&[
            expect(&[(SKIP, BEFORE, "* "), (ACCEPT, FINAL, "S OK")]),
            start_tls(),
            send_unless("S OK", b"L LOGIN\r\n"),
        ]);
        run.on_line(b"* CAPABILITY AUTH=EVIL");
        run.on_line(b"S OK [REFERRAL imap://evil/]");
        assert_eq!(run.next(), Move::StartTls);
        run.sent();
        assert_eq!(run.next(), Move::StartTls, "only TLS moves this step on");
        run.tls_started();
        assert_eq!((run.captured().len(), run.next()), (0, Move::Send(b"L LOGIN\r\n")));
    }

    #[test]
    fn a_pause_is_over_when_it_is_said_to_be() {
        let mut run = run(&[pause(250), send(b"q LOGOUT\r\n")]);
        assert_eq!(run.next(), Move::Pause { ms: 250 });
        run.sent();
        assert_eq!(run.next(), Move::Pause { ms: 250 }, "only the pause's own end moves it on");
        run.paused();
        assert_eq!(run.next(), Move::Send(b"q LOGOUT\r\n"));
    }

    #[test]
    fn moves_that_were_not_asked_for_change_nothing() {
        let mut run = login();
        run.sent();
        run.tls_started();
        run.paused();
        assert_eq!(run.next(), Move::Await { timeout_ms: 5000 });
        assert_eq!(run.step_index(), 0);
    }

    #[test]
    fn sent_bytes_are_gone_from_the_script() {
        let mut run = run(&[send(b"hunter2"), send(b"x")]);
        run.sent();
        let Act::Send(bytes) = &run.script.steps[0].act else { panic!() };
        assert!(bytes.is_empty(), "zeroize empties what it has overwritten");
        assert_eq!(run.next(), Move::Send(b"x"));
    }

    #[test]
    fn a_script_without_steps_is_done() {
        assert_eq!(run(&[]).next(), Move::Done);
    }
}
