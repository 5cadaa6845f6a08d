//! The goodbye tracker of submission: tables of what it says, and real traffic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod recordings;
#[path = "../../../fuzz/checks/tracker.rs"]
#[allow(dead_code)]
mod reference;

use postern_wire::tracker::Boundary::{Between, Inside, Opaque, Owed, Safe};
use postern_wire::tracker::{Boundary, Tracker};
use recordings::{Called, Recording, after};
use reference::check_cuts;
use reference::submission::{SUBMISSION, reply_ends};

const LOGIN: &[u8] = b"235 2.7.0 Logged in.\r\n";
const MAIL: &str = "C: MAIL FROM:<a@b>|RCPT TO:<c@d>|";
const TAKEN: &str = "S: 250 2.1.0 OK|250 2.1.5 OK|";

#[track_caller]
fn says(boundary: Boundary, said: &[&str]) {
    assert_eq!(after(Tracker::submission(LOGIN), said).boundary(), boundary, "{said:?}");
}

#[test]
fn behind_the_login_it_is_safe_and_opaque_where_the_words_are_half() {
    for (words, boundary) in [
        ("", Safe),
        ("235 OK\r\n", Safe),
        ("235-Hello\r\n235 OK\r\n", Safe),
        ("235-Hello\r\n", Opaque),
        ("235 O", Opaque),
        ("+OK\r\n", Opaque),
        ("535 no\r\n", Opaque),
    ] {
        assert_eq!(Tracker::submission(words.as_bytes()).boundary(), boundary, "{words:?}");
    }
}

#[test]
fn it_is_safe_between_two_transactions_only() {
    says(Between, &["C: N"]);
    says(Between, &["C: NOOP|"]);
    says(Safe, &["C: NOOP|", "S: 250 2.0.0 OK|"]);
    says(Safe, &["C: EHLO x|", "S: 250-a|250-SIZE|250 DSN|"]);
    says(Inside, &["C: EHLO x|", "S: 250-a|250-SIZE|"]);
    says(Between, &["C: MAIL FROM:<a@b>|"]);
    says(Between, &["C: MAIL FROM:<a@b>|", "S: 250 OK|"]);
    says(Safe, &["C: MAIL FROM:<a@b>|", "S: 550 no|"]);
    says(Between, &[MAIL, TAKEN]);
    says(Safe, &[MAIL, TAKEN, "C: RSET|", "S: 250|"]);
    says(Between, &[MAIL, TAKEN, "C: RSET|", "S: 500 what|"]);
    says(Safe, &[MAIL, TAKEN, "C: EHLO x|", "S: 250 x|"]);
    says(Between, &[MAIL, TAKEN, "C: NOOP|", "S: 250|"]);
    says(Between, &["C: MAIL FROM:<a@b>|RCPT TO:<c@d>|RCPT TO:<e@f>|", "S: 250|250|"]);
}

