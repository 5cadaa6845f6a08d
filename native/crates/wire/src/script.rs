//! Decodes a handoff script, as `encodeScript` of `gateway/model/handoff-script.ts` writes it. Playing it is
//! for `script_run`; what the steps say is for the front that wrote them.
//!
//! A script that does not decode is a mistake of ours, not of a client: the handoff ends, with the fault
//! in the log. Bytes to send may be passwords: they are overwritten when dropped, and never printed.

use std::fmt;
use zeroize::Zeroizing;

/// Submission with STARTTLS, XCLIENT and a LOGIN has 18.
pub const SCRIPT_STEPS_MAX: usize = 20;
/// A login's secrets (64 KiB of SASL) and what stands around them.
pub const SCRIPT_BYTES_MAX: usize = 96 * 1024;
/// No front waits longer for one answer: a mailbox that is opened from cold storage takes a minute or two.
pub const AWAIT_MS_MAX: u32 = 10 * 60 * 1000;
/// A pause is for probes that stand beside one another for a moment; no session has one.
pub const PAUSE_MS_MAX: u32 = 10 * 1000;

/// A decoded script.
#[derive(Debug)]
pub struct Script {
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The step is skipped when the line kept as final contains this; empty for never.
    pub unless_final_has: Vec<u8>,
    pub act: Act,
}

#[derive(Clone)]
pub(crate) enum Act {
    Send(Zeroizing<Vec<u8>>),
    Expect { timeout_ms: u32, rules: Vec<Rule> },
    StartTls,
    Pause { ms: u32 },
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub then: Then,
    pub keep: Keep,
    pub prefix: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Accept,
    Refuse,
    Fail,
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Not,
    Before,
    Final,
}

/// Why bytes are no script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptFault {
    TooLong(usize),
    CutShort,
    BytesBehind(usize),
    TooManySteps(u8),
    UnknownStep(u8),
    UnknownAction(u8),
    UnknownKeep(u8),
    /// An expect that no line can meet.
    NoRules,
    /// A wait of nothing, or of more than [`AWAIT_MS_MAX`].
    TimeoutOutOfRange(u32),
    /// The same, with [`PAUSE_MS_MAX`].
    PauseOutOfRange(u32),
    StartTlsTwice,
}

impl Script {
    /// Decodes `bytes`, all of them. The caller overwrites its own copy.
    ///
    /// # Errors
    /// The first fault found; nothing of the bytes is in it but a number.
    pub fn decode(bytes: &[u8]) -> Result<Self, ScriptFault> {
        if bytes.len() > SCRIPT_BYTES_MAX {
            return Err(ScriptFault::TooLong(bytes.len()));
        }
        let mut reader = Reader { rest: bytes };
        let count = reader.u8()?;
        if usize::from(count) > SCRIPT_STEPS_MAX {
            return Err(ScriptFault::TooManySteps(count));
        }
        let steps = (0..count).map(|_| reader.step()).collect::<Result<Vec<_>, _>>()?;
        if !reader.rest.is_empty() {
            return Err(ScriptFault::BytesBehind(reader.rest.len()));
        }
        if steps.iter().filter(|step| matches!(step.act, Act::StartTls)).count() > 1 {
            return Err(ScriptFault::StartTlsTwice);
        }
        Ok(Self { steps })
    }

    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// A copy of what is said up to TLS and with it; nothing of a script without TLS. No secret is in it:
    /// what stands before TLS goes out in clear.
    #[must_use]
    pub fn opening(&self) -> Self {
        let until = self.steps.iter().position(|step| matches!(step.act, Act::StartTls));
        let steps = until.and_then(|at| self.steps.get(..=at)).unwrap_or_default();
        Self { steps: steps.to_vec() }
    }
}

