//! Goodbyes in the other login protocols: POP3, ManageSieve, submission. Each hears its own words, where
//! its protocol has a place for them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::HashMap;

use postern_engine::config::Words;
use postern_engine::end_reason::EndReason;
use postern_engine::selection::Selection;
use support::{Bench, HOME, Server, Talk, Worker, kick, limits, script_of, start_as};

const WINDOW_MS: u64 = 60_000;

/// How a protocol logs in, and what it says to one who is kicked.
struct Door {
    protocol: u8,
    greeting: &'static str,
    login: &'static str,
    answers: [&'static str; 2],
    kicked: &'static str,
}

const POP3: Door = Door {
    protocol: 2,
    greeting: "+OK ready",
    login: "PASS x",
    answers: ["+OK", "-ERR"],
    kicked: "-ERR [SYS/TEMP] kicked\r\n",
};
const SIEVE: Door = Door {
    protocol: 3,
    greeting: "OK ready",
    login: "AUTHENTICATE x",
    answers: ["OK", "NO"],
    kicked: "BYE \"kicked\"\r\n",
};
const SUBMISSION: Door = Door {
    protocol: 4,
    greeting: "220 ready",
    login: "AUTH PLAIN x",
    answers: ["235", "535"],
    kicked: "421 4.3.2 kicked\r\n",
};

/// An engine that speaks this protocol, and a session that is spliced.
struct Site {
    bench: Bench,
    _worker: Worker,
    client: Talk,
    inside: Talk,
}

fn spliced(door: &Door) -> Site {
    let bench = start_as(limits(), |config| {
        let words = HashMap::from([(EndReason::Kicked.code(), door.kicked.as_bytes().to_vec())]);
        config.frontends[0].protocol = door.protocol;
        config.frontends[0].words = Words::new(words);
    });
    let server = Server::start();
    bench.publish(&[server.address], 0, 1);
    let mut worker = bench.worker(0);
    let mut client = bench.client();
    client.say("login\r\n");
    let login = worker.greet();
    worker.hand_off_by(&login, HOME, &script_of(door.greeting, door.login, door.answers));
    let mut inside = server.accept();
    inside.say(&format!("{}\r\n", door.greeting));
    assert_eq!(inside.line(), door.login);
    inside.say(&format!("{} in\r\n", door.answers[0]));
    assert_eq!((client.line(), client.line()), ("* OK ready".into(), format!("{} in", door.answers[0])));
    worker.expect(7);
    Site { bench, _worker: worker, client, inside }
}

impl Site {
    fn asks(&mut self, text: &str) {
        self.client.say(text);
        assert_eq!(self.inside.exactly(text.len()), text.as_bytes());
    }

    fn answers(&mut self, text: &str) {
        self.inside.say(text);
        assert_eq!(self.client.exactly(text.len()), text.as_bytes());
    }

    fn told(&self, window_ms: u64) {
        assert_eq!(self.bench.goodbye(&Selection::default(), kick(window_ms)).len(), 1);
    }

