//! The stub's submission (RFC 6409, 4954, 5321): a message is taken from whoever has logged in, counted and
//! forgotten.

use super::lines::Lines;
use super::{Conversation, Next, split_word};

/// One client's submission.
#[derive(Default)]
pub struct Submission {
    lines: Lines,
    session: Session,
}

impl Conversation for Submission {
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
    reading: Reading,
    transaction: Transaction,
    has_hello: bool,
    logged_in: bool,
    logins: usize,
}

#[derive(Clone, Copy, Default)]
enum Reading {
    #[default]
    Commands,
    /// Behind `AUTH PLAIN` without an initial response.
    Sasl,
    /// Behind a DATA: the bytes of the message so far, its stuffed dots taken out.
    Message { bytes: usize },
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Transaction {
    #[default]
    None,
    Sender,
    Recipient,
}

impl Session {
    fn answer(&mut self, line: &[u8], output: &mut Vec<u8>) -> Next {
        match self.reading {
            Reading::Commands => return self.command(line, output),
            Reading::Sasl => self.end_sasl(line, output),
            Reading::Message { bytes } => self.message_line(bytes, line, output),
        }
        Next::Read
    }

    /// RFC 5321 section 4.5.2: a lone dot ends the message, the first of several dots is no part of it.
    fn message_line(&mut self, bytes: usize, line: &[u8], output: &mut Vec<u8>) {
        if line == b"." {
            output.extend_from_slice(format!("250 2.0.0 took {bytes} bytes\r\n").as_bytes());
            self.reading = Reading::Commands;
            self.transaction = Transaction::None;
        } else {
            let text = line.strip_prefix(b".").unwrap_or(line);
            self.reading = Reading::Message { bytes: bytes + text.len() + b"\r\n".len() };
        }
    }

    fn command(&mut self, line: &[u8], output: &mut Vec<u8>) -> Next {
        let (verb, rest) = split_word(line);
        let verb = verb.to_ascii_uppercase();
        let reply: &[u8] = match verb.as_slice() {
            b"QUIT" => {
                output.extend_from_slice(b"221 2.0.0 until later\r\n");
                return Next::Close;
            }
            b"EHLO" if !rest.is_empty() => {
                self.has_hello = true;
                self.transaction = Transaction::None;
                CAPABILITIES
            }
            b"NOOP" => b"250 2.0.0 done\r\n",
            b"RSET" => {
                self.transaction = Transaction::None;
                b"250 2.0.0 forgotten\r\n"
            }
            b"AUTH" if self.has_hello && !self.logged_in => self.authenticate(rest),
            b"MAIL" | b"RCPT" | b"DATA" if !self.logged_in => b"530 5.7.0 log in first\r\n",
            _ => self.mail_command(&verb, rest),
        };
        output.extend_from_slice(reply);
        Next::Read
    }

    fn mail_command(&mut self, verb: &[u8], rest: &[u8]) -> &'static [u8] {
        match (verb, self.transaction) {
            (b"MAIL", Transaction::None) if is_path(rest, b"FROM:<") => {
                self.transaction = Transaction::Sender;
                b"250 2.1.0 sender taken\r\n"
            }
            (b"RCPT", Transaction::Sender | Transaction::Recipient) if is_path(rest, b"TO:<") => {
                self.transaction = Transaction::Recipient;
                b"250 2.1.5 recipient taken\r\n"
            }
            (b"DATA", Transaction::Recipient) if rest.is_empty() => {
                self.reading = Reading::Message { bytes: 0 };
                b"354 go on\r\n"
            }
            _ => b"503 5.5.1 not understood, or not now\r\n",
        }
    }

    fn authenticate(&mut self, rest: &[u8]) -> &'static [u8] {
        let (mechanism, initial) = split_word(rest);
        if !mechanism.eq_ignore_ascii_case(b"PLAIN") {
            b"504 5.5.4 only PLAIN\r\n"
        } else if initial.is_empty() {
            self.reading = Reading::Sasl;
            b"334 \r\n"
        } else {
            self.log_in()
        }
    }

    fn end_sasl(&mut self, line: &[u8], output: &mut Vec<u8>) {
        self.reading = Reading::Commands;
        let reply = if line == b"*" { b"501 5.7.0 cancelled\r\n" } else { self.log_in() };
        output.extend_from_slice(reply);
    }

    fn log_in(&mut self) -> &'static [u8] {
        self.logged_in = true;
        self.logins += 1;
        b"235 2.7.0 logged in\r\n"
    }
}

