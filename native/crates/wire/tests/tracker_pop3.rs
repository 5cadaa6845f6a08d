//! The goodbye tracker of POP3: tables of what it says, and real traffic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod recordings;
#[path = "../../../fuzz/checks/tracker.rs"]
#[allow(dead_code)]
mod reference;

use postern_wire::tracker::Boundary::{Between, Inside, Opaque, Owed, Quiet};
use postern_wire::tracker::{Boundary, Tracker};
use recordings::{Called, Recording, after};
use reference::check_cuts;
use reference::pop3::{POP3, answer_ends};

const LOGIN: &[u8] = b"+OK Logged in.\r\n";

#[track_caller]
fn says(boundary: Boundary, said: &[&str]) {
    assert_eq!(after(Tracker::pop3(LOGIN), said).boundary(), boundary, "{said:?}");
}

#[test]
fn behind_the_login_nothing_may_be_said_unasked() {
    says(Quiet, &[]);
    for (words, boundary) in [
        ("", Quiet),
        ("+OK", Opaque),
        ("-ERR no\r\n", Opaque),
        ("250 OK\r\n", Opaque),
        ("+OK\r\n+OK\r\n", Quiet),
    ] {
        assert_eq!(Tracker::pop3(words.as_bytes()).boundary(), boundary, "{words:?}");
    }
}

#[test]
fn a_command_is_outstanding_from_its_first_byte_to_its_answer() {
    says(Between, &["C: S"]);
    says(Between, &["C: STAT|"]);
    says(Inside, &["C: STAT|", "S: +OK 2 3"]);
    says(Quiet, &["C: STAT|", "S: +OK 2 320|"]);
    says(Quiet, &["C: NOOP\n", "S: -ERR no|"]);
    says(Between, &["C: DELE 1|DELE 2|", "S: +OK|"]);
    says(Quiet, &["C: DELE 1|DELE 2|", "S: +OK|-ERR no such message|"]);
    says(Quiet, &["C: rset|stat|noop|utf8|list 1|uidl 1|lang x|", &format!("S: {}", "+OK|".repeat(7))]);
}

#[test]
fn whether_text_follows_depends_on_the_command_and_its_argument() {
    for command in ["RETR 1", "TOP 1 0", "CAPA", "LIST", "UIDL", "LANG", "list", "LIST  "] {
        says(Inside, &[&format!("C: {command}|"), "S: +OK 2 messages|"]);
        says(Inside, &[&format!("C: {command}|"), "S: +OK|1 120|-ERR no|"]);
        says(Inside, &[&format!("C: {command}|"), "S: +OK|1 120|."]);
        says(Quiet, &[&format!("C: {command}|"), "S: +OK|1 120|.|"]);
        says(Quiet, &[&format!("C: {command}|"), "S: +OK|.|"]);
        says(Quiet, &[&format!("C: {command}|"), "S: -ERR no|"]);
    }
    for command in ["LIST 1", "UIDL 1", "LANG en", "DELE 1", "STAT"] {
        says(Quiet, &[&format!("C: {command}|"), "S: +OK 1 120|"]);
    }
}

#[test]
fn a_message_ends_with_its_line_of_one_dot_whatever_is_in_it() {
    let retr = "C: RETR 1|NOOP|";
    says(Inside, &[retr, "S: +OK|+OK|-ERR|..|.x|x.|"]);
    says(Between, &[retr, "S: +OK|+OK|-ERR|..|.x|x.|.|"]);
    says(Quiet, &[retr, "S: +OK|a mail|.|+OK|"]);
    // A bare LF is the mail's own affair, and begins no line.
    says(Inside, &[retr, "S: +OK|x\n.|"]);
    says(Inside, &[retr, "S: +OK|x|.\n"]);
    says(Quiet, &["C: RETR 1|RETR 2|", "S: +OK|x|.|+OK|y|.|"]);
}

#[test]
fn the_answer_to_quit_is_the_servers_alone() {
    says(Owed, &["C: DELE 1|QUIT|"]);
    says(Owed, &["C: DELE 1|QUIT|", "S: +OK|"]);
    says(Owed, &["C: QUIT|", "S: +OK b"]);
    says(Owed, &["C: RETR 1|QUIT|", "S: +OK|half a mail"]);
    for answer in ["+OK bye|", "-ERR some deleted messages not removed|"] {
        let tracker = after(Tracker::pop3(LOGIN), &["C: QUIT|", &format!("S: {answer}")]);
        assert!(tracker.has_said_bye(), "{answer}");
    }
    assert!(!after(Tracker::pop3(LOGIN), &["C: NOOP|", "S: -ERR no|"]).has_said_bye());
    let unasked = after(Tracker::pop3(LOGIN), &["S: -ERR [SYS/TEMP] shutting down|"]);
    assert!(unasked.has_said_bye());
    assert_eq!(unasked.boundary(), Opaque);
}