#[test]
fn a_message_is_owed_the_servers_answer_from_its_dot_on() {
    let data = [MAIL, TAKEN, "C: DATA|", "S: 354 go|"];
    let with = |more: &[&'static str]| [&data[..], more].concat();
    says(Between, &with(&[]));
    says(Between, &with(&["C: Subject: x||hello|"]));
    says(Between, &with(&["C: x|..|."]));
    says(Between, &with(&["C: x|.\r"]));
    says(Owed, &with(&["C: x|.|"]));
    says(Owed, &with(&["C: .|"]));
    says(Owed, &with(&["C: x|.|MAIL FROM:<a@b>|"]));
    says(Owed, &with(&["C: x|.|", "S: 250 2"]));
    says(Owed, &with(&["C: x|.|", "S: 250-2|"]));
    for answer in ["250 2.0.0 saved", "451 4.3.0 later", "554 5.7.1 no"] {
        says(Safe, &with(&["C: x|.|", &*format!("S: {answer}|").leak()]));
    }
    says(Between, &with(&["C: x|.|MAIL FROM:<a@b>|", "S: 250 saved|"]));
    says(Between, &[MAIL, TAKEN, "C: DATA|"]);
    says(Between, &[MAIL, TAKEN, "C: DATA|", "S: 554 no|"]);
    says(Safe, &[MAIL, TAKEN, "C: DATA|", "S: 554 no|", "C: RSET|", "S: 250|"]);
}

#[test]
fn recipients_and_data_sent_ahead_are_answered_in_order() {
    let ahead = "C: MAIL FROM:<a@b>|RCPT TO:<c@d>|RCPT TO:<e@f>|DATA|";
    says(Between, &[ahead, "S: 250|250|550 no|"]);
    says(Between, &[ahead, "S: 250|250|550 no|354 go|", "C: x|"]);
    says(Owed, &[ahead, "S: 250|250|550 no|354 go|", "C: x|.|"]);
    says(Safe, &[ahead, "S: 550 no|503|503|503 no|"]);
    let many = format!("C: MAIL FROM:<a@b>|{}DATA|", "RCPT TO:<c@d>|".repeat(400));
    says(Between, &[&many, &format!("S: {}", "250|".repeat(401))]);
    says(Owed, &[&many, &format!("S: {}354|", "250|".repeat(401)), "C: .|"]);
    // Behind DATA only its answer says what the next bytes are.
    says(Opaque, &[MAIL, TAKEN, "C: DATA|x"]);
}

#[test]
fn chunks_are_skipped_by_count_and_the_last_one_is_a_message() {
    says(Between, &[MAIL, TAKEN, "C: BDAT 6|RS"]);
    says(Between, &[MAIL, TAKEN, "C: BDAT 6|RSET|", "S: 250 6 octets|"]);
    says(Between, &[MAIL, TAKEN, "C: BDAT 6|RSET|BDAT 3|abc", "S: 250|"]);
    says(Owed, &[MAIL, TAKEN, "C: BDAT 6|RSET|BDAT 3 last|abc", "S: 250|"]);
    says(Owed, &[MAIL, TAKEN, "C: BDAT 0 LAST|"]);
    says(Safe, &[MAIL, TAKEN, "C: BDAT 6 LAST|RSET|", "S: 250 saved|"]);
    says(Safe, &[MAIL, TAKEN, "C: BDAT 6 LAST|RSET|NOOP|", "S: 503 no|250|"]);
    says(Owed, &[MAIL, TAKEN, "C: BURL imap://x LAST|"]);
    says(Between, &[MAIL, TAKEN, "C: BURL imap://x|"]);
    for malformed in [
        "BDAT",
        "BDAT x",
        "BDAT 6x",
        "BDAT 6 LASTS",
        "BDAT 6 LAST 7",
        "BDAT 6 FIRST",
        "BDAT 99999999999999999999",
    ] {
        says(Opaque, &[MAIL, TAKEN, &format!("C: {malformed}|")]);
    }
}

#[test]
fn the_servers_own_goodbye_is_noted() {
    for said in
        [vec!["S: 421 4.3.2 shutting down|"], vec!["C: QUIT|", "S: 221 bye|"], vec!["C: NOOP|", "S: 421|"]]
    {
        assert!(after(Tracker::submission(LOGIN), &said).has_said_bye(), "{said:?}");
    }
    let quoted = ["C: NOOP|", "S: 250 421 is no goodbye|"];
    assert!(!after(Tracker::submission(LOGIN), &quoted).has_said_bye());
}

#[test]
fn what_is_no_grammar_or_changes_the_stream_makes_it_opaque() {
    for said in [
        ["C: |", ""],
        ["C: NOOP\n", ""],
        ["C: NO\0P|", ""],
        ["S: 250 nobody asked|", ""],
        ["C: NOOP|", "S: +OK|"],
        ["C: NOOP|", "S: 25 OK|"],
        ["C: NOOP|", "S: 250x|"],
        ["C: NOOP|", "S: 250\n"],
        ["C: NOOP|", "S: 199 what|"],
        ["C: NOOP|", "S: 250-a|251 b|"],
        ["C: NOOP|", "S: 354 go|"],
        ["C: DATA|", "S: 250 taken|"],
        ["C: STARTTLS|", "S: 220 go|"],
        ["C: AUTH PLAIN =|", "S: 235 in|"],
    ] {
        says(Opaque, &said);
        says(Opaque, &[said[0], said[1], "C: NOOP|", "S: 250|"]);
    }
    let data = [MAIL, TAKEN, "C: DATA|", "S: 354 go|"];
    says(Opaque, &[&data[..], &["C: x\n"]].concat());
    says(Opaque, &[&data[..], &["C: x|.\n"]].concat());
    says(Safe, &["C: STARTTLS|", "S: 503 no|"]);
    says(Safe, &["C: AUTH LOGIN|", "S: 334 VX|", "C: MAIL|", "S: 535 no|"]);
    says(Opaque, &["C: AUTH LOGIN|NOOP", "S: 334 VX|"]);
}

/// Real traffic, cut at every byte: it is safe exactly between two transactions, and a message is owed its
/// answer exactly from its end to that answer.
#[test]
fn in_real_traffic_cut_at_every_byte_it_is_safe_exactly_between_transactions() {
    let facts = recordings::replay("tracker_submission", |recording: &Recording<'_>| {
        check_cuts(recording.bytes, 1, &SUBMISSION);
        let ends = reply_ends(&recording.streams().0);
        recording.follow(Tracker::submission(recording.words()), &ends, called)
    });
    println!("{facts:?}");
    assert!(facts.sessions >= 4 && facts.idle > 15 && facts.busy > 500 && facts.owed > 3, "{facts:?}");
}

/// Of recordings in which the server takes every MAIL and every DATA.
fn called(client: &[u8]) -> Called {
    let text = String::from_utf8_lossy(client).to_ascii_uppercase();
    let mut called = Called { answers: 0, is_midway: false, is_owed: false };
    let mut rest = &*text;
    while !rest.is_empty() {
        let (line, behind) = rest.split_once("\r\n").unwrap_or((rest, ""));
        let is_whole = rest.len() > line.len();
        let words: Vec<&str> = line.split(' ').collect();
        called.answers += 1;
        (called.is_owed, rest) = (false, behind);
        match words[..] {
            ["MAIL", ..] => called.is_midway = true,
            ["RSET" | "EHLO", ..] if is_whole => called.is_midway = false,
            ["DATA"] if is_whole => {
                let body = format!("\r\n{rest}");
                let Some(end) = body.find("\r\n.\r\n") else { return called };
                called = Called { answers: called.answers + 1, is_midway: false, is_owed: true };
                rest = &rest[end + 3..];
            }
            ["BDAT", size, ..] if is_whole => {
                let size: usize = size.parse().unwrap();
                // Owed, as soon as it is announced.
                called.is_owed = words.len() > 2;
                called.is_midway = !called.is_owed;
                rest = rest.get(size..).unwrap_or_default();
            }
            _ => {}
        }
    }
    called
}