/// `FROM:<...>` or `TO:<...>`, whatever parameters follow.
fn is_path(text: &[u8], start: &[u8]) -> bool {
    let Some((word, rest)) = text.split_at_checked(start.len()) else { return false };
    word.eq_ignore_ascii_case(start) && rest.contains(&b'>')
}

pub const GREETING: &[u8] = b"220 stub ESMTP ready\r\n";
const CAPABILITIES: &[u8] = b"250-stub\r\n250-PIPELINING\r\n250-SIZE 41943040\r\n250-8BITMIME\r\n\
250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN\r\n";

#[cfg(test)]
mod tests {
    use super::super::{said, said_singly};
    use super::*;

    const IN: &str = "EHLO a\r\nAUTH PLAIN AGFubgBwdw==\r\n";

    fn codes(text: &str) -> Vec<String> {
        let (output, _) = said(Submission::default(), &[text]);
        let last_lines = output.lines().filter(|line| line.get(3..4) == Some(" "));
        last_lines.map(|line| line.chars().take(3).collect()).collect()
    }

    #[test]
    fn a_login_comes_in_every_shape() {
        for (text, expected) in [
            ("EHLO a\r\nAUTH PLAIN AGFubgBwdw==\r\n", vec!["250", "235"]),
            ("ehlo a\r\nauth plain\r\nAGFubgBwdw==\r\n", vec!["250", "334", "235"]),
            ("EHLO a\r\nAUTH PLAIN\r\n*\r\nMAIL FROM:<a>\r\n", vec!["250", "334", "501", "530"]),
            ("EHLO a\r\nAUTH LOGIN\r\n", vec!["250", "504"]),
            ("AUTH PLAIN AGFubgBwdw==\r\n", vec!["503"]),
            ("EHLO a\r\nAUTH PLAIN x\r\nAUTH PLAIN x\r\n", vec!["250", "235", "503"]),
        ] {
            assert_eq!(codes(text), expected, "{text}");
        }
    }

    #[test]
    fn a_transaction_keeps_its_order() {
        for (text, expected) in [
            ("MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n.\r\n", "250 250 250 354 250"),
            ("mail from:<> SIZE=1\r\nrset\r\nRCPT TO:<b>\r\n", "250 250 503"),
            ("MAIL FROM:<a>\r\nEHLO a\r\nRCPT TO:<b>\r\n", "250 250 503"),
            ("MAIL FROM:<a>\r\nMAIL FROM:<a>\r\nDATA\r\n", "250 503 503"),
            ("MAIL FROM:a\r\nMAIL FROM:<a\r\nMAIL\r\nRCPT TO:<b>\r\n", "503 503 503 503"),
            ("DATA\r\nNOOP\n\r\n", "503 503"),
        ] {
            let expected: Vec<&str> = ["250", "235"].into_iter().chain(expected.split(' ')).collect();
            assert_eq!(codes(&format!("{IN}{text}")), expected, "{text}");
        }
    }

    #[test]
    fn a_message_is_counted_as_its_author_wrote_it() {
        for (message, bytes) in
            [("", 0), ("a\r\n", 3), ("..\r\n..b\r\n", 7), (".\n\r\n", 3), ("a\n.\r\n\r\nQUIT\r\n", 13)]
        {
            let text = format!("{IN}MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n{message}.\r\nQUIT\r\n");
            let (output, next) = said(Submission::default(), &[&text]);
            let end = format!("354 go on\r\n250 2.0.0 took {bytes} bytes\r\n221 2.0.0 until later\r\n");
            assert!(output.ends_with(&end) && next == Next::Close, "{message:?}: {output}");
            assert_eq!(said_singly(Submission::default(), &text), (output, Next::Close));
        }
    }

    #[test]
    fn logins_are_counted_once() {
        let mut conversation = Submission::default();
        conversation.take(IN.as_bytes(), &mut Vec::new());
        assert_eq!([conversation.take_logins(), conversation.take_logins()], [1, 0]);
    }
}