/// `rest` is what is not decoded yet.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> Result<Step, ScriptFault> {
        let kind = self.u8()?;
        let unless_final_has = self.short()?.to_vec();
        let act = match kind {
            SEND => {
                let length = usize::try_from(self.u32()?).map_err(|_| ScriptFault::CutShort)?;
                Act::Send(Zeroizing::new(self.bytes(length)?.to_vec()))
            }
            EXPECT => self.expect_step()?,
            START_TLS => Act::StartTls,
            PAUSE => self.pause_step()?,
            other => return Err(ScriptFault::UnknownStep(other)),
        };
        Ok(Step { unless_final_has, act })
    }

    fn expect_step(&mut self) -> Result<Act, ScriptFault> {
        let timeout_ms = self.u32()?;
        if timeout_ms == 0 || timeout_ms > AWAIT_MS_MAX {
            return Err(ScriptFault::TimeoutOutOfRange(timeout_ms));
        }
        let count = self.u8()?;
        if count == 0 {
            return Err(ScriptFault::NoRules);
        }
        let rules = (0..count).map(|_| self.rule()).collect::<Result<Vec<_>, _>>()?;
        Ok(Act::Expect { timeout_ms, rules })
    }

    fn pause_step(&mut self) -> Result<Act, ScriptFault> {
        match self.u32()? {
            ms @ 1..=PAUSE_MS_MAX => Ok(Act::Pause { ms }),
            ms => Err(ScriptFault::PauseOutOfRange(ms)),
        }
    }

    fn rule(&mut self) -> Result<Rule, ScriptFault> {
        let then = match self.u8()? {
            1 => Then::Accept,
            2 => Then::Refuse,
            3 => Then::Fail,
            4 => Then::Skip,
            other => return Err(ScriptFault::UnknownAction(other)),
        };
        let keep = match self.u8()? {
            0 => Keep::Not,
            1 => Keep::Before,
            2 => Keep::Final,
            other => return Err(ScriptFault::UnknownKeep(other)),
        };
        Ok(Rule { then, keep, prefix: self.short()?.to_vec() })
    }

    fn short(&mut self) -> Result<&'a [u8], ScriptFault> {
        let length = usize::from(self.u8()?);
        self.bytes(length)
    }

    fn u8(&mut self) -> Result<u8, ScriptFault> {
        let (first, rest) = self.rest.split_first().ok_or(ScriptFault::CutShort)?;
        self.rest = rest;
        Ok(*first)
    }

    fn u32(&mut self) -> Result<u32, ScriptFault> {
        let (four, rest) = self.rest.split_first_chunk::<4>().ok_or(ScriptFault::CutShort)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*four))
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], ScriptFault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ScriptFault::CutShort)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(out, "Send({} bytes)", bytes.len()),
            Self::Expect { timeout_ms, rules } => write!(out, "Expect({timeout_ms} ms, {rules:?})"),
            Self::StartTls => out.write_str("StartTls"),
            Self::Pause { ms } => write!(out, "Pause({ms} ms)"),
        }
    }
}

impl fmt::Display for ScriptFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(out, "a script of {bytes} bytes; at most {SCRIPT_BYTES_MAX}"),
            Self::CutShort => out.write_str("a script that is cut short"),
            Self::BytesBehind(bytes) => write!(out, "{bytes} bytes behind the script's last step"),
            Self::TooManySteps(steps) => write!(out, "a script of {steps} steps; at most {SCRIPT_STEPS_MAX}"),
            Self::UnknownStep(kind) => write!(out, "a step of unknown kind {kind}"),
            Self::UnknownAction(action) => write!(out, "a rule with unknown action {action}"),
            Self::UnknownKeep(keep) => write!(out, "a rule with unknown keep {keep}"),
            Self::NoRules => out.write_str("an expect step without rules"),
            Self::TimeoutOutOfRange(ms) => write!(out, "a timeout of {ms} ms; 1 to {AWAIT_MS_MAX}"),
            Self::PauseOutOfRange(ms) => write!(out, "a pause of {ms} ms; 1 to {PAUSE_MS_MAX}"),
            Self::StartTlsTwice => out.write_str("a script that starts TLS twice"),
        }
    }
}

impl std::error::Error for ScriptFault {}

const SEND: u8 = 1;
const EXPECT: u8 = 2;
const START_TLS: u8 = 3;
const PAUSE: u8 = 4;

/// Writes scripts as `encodeScript` does, for the tests of both script files.
#[cfg(test)]
pub(crate) mod encode {
    pub fn script(steps: &[Vec<u8>]) -> Vec<u8> {
        [&[u8::try_from(steps.len()).unwrap_or(u8::MAX)], &steps.concat()[..]].concat()
    }

    pub fn send(bytes: &[u8]) -> Vec<u8> {
        send_unless("", bytes)
    }

    pub fn send_unless(unless: &str, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        [&[1], &short(unless)[..], &length, bytes].concat()
    }

    /// Rules are `(action, keep, prefix)`.
    pub fn expect(rules: &[(u8, u8, &str)]) -> Vec<u8> {
        expect_within(5000, "", rules)
    }

    pub fn expect_within(timeout_ms: u32, unless: &str, rules: &[(u8, u8, &str)]) -> Vec<u8> {
        let mut bytes = [&[2], &short(unless)[..], &timeout_ms.to_le_bytes()].concat();
        bytes.push(u8::try_from(rules.len()).unwrap_or(u8::MAX));
        for (action, keep, prefix) in rules {
            bytes.extend([*action, *keep]);
            bytes.extend(short(prefix));
        }
        bytes
    }

    pub fn start_tls() -> Vec<u8> {
        vec![3, 0]
    }

    pub fn pause(ms: u32) -> Vec<u8> {
        [&[4, 0], &ms.to_le_bytes()[..]].concat()
    }

    fn short(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap_or(u8::MAX)], text.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::encode::{expect, expect_within, pause, script, send, send_unless, start_tls};
    use super::*;

