//! The stub's POP3 (RFC 1939, 2449, 5034): a mailbox of three messages that nobody reads.

use super::lines::Lines;
use super::{Conversation, Next, split_word};

/// One client's POP3.
#[derive(Default)]
pub struct Pop3 {
    lines: Lines,
    session: Session,
}

impl Conversation for Pop3 {
    fn take(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> Next {
        let Self { lines, session } = self;
        lines.take(bytes, |line| session.answer(line, output))
    }

    fn take_logins(&mut self) -> usize {
        std::mem::take(&mut self.session.logins)
    }
}

#[derive(Default)]
struct Session {
    state: State,
    logins: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Authorization,
    /// Behind a USER.
    Named,
    /// Behind `AUTH PLAIN` without an initial response.
    Sasl,
    Transaction,
}

impl Session {
    fn answer(&mut self, line: &[u8], output: &mut Vec<u8>) -> Next {
        if self.state == State::Sasl {
            self.end_sasl(line, output);
            return Next::Read;
        }
        let (verb, rest) = split_word(line);
        let verb = verb.to_ascii_uppercase();
        match (verb.as_slice(), self.state, rest.is_empty()) {
            (b"QUIT", _, true) => {
                output.extend_from_slice(b"+OK until later\r\n");
                return Next::Close;
            }
            (b"CAPA", _, true) => output.extend_from_slice(CAPABILITIES),
            (b"USER", State::Authorization | State::Named, false) => {
                self.state = State::Named;
                output.extend_from_slice(b"+OK whose\r\n");
            }
            (b"PASS", State::Named, false) => self.log_in(output),
            (b"AUTH", State::Authorization | State::Named, false) => self.authenticate(rest, output),
            (b"NOOP", State::Transaction, true) => output.extend_from_slice(b"+OK done\r\n"),
            (b"STAT", State::Transaction, true) => output.extend_from_slice(b"+OK 3 12288\r\n"),
            _ => output.extend_from_slice(b"-ERR not understood, or not now\r\n"),
        }
        Next::Read
    }

    fn authenticate(&mut self, rest: &[u8], output: &mut Vec<u8>) {
        let (mechanism, initial) = split_word(rest);
        if !mechanism.eq_ignore_ascii_case(b"PLAIN") {
            output.extend_from_slice(b"-ERR only PLAIN\r\n");
        } else if initial.is_empty() {
            output.extend_from_slice(b"+ \r\n");
            self.state = State::Sasl;
        } else {
            self.log_in(output);
        }
    }

    fn end_sasl(&mut self, line: &[u8], output: &mut Vec<u8>) {
        if line == b"*" {
            output.extend_from_slice(b"-ERR cancelled\r\n");
            self.state = State::Authorization;
        } else {
            self.log_in(output);
        }
    }

    fn log_in(&mut self, output: &mut Vec<u8>) {
        self.state = State::Transaction;
        self.logins += 1;
        output.extend_from_slice(b"+OK 3 messages\r\n");
    }
}

pub const GREETING: &[u8] = b"+OK stub ready\r\n";
const CAPABILITIES: &[u8] = b"+OK\r\nTOP\r\nUIDL\r\nUSER\r\nSASL PLAIN\r\nPIPELINING\r\nRESP-CODES\r\n\
AUTH-RESP-CODE\r\n.\r\n";

#[cfg(test)]
mod tests {
    use super::super::{said, said_singly};
    use super::*;

    const LOGGED_IN: &str = "+OK 3 messages\r\n";

    #[test]
    fn a_login_comes_in_every_shape() {
        for (text, expected) in [
            ("USER ann\r\nPASS pw with blanks\r\n", format!("+OK whose\r\n{LOGGED_IN}")),
            ("user ann\r\nuser bob\r\npass pw\r\n", format!("+OK whose\r\n+OK whose\r\n{LOGGED_IN}")),
            ("AUTH PLAIN AGFubgBwdw==\r\n", LOGGED_IN.to_owned()),
            ("AUTH plain\r\nAGFubgBwdw==\r\n", format!("+ \r\n{LOGGED_IN}")),
            ("AUTH PLAIN\r\n*\r\n", "+ \r\n-ERR cancelled\r\n".to_owned()),
        ] {
            assert_eq!(said(Pop3::default(), &[text]), (expected, Next::Read), "{text}");
        }
    }

    #[test]
    fn what_comes_out_of_order_is_refused() {
        for text in [
            "PASS pw\r\n",
            "STAT\r\n",
            "NOOP\r\n",
            "USER\r\n",
            "AUTH\r\n",
            "AUTH LOGIN\r\n",
            "AUTH PLAIN\r\n*\r\nPASS pw\r\n",
            "AUTH PLAIN eA==\r\nUSER ann\r\n",
            "QUIT now\r\n",
        ] {
            let (output, next) = said(Pop3::default(), &[text]);
            let last = output.lines().last().unwrap_or_default();
            assert!(last.starts_with("-ERR") && next == Next::Read, "{text}: {output}");
        }
    }

    #[test]
    fn a_session_runs_to_its_end_pipelined_or_in_single_bytes() {
        let all = "CAPA\r\nUSER ann\r\nPASS pw\r\nSTAT\r\nNOOP\r\nQUIT\r\nSTAT\r\n";
        let whole = said(Pop3::default(), &[all]);
        assert!(whole.0.starts_with("+OK\r\nTOP\r\n") && whole.0.contains("\r\nSASL PLAIN\r\n"));
        assert!(whole.0.ends_with(
            "\r\n.\r\n+OK whose\r\n+OK 3 messages\r\n+OK 3 12288\r\n+OK done\r\n+OK until later\r\n"
        ));
        assert_eq!(whole.1, Next::Close);
        let until_quit = all.strip_suffix("STAT\r\n").unwrap_or_default();
        assert_eq!(said_singly(Pop3::default(), until_quit), whole);
    }

    #[test]
    fn logins_are_counted_once() {
        let mut conversation = Pop3::default();
        conversation.take(b"USER a\r\nPASS b\r\n", &mut Vec::new());
        assert_eq!([conversation.take_logins(), conversation.take_logins()], [1, 0]);
    }
}