#[test]
fn the_next_command_may_be_refused_unless_it_is_quit_and_only_where_nothing_is_under_way() {
    let quiet = Tracker::pop3(LOGIN);
    for (bytes, may) in [
        ("RETR 1\r\n", true),
        ("RE", true),
        ("QU", true),
        ("QUITTER\r\n", true),
        ("DELE 1\r\nQUIT\r\n", true),
        ("QUIT", false),
        ("QUIT\r\n", false),
        ("quit\n", false),
        ("Quit \r\n", false),
    ] {
        assert_eq!(quiet.may_refuse(bytes.as_bytes()), may, "{bytes:?}");
    }
    for said in [["C: STAT|", ""], ["C: ST", ""], ["C: RETR 1|", "S: +OK|"], ["C: FOO|", "S: +OK|"]] {
        assert!(!after(quiet, &said).may_refuse(b"NOOP\r\n"), "{said:?}");
    }
    assert!(!Tracker::imap(b"a OK in\r\n").may_refuse(b"b NOOP\r\n"));
}

#[test]
fn what_is_no_grammar_or_not_known_makes_it_opaque() {
    for said in [
        ["C: |", ""],
        ["C: NO\0P|", ""],
        ["C: NOOP\rX|", ""],
        ["S: +OK nobody asked|", ""],
        ["C: NOOP|", "S: 250 OK|"],
        ["C: NOOP|", "S: * OK|"],
        ["C: NOOP|", "S: +OK\n"],
        ["C: NOOP|", "S: + what|"],
        ["C: XTND XLST Subject|", "S: +OK|"],
        ["C: STLS|", "S: +OK begin|"],
        ["C: AUTH|", "S: +OK|PLAIN|.|"],
        ["C: AUTH PLAIN =|", "S: +OK|"],
    ] {
        says(Opaque, &said);
        says(Opaque, &[said[0], said[1], "C: NOOP|", "S: +OK|"]);
    }
    says(Quiet, &["C: XTND|STLS|AUTH|", "S: -ERR|-ERR|-ERR|"]);
    let alternating = "RETR 1|DELE 1|".repeat(7);
    says(Between, &[&format!("C: {alternating}")]);
    says(Opaque, &[&format!("C: {alternating}RETR 1|DELE 1|")]);
}

#[test]
fn a_refused_auth_asks_for_lines_that_are_no_commands() {
    says(Between, &["C: AUTH LOGIN|", "S: + VXNlcg==|"]);
    says(Between, &["C: AUTH LOGIN|", "S: + VXNlcg==|", "C: RETR 1|"]);
    says(Quiet, &["C: AUTH LOGIN|", "S: + VXNlcg==|", "C: RETR 1|", "S: -ERR no|"]);
    says(
        Quiet,
        &["C: AUTH LOGIN|", "S: + U|", "C: a|", "S: + P|", "C: b|", "S: -ERR no|", "C: NOOP|", "S: +OK|"],
    );
}

#[test]
fn a_line_without_an_end_makes_it_opaque_at_a_limit() {
    let mut tracker = Tracker::pop3(LOGIN);
    tracker.saw_client(&[b'x'; 16 * 1024]);
    assert_eq!(tracker.boundary(), Between);
    tracker.saw_client(b"x");
    assert_eq!(tracker.boundary(), Opaque);
}

/// Real traffic, cut at every byte: answers end where a parser of the whole talk sees their ends, and it is
/// quiet exactly where each command has its answer.
#[test]
fn in_real_traffic_cut_at_every_byte_it_is_quiet_exactly_where_every_command_has_its_answer() {
    let facts = recordings::replay("tracker_pop3", |recording: &Recording<'_>| {
        check_cuts(recording.bytes, 1, &POP3);
        let (server, client) = recording.streams();
        let ends = answer_ends(&server, &client);
        recording.follow(Tracker::pop3(recording.words()), &ends, |client| {
            let text = String::from_utf8_lossy(client).to_ascii_uppercase();
            let answers = text.split_inclusive('\n').count();
            Called { answers, is_midway: false, is_owed: text.ends_with("QUIT\r\n") }
        })
    });
    println!("{facts:?}");
    assert!(facts.sessions >= 5 && facts.idle > 30 && facts.busy > 100 && facts.owed > 3, "{facts:?}");
}