    #[test]
    fn every_field_is_where_the_encoder_puts_it() {
        let rules = [(1, 2, "L OK"), (2, 0, "L NO"), (3, 0, ""), (4, 1, "* ")];
        let bytes = script(&[
            send_unless("SASL", b"L LOGIN\r\n"),
            expect_within(0x0001_0203, "x", &rules),
            start_tls(),
        ]);
        let Script { steps } = Script::decode(&bytes).unwrap();
        assert_eq!(steps[0].unless_final_has, b"SASL");
        assert!(matches!(&steps[0].act, Act::Send(sent) if sent[..] == b"L LOGIN\r\n"[..]));
        let Act::Expect { timeout_ms: 0x0001_0203, rules } = &steps[1].act else { panic!("{:?}", steps[1]) };
        assert_eq!(
            rules.iter().map(|rule| rule.then).collect::<Vec<_>>(),
            [Then::Accept, Then::Refuse, Then::Fail, Then::Skip]
        );
        assert_eq!(
            rules.iter().map(|rule| rule.keep).collect::<Vec<_>>(),
            [Keep::Final, Keep::Not, Keep::Not, Keep::Before]
        );
        assert_eq!((&rules[0].prefix[..], &rules[3].prefix[..]), (&b"L OK"[..], &b"* "[..]));
        assert!(matches!(steps[2].act, Act::StartTls));
    }

    #[test]
    fn the_bytes_that_the_gateways_encoder_writes_decode() {
        // encodeScript([{send 'A\r\n'}, {expect [accept '* OK' keep final] within 5000}, {startTls}])
        let bytes = b"\x03\x01\0\x03\0\0\0A\r\n\x02\0\x88\x13\0\0\x01\x01\x02\x04* OK\x03\0";
        let by_hand = script(&[send(b"A\r\n"), expect(&[(1, 2, "* OK")]), start_tls()]);
        assert_eq!(bytes[..], by_hand[..]);
        assert_eq!(Script::decode(bytes).unwrap().steps(), 3);
    }

    #[test]
    fn each_fault_is_named() {
        let ok = || expect(&[(1, 0, "")]);
        for (bytes, fault) in [
            (vec![], ScriptFault::CutShort),
            (vec![21], ScriptFault::TooManySteps(21)),
            (script(&[vec![5, 0]]), ScriptFault::UnknownStep(5)),
            (script(&[vec![0, 0]]), ScriptFault::UnknownStep(0)),
            (script(&[expect(&[(0, 0, "")])]), ScriptFault::UnknownAction(0)),
            (script(&[expect(&[(5, 0, "")])]), ScriptFault::UnknownAction(5)),
            (script(&[expect(&[(1, 3, "")])]), ScriptFault::UnknownKeep(3)),
            (script(&[expect(&[])]), ScriptFault::NoRules),
            (script(&[expect_within(0, "", &[(1, 0, "")])]), ScriptFault::TimeoutOutOfRange(0)),
            (script(&[expect_within(600_001, "", &[(1, 0, "")])]), ScriptFault::TimeoutOutOfRange(600_001)),
            (script(&[pause(0)]), ScriptFault::PauseOutOfRange(0)),
            (script(&[pause(10_001)]), ScriptFault::PauseOutOfRange(10_001)),
            (script(&[start_tls(), ok(), start_tls()]), ScriptFault::StartTlsTwice),
            ([script(&[ok()]), vec![0, 0]].concat(), ScriptFault::BytesBehind(2)),
            (b"\x01\x01\0\xff\xff\xff\xffx".to_vec(), ScriptFault::CutShort),
        ] {
            assert_eq!(Script::decode(&bytes).unwrap_err(), fault);
            assert!(!fault.to_string().is_empty());
        }
        assert!(Script::decode(&script(&[expect_within(600_000, "", &[(1, 0, "")])])).is_ok());
        assert!(Script::decode(&script(&[pause(10_000)])).is_ok());
    }

    #[test]
    fn a_script_that_ends_anywhere_too_early_is_cut_short() {
        let rules = [(1, 2, "L OK"), (2, 0, "")];
        let bytes = script(&[send_unless("y", b"abc"), expect(&rules), start_tls(), pause(7)]);
        for end in 0..bytes.len() {
            assert_eq!(Script::decode(&bytes[..end]).unwrap_err(), ScriptFault::CutShort, "at {end}");
        }
    }

    #[test]
    fn twenty_steps_and_96_kib_are_taken_and_not_more() {
        assert!(Script::decode(&script(&vec![send(b""); 20])).is_ok());
        assert_eq!(Script::decode(&script(&vec![send(b""); 21])).unwrap_err(), ScriptFault::TooManySteps(21));
        let around = script(&[send(b"")]).len();
        let whole = script(&[send(&vec![b'x'; SCRIPT_BYTES_MAX - around])]);
        assert_eq!((whole.len(), Script::decode(&whole).is_ok()), (SCRIPT_BYTES_MAX, true));
        let longer = script(&[send(&vec![b'x'; SCRIPT_BYTES_MAX - around + 1])]);
        assert_eq!(Script::decode(&longer).unwrap_err(), ScriptFault::TooLong(SCRIPT_BYTES_MAX + 1));
    }

    #[test]
    fn v53_printing_a_script_does_not_show_what_is_sent() {
        let script = Script::decode(&script(&[send(b"hunter2")])).unwrap();
        let printed = format!("{script:?} {script:#?}");
        assert!(
            printed.contains("Send(7 bytes)") && !printed.contains("hunter2") && !printed.contains("104"),
            "{printed}"
        );
    }
}