    fn ends_with(mut self, words: &str) {
        assert_eq!(String::from_utf8(self.client.rest()).unwrap(), words);
        self.bench.wait_for_end(EndReason::Kicked.code() as usize, 1);
        assert_eq!(self.inside.rest(), b"", "the server gets nothing more");
        let counters = &self.bench.engine.counters;
        let told = (counters.goodbyes_worded.get(), counters.goodbyes_plain.get());
        assert_eq!(told, if words.is_empty() { (0, 1) } else { (1, 0) });
    }
}

#[test]
fn pop3_the_next_command_is_refused_and_never_reaches_the_server() {
    let mut site = spliced(&POP3);
    site.asks("RETR 1\r\n");
    site.told(WINDOW_MS);
    site.answers("+OK\r\na mail\r\n");
    site.answers("..\r\n.\r\n");
    site.client.say("DELE 1\r\nQUIT\r\n");
    site.ends_with(POP3.kicked);
}

#[test]
fn pop3_a_client_that_asks_nothing_is_closed_without_a_word() {
    let site = spliced(&POP3);
    site.told(WINDOW_MS);
    site.bench.engine.clock.advance(2_000);
    site.ends_with("");
}

#[test]
fn pop3_quit_is_let_through_and_its_answer_is_the_servers() {
    let mut site = spliced(&POP3);
    site.asks("DELE 1\r\n");
    site.told(WINDOW_MS);
    site.answers("+OK marked\r\n");
    site.asks("QUIT\r\n");
    site.bench.engine.clock.advance(WINDOW_MS + 1_000);
    site.answers("+OK bye\r\n");
    drop(site.inside);
    assert_eq!(site.client.rest(), b"");
}

#[test]
fn pop3_an_answer_that_never_comes_is_given_by_us_when_the_window_is_over() {
    let mut site = spliced(&POP3);
    site.asks("RETR 1\r\n");
    site.told(WINDOW_MS);
    site.bench.engine.clock.advance(WINDOW_MS + 1_000);
    site.ends_with(POP3.kicked);
}

#[test]
fn pop3_in_the_middle_of_a_mail_the_end_of_the_window_closes_without_words() {
    let mut site = spliced(&POP3);
    site.asks("RETR 1\r\n");
    site.answers("+OK\r\n-ERR\r\nhalf a mail\r\n");
    site.told(WINDOW_MS);
    site.bench.engine.clock.advance(WINDOW_MS + 1_000);
    site.ends_with("");
}

#[test]
fn sieve_bye_comes_behind_the_answer_that_is_under_way() {
    let mut site = spliced(&SIEVE);
    site.asks("PUTSCRIPT \"a\" {4+}\r\nkeep");
    site.told(WINDOW_MS);
    site.asks("\r\n");
    site.answers("OK");
    site.inside.say(" \"done\"\r\n");
    site.ends_with(&format!(" \"done\"\r\n{}", SIEVE.kicked));
}

#[test]
fn submission_a_transaction_is_finished_and_the_message_has_its_answer_first() {
    let mut site = spliced(&SUBMISSION);
    site.asks("MAIL FROM:<a@b>\r\n");
    site.told(WINDOW_MS);
    site.answers("250 OK\r\n");
    site.asks("RCPT TO:<c@d>\r\nDATA\r\n");
    site.answers("250 OK\r\n354 go\r\n");
    site.asks("Subject: x\r\n\r\nhello\r\n.\r\n");
    // Beyond the window: only the server knows whether it has the message.
    site.bench.engine.clock.advance(WINDOW_MS + 10_000);
    site.answers("250 2.0.0 queued\r");
    site.inside.say("\n");
    site.ends_with(&format!("\n{}", SUBMISSION.kicked));
}

#[test]
fn submission_an_answer_that_never_comes_is_not_made_up() {
    let mut site = spliced(&SUBMISSION);
    site.asks("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 5 LAST\r\nhello");
    site.answers("250 OK\r\n250 OK\r\n");
    site.told(WINDOW_MS);
    site.bench.engine.clock.advance(WINDOW_MS + 31_000);
    site.ends_with("");
}

#[test]
fn submission_between_two_transactions_it_goes_at_once_and_in_one_when_the_window_is_over() {
    let site = spliced(&SUBMISSION);
    site.told(WINDOW_MS);
    site.ends_with(SUBMISSION.kicked);
    let mut site = spliced(&SUBMISSION);
    site.asks("MAIL FROM:<a@b>\r\n");
    site.answers("250 OK\r\n");
    site.told(WINDOW_MS);
    site.bench.engine.clock.advance(WINDOW_MS + 1_000);
    site.ends_with(SUBMISSION.kicked);
}

#[test]
fn a_goodbye_to_one_protocol_leaves_the_others() {
    let mut site = spliced(&POP3);
    let imap = Selection { protocol: Some(1), server: Some(0), ..Selection::default() };
    assert_eq!(site.bench.goodbye(&imap, kick(0)).len(), 0);
    site.asks("NOOP\r\n");
    let pop3 = Selection { protocol: Some(2), ..imap };
    assert_eq!(site.bench.goodbye(&pop3, kick(0)).len(), 1);
    site.ends_with(POP3.kicked);
}
