//! The goodbye tracker of ManageSieve: tables of what it says, and real traffic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod recordings;
#[path = "../../../fuzz/checks/tracker.rs"]
#[allow(dead_code)]
mod reference;

use postern_wire::tracker::Boundary::{Between, Inside, Opaque, Safe};
use postern_wire::tracker::{Boundary, Tracker};
use recordings::{Called, Recording, after};
use reference::check_cuts;
use reference::sieve::{SIEVE, response_ends};

const LOGIN: &[u8] = b"OK \"Logged in.\"\r\n";

#[track_caller]
fn says(boundary: Boundary, said: &[&str]) {
    assert_eq!(after(Tracker::sieve(LOGIN), said).boundary(), boundary, "{said:?}");
}

#[test]
fn behind_the_login_it_is_safe_and_opaque_where_the_words_are_half() {
    for (words, boundary) in [
        ("", Safe),
        ("OK \"Logged in.\"\r\n", Safe),
        ("\"SIEVE\" \"fileinto\"\r\nOK\r\n", Safe),
        ("\"SIEVE\" \"fileinto\"\r\n", Opaque),
        ("OK (SASL {4}\r\nOK\r\n", Opaque),
        ("OK", Opaque),
        ("+OK\r\n", Opaque),
    ] {
        assert_eq!(Tracker::sieve(words.as_bytes()).boundary(), boundary, "{words:?}");
    }
}

#[test]
fn a_command_is_outstanding_from_its_name_to_its_status() {
    says(Between, &["C: N"]);
    says(Between, &["C: NOOP|"]);
    says(Inside, &["C: NOOP|", "S: OK"]);
    for status in ["OK", "OK \"done\"", "NO \"no\"", "NO (QUOTA/MAXSIZE) \"full\"", "ok"] {
        says(Safe, &["C: NOOP|", &format!("S: {status}|")]);
    }
    says(Between, &["C: NOOP|NOOP|", "S: OK|"]);
    says(Safe, &["C: NOOP|NOOP|", "S: OK|NO|"]);
    says(Safe, &["C: NOOP\n", "S: OK|"]);
}

#[test]
fn strings_belong_to_the_status_behind_them_and_literals_are_skipped_by_count() {
    let get = "C: GETSCRIPT \"a\"|";
    says(Inside, &[get, "S: {8}|OK|OK|"]);
    says(Inside, &[get, "S: {8}|OK|OK||"]);
    says(Inside, &[get, "S: {10}|OK|BYE 12|"]);
    says(Safe, &[get, "S: {6}|OK|NO|OK|"]);
    says(Inside, &["C: LISTSCRIPTS|", "S: \"OK\"|\"b {5}\" ACTIVE|"]);
    says(Safe, &["C: LISTSCRIPTS|", "S: \"OK\"|\"b {5}\" ACTIVE|OK|"]);
    says(Safe, &["C: LISTSCRIPTS|", "S: {4}|OK| ACTIVE|OK|"]);
    says(Inside, &["C: NOOP {4+}|tag1|", "S: OK (TAG {4}|"]);
    says(Inside, &["C: NOOP {4+}|tag1|", "S: OK (TAG {4}|tag1"]);
    says(Safe, &["C: NOOP {4+}|tag1|", "S: OK (TAG {4}|tag1) \"done\"|"]);
    says(Safe, &["C: NOOP|", "S: NO {4}|no||"]);
}

#[test]
fn a_script_is_put_as_a_literal_that_comes_at_once() {
    says(Between, &["C: PUTSCRIPT \"a\" {12+}|"]);
    says(Between, &["C: PUTSCRIPT \"a\" {12+}|NOOP|NOOP|"]);
    says(Between, &["C: PUTSCRIPT \"a\" {12+}|NOOP|NOOP||"]);
    says(Safe, &["C: PUTSCRIPT \"a\" {12+}|NOOP|NOOP||", "S: OK|"]);
    says(Safe, &["C: PUTSCRIPT {3+}|a|c {0+}||", "S: OK (WARNINGS) \"deprecated\"|"]);
    says(Opaque, &["C: PUTSCRIPT \"a\" {12}|"]);
}

#[test]
fn the_servers_own_bye_is_noted_and_one_in_a_script_is_not() {
    for said in [vec!["S: BYE (TRYLATER) \"later\"|"], vec!["C: LOGOUT|", "S: OK|"], vec!["S: bye|"]] {
        assert!(after(Tracker::sieve(LOGIN), &said).has_said_bye(), "{said:?}");
    }
    let quoted = ["C: GETSCRIPT \"a\"|", "S: {5}|BYE||OK|"];
    assert!(!after(Tracker::sieve(LOGIN), &quoted).has_said_bye());
    assert!(!after(Tracker::sieve(LOGIN), &["C: LISTSCRIPTS|", "S: \"BYE\"|OK|"]).has_said_bye());
}

#[test]
fn what_is_no_grammar_or_changes_the_stream_makes_it_opaque() {
    for said in [
        ["C: |", ""],
        ["C: \"a\"|", ""],
        ["C: {3+}|", ""],
        ["S: OK|", ""],
        ["S: \"a\"|", ""],
        ["C: NOOP|", "S: +OK|"],
        ["C: NOOP|", "S: FINE|"],
        ["C: NOOP|", "S: OK\n"],
        ["C: NOOP|", "S: |"],
        ["C: NOOP|", "S: OK {3+}|"],
        ["C: STARTTLS|", "S: OK|"],
        ["C: AUTHENTICATE \"PLAIN\" \"\"|", "S: OK|"],
    ] {
        says(Opaque, &said);
        says(Opaque, &[said[0], said[1], "C: NOOP|", "S: OK|"]);
    }
    says(Safe, &["C: STARTTLS|AUTHENTICATE \"PLAIN\"|", "S: NO|NO|"]);
    says(Between, &["C: AUTHENTICATE \"X\"|", "C: \"bQ==\"|"]);
    says(Safe, &["C: AUTHENTICATE \"X\"|", "C: \"bQ==\"|", "S: NO|"]);
}

/// Real traffic, cut at every byte: it is safe exactly where each command has its status.
#[test]
fn in_real_traffic_cut_at_every_byte_it_is_safe_exactly_where_every_command_has_its_status() {
    let facts = recordings::replay("tracker_sieve", |recording: &Recording<'_>| {
        check_cuts(recording.bytes, 1, &SIEVE);
        let ends = response_ends(&recording.streams().0);
        recording.follow(Tracker::sieve(recording.words()), &ends, |client| Called {
            answers: commands(client),
            is_midway: false,
            is_owed: false,
        })
    });
    println!("{facts:?}");
    assert!(facts.sessions >= 4 && facts.idle > 15 && facts.busy > 100, "{facts:?}");
}

/// Commands that have begun: lines outside of literals.
fn commands(client: &[u8]) -> usize {
    let text = String::from_utf8_lossy(client);
    let (mut count, mut rest) = (0, &*text);
    while !rest.is_empty() {
        count += 1;
        loop {
            let (line, behind) = rest.split_once("\r\n").unwrap_or((rest, ""));
            let size =
                line.strip_suffix("+}").and_then(|line| line.rsplit_once('{')?.1.parse::<usize>().ok());
            rest = behind;
            let Some(size) = size else { break };
            rest = rest.get(size..).unwrap_or_default();
        }
    }
    count
}
