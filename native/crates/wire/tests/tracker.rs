//! The goodbye tracker: tables of what it says, real traffic, and streams whose boundaries are known
//! because they were made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../../fuzz/checks/tracker.rs"]
#[allow(dead_code)]
mod reference;

use postern_wire::tracker::Boundary::{Between, Inside, Opaque, Safe};
use postern_wire::tracker::{Boundary, Tracker};
use proptest::prelude::*;
use reference::{Who, is_between, pieces, response_ends, saw, stream_of};
use std::collections::HashMap;
use std::path::Path;

const LOGIN: &[u8] = b"* CAPABILITY IMAP4rev1\r\nl OK in\r\n";

/// `C: ` and `S: ` begin what each side says; ` | ` is CRLF.
fn after(talk: &[&str]) -> Tracker {
    let mut tracker = Tracker::imap(LOGIN);
    for said in talk {
        let (who, text) = said.split_at(3);
        let who = if who == "C: " { Who::Client } else { Who::Server };
        saw(&mut tracker, who, text.replace('|', "\r\n").as_bytes());
    }
    tracker
}

#[track_caller]
fn says(boundary: Boundary, talk: &[&str]) {
    assert_eq!(after(talk).boundary(), boundary, "{talk:?}");
}

#[test]
fn behind_the_login_it_is_safe_whatever_the_tag_and_inside_where_the_words_are_half() {
    says(Safe, &[]);
    for (words, boundary) in [
        ("", Safe),
        ("A.1 OK in\r\n", Safe),
        ("a OK in\r\nb OK in\r\n", Safe),
        ("a OK in\r\n* 12 EXI", Inside),
        ("a OK in\r\n* LIST () {5}\r\n", Inside),
        ("a OK in\r\nnonsense\r\n", Opaque),
    ] {
        assert_eq!(Tracker::imap(words.as_bytes()).boundary(), boundary, "{words:?}");
    }
}

#[test]
fn a_command_is_outstanding_from_its_first_byte_to_its_tagged_answer() {
    says(Between, &["C: a"]);
    says(Between, &["C: a NOOP"]);
    says(Between, &["C: a NOOP|"]);
    says(Inside, &["C: a NOOP|", "S: a OK"]);
    says(Inside, &["C: a NOOP|", "S: a OK done\r"]);
    for status in ["OK", "NO", "BAD", "ok", "Bad"] {
        says(Safe, &["C: a NOOP|", &format!("S: a {status} done|")]);
    }
    says(Safe, &["C: a\r\n", "S: a BAD what|"]);
    says(Safe, &["C: a \n", "S: a BAD|"]);
    says(Safe, &["C: a NOOP\n", "S: a OK |"]);
    says(Between, &["C: a NOOP|", "S: * 3 EXISTS|"]);
    says(Between, &["C: a NOOP|b NOOP|", "S: b OK|"]);
    says(Safe, &["C: a NOOP|b NOOP|", "S: b OK|a OK|"]);
    says(Safe, &["C: |", "S: * BAD empty|"]);
}

#[test]
fn many_commands_at_once_are_safe_again_when_all_have_their_answer() {
    let numbers = 0..40;
    let commands: String = numbers.clone().map(|number| format!("t{number} NOOP|")).collect();
    let mut tracker = after(&[&format!("C: {commands}")]);
    for number in numbers.rev() {
        assert_eq!(tracker.boundary(), Between);
        tracker.saw_server(format!("t{number} OK\r\n").as_bytes());
    }
    assert_eq!(tracker.boundary(), Safe);
    tracker.saw_server(b"t0 OK again\r\n");
    assert_eq!(tracker.boundary(), Opaque, "an answer to nothing");
}

#[test]
fn a_literal_of_the_server_is_skipped_by_count_whatever_is_in_it() {
    let fetch = "C: a FETCH 1 BODY[]|";
    says(Inside, &[fetch, "S: * 1 FETCH (BODY[] {14}|"]);
    says(Inside, &[fetch, "S: * 1 FETCH (BODY[] {14}|* 2 EXISTS|a "]);
    says(Inside, &[fetch, "S: * 1 FETCH (BODY[] {16}|* 2 EXISTS|a)|"]);
    says(Inside, &[fetch, "S: * 1 FETCH (BODY[] {14}|* 2 EXISTS|a OK {3}|"]);
    says(Inside, &[fetch, "S: * 1 FETCH (BODY[] {14}|* 2 EXISTS|a )"]);
    says(Between, &[fetch, "S: * 1 FETCH (BODY[] {14}|* 2 EXISTS|a ) FLAGS ())|"]);
    says(Between, &[fetch, "S: * 1 FETCH (BODY[] ~{0}|)|"]);
    says(Inside, &[fetch, "S: * 1 FETCH (BODY[] {1}|x BODY[1] {2}|"]);
    says(Between, &[fetch, "S: * 1 FETCH (BODY[] {1}|x BODY[1] {2}|yz)|"]);
    says(Between, &[fetch, "S: * LIST () NIL {3}|a|b|"]);
    // RFC 9051 section 9, literal: a server's is never non-synchronising.
    says(Opaque, &[fetch, "S: * 1 FETCH (BODY[] {14+}|"]);
    says(Inside, &[fetch, "S: * 1 FETCH (BODY[] {9223372036854775807}|x|)|a OK|"]);
}

#[test]
fn braces_at_the_end_of_text_are_text() {
    for line in ["* OK see {5}", "* NO {5}", "* BAD {5}", "* PREAUTH {5}", "* BYE {5}", "* OK [X {5}"] {
        says(Safe, &[&format!("S: {line}|")]);
    }
    says(Safe, &["C: a NOOP|", "S: a OK done {5}|"]);
    says(Safe, &["C: a NOOP|", "S: a BAD {5+}|"]);
    says(Between, &["C: a APPEND x {3}|", "S: + {5}|"]);
    says(Safe, &["S: * LIST () \".\" \"a {5}\"|"]);
    // RFC 2060's NEWNAME with a literal: what follows is no response.
    says(Opaque, &["C: a SELECT x|", "S: a NO [NEWNAME x {3}|y z] renamed|"]);
}

#[test]
fn a_synchronising_literal_comes_when_the_server_says_so_or_not_at_all() {
    let append = "C: a APPEND x {6}|";
    says(Between, &[append]);
    says(Between, &[append, "S: + go|", "C: b NOOP"]);
    says(Between, &[append, "S: + go|", "C: b NOOP|"]);
    says(Safe, &[append, "S: + go|", "C: b NOOP|", "S: a OK|"]);
    says(Between, &[append, "S: + go|", "C: b NOOP {2}|"]);
    says(Safe, &[append, "S: + go|", "C: b NOOP {2}|", "S: + |", "C: xy|", "S: a OK|"]);
    for status in ["NO", "BAD"] {
        says(Safe, &[append, &format!("S: a {status} too large|")]);
        says(Between, &[append, &format!("S: a {status} too large|"), "C: b NOOP|"]);
        says(Safe, &[append, &format!("S: a {status} too large|"), "C: b NOOP|", "S: b OK|"]);
    }
    says(Between, &["C: z NOOP|a APPEND x {6}|", "S: z NO|"]);
    says(Safe, &["C: z NOOP|a APPEND x {6}|", "S: z NO|a NO|"]);
    says(Opaque, &[append, "S: a OK without it|"]);
    says(Opaque, &[append, "C: 123456|"]);
    says(Safe, &["C: a APPEND x {0}|", "S: +|", "C: |", "S: a OK|"]);
}

#[test]
fn a_literal_that_is_sent_at_once_needs_no_word() {
    says(Between, &["C: a APPEND x {6+}|b NO"]);
    says(Between, &["C: a APPEND x {6+}|b NOOP"]);
    says(Safe, &["C: a APPEND x {6+}|b NOOP|", "S: a OK|"]);
    says(Safe, &["C: a APPEND x ~{6+}|b NOOP {1+}|y|", "S: a OK|"]);
    // Refused before it was sent whole: the rest is still no command.
    says(Between, &["C: a APPEND x {6+}|b N", "S: a NO|"]);
    says(Safe, &["C: a APPEND x {6+}|b N", "S: a NO|", "C: OOP|"]);
}

#[test]
fn a_client_that_idles_is_at_a_boundary_until_it_says_done() {
    says(Safe, &["C: a IDLE|"]);
    says(Safe, &["C: a IDLE|", "S: + idling|"]);
    says(Inside, &["C: a IDLE|", "S: + idling|* 3 EXI"]);
    says(Safe, &["C: a idle|", "S: + idling|* 3 EXISTS|"]);
    says(Safe, &["C: a IDLE|", "S: +|+|"]);
    says(Between, &["C: a IDLE|", "S: + idling|", "C: DON"]);
    says(Between, &["C: a IDLE|", "S: + idling|", "C: DONE|"]);
    says(Safe, &["C: a IDLE|", "S: + idling|", "C: done\n", "S: a OK|"]);
    says(Between, &["C: a IDLE|", "S: + idling|", "C: DONE|b NOOP|", "S: a OK|"]);
    says(Safe, &["C: a IDLE|", "S: + idling|", "C: x NOOP|", "S: a BAD DONE awaited|"]);
    says(Between, &["C: z SEARCH x|a IDLE|", "S: + idling|"]);
    says(Safe, &["C: z SEARCH x|a IDLE|", "S: + idling|z OK|"]);
}

#[test]
fn a_continuation_belongs_to_an_idle_before_it_belongs_to_a_literal() {
    let talk = ["C: a IDLE|DONE|b APPEND x {3}|", "S: + idling|a OK|"];
    says(Between, &talk);
    says(Opaque, &[&talk[..], &["C: xyz|"]].concat());
    says(Safe, &[&talk[..], &["S: + go|", "C: xyz|", "S: b OK|"]].concat());
}

#[test]
fn a_server_that_ends_an_idle_by_itself_leaves_a_done_that_is_a_command_like_any() {
    says(Safe, &["C: a IDLE|", "S: + idling|a OK enough|"]);
    says(Safe, &["C: a IDLE|", "S: + idling|a OK enough|", "C: DONE|", "S: DONE BAD what|"]);
}

#[test]
fn an_answer_to_another_continuation_is_no_command() {
    let asked = ["C: a XASK|", "S: + challenge|"];
    says(Between, &[&asked[..], &["C: b NOOP|"]].concat());
    says(Safe, &[&asked[..], &["C: b NOOP|", "S: a OK|"]].concat());
    says(Safe, &[&asked[..], &["C: *|", "S: a BAD cancelled|"]].concat());
    says(Safe, &[&asked[..], &["S: a NO at once|", "C: b NOOP|", "S: b OK|"]].concat());
    says(Opaque, &["S: + nobody asked|"]);
}

#[test]
fn what_changes_the_stream_makes_it_opaque_when_the_server_says_ok_and_not_before() {
    for command in ["COMPRESS DEFLATE", "STARTTLS", "AUTHENTICATE GSSAPI", "compress deflate"] {
        let asked = format!("C: a {command}|");
        says(Between, &[&asked]);
        says(Safe, &[&asked, "S: a NO not here|"]);
        says(Safe, &[&asked, "S: a BAD|"]);
        says(Opaque, &[&asked, "S: a OK begin|"]);
        says(Opaque, &[&asked, "S: a OK begin|", "S: * OK|b OK|", "C: c NOOP|"]);
    }
    says(Safe, &["C: a NAMESPACE|b XCOMPRESS DEFLATE|", "S: a OK|b OK|"]);
    let crowd: String = (0..5).map(|number| format!("t{number} NOOP|")).collect();
    says(Opaque, &[&format!("C: {crowd}a COMPRESS DEFLATE|")]);
    says(Opaque, &[&format!("C: {crowd}a IDLE|")]);
}

#[test]
fn what_is_no_grammar_makes_it_opaque_for_ever() {
    for line in [
        "|",
        " * OK|",
        "*|",
        "* |",
        "* (1 2)|",
        "*OK|",
        "a OKAY done|",
        "a LIST|",
        "OK done|",
        "b OK done|",
        "a+b OK|",
        "+OK POP3|",
        "* LIST ()\n",
        "* OK\n",
        "\0|",
        "\u{e4} OK|",
        "220 mail.test ESMTP|",
        "\u{16}\u{3}\u{3}",
    ] {
        says(Opaque, &["C: a NOOP|", &format!("S: {line}")]);
        says(Opaque, &["C: a NOOP|", &format!("S: {line}"), "S: |a OK|", "C: c NOOP|"]);
    }
    for line in ["* NOOP|", "{5}|", " a NOOP|", "+ NOOP|", "\0|", "\"a\" NOOP|", "\u{16}\u{3}\u{3}"] {
        says(Opaque, &[&format!("C: {line}")]);
    }
    says(Opaque, &["S: a OK nobody asked|"]);
}

#[test]
fn a_line_without_an_end_makes_it_opaque_at_a_limit() {
    let mut tracker = Tracker::imap(LOGIN);
    tracker.saw_server(b"* SEARCH");
    let mib = vec![b' '; 1 << 20];
    for _ in 0..16 {
        tracker.saw_server(&mib);
        assert_eq!(tracker.boundary(), Inside);
    }
    tracker.saw_server(b" ");
    assert_eq!(tracker.boundary(), Opaque);
    let mut tracker = Tracker::imap(LOGIN);
    tracker.saw_client(b"a FETCH");
    tracker.saw_client(&mib);
    assert_eq!(tracker.boundary(), Between);
    tracker.saw_client(b" ");
    assert_eq!(tracker.boundary(), Opaque);
    assert_eq!(Tracker::imap(&[b'x'; 300]).boundary(), Opaque);
}

#[test]
fn the_servers_own_bye_is_noted_and_a_bye_in_a_message_is_not() {
    assert!(!after(&["S: * 3 EXISTS|* OK bye|"]).has_said_bye());
    assert!(!after(&["C: a FETCH 1 BODY[]|", "S: * 1 FETCH (BODY[] {9}|* BYE |z)|"]).has_said_bye());
    assert!(after(&["S: * BYE shutting down|"]).has_said_bye());
    assert!(after(&["C: a LOGOUT|", "S: * bye|a OK|"]).has_said_bye());
}

/// A recording's boundaries are all found, and none beside them, however it is cut; `Safe` is said where
/// every command has its answer, and nowhere else. What a recording holds after COMPRESS is no IMAP.
#[test]
fn in_real_traffic_cut_at_every_byte_words_fit_exactly_between_responses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tracker");
    let (mut sessions, mut cuts, mut found) = (0, 0, 0);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    // What the fuzzer found is named by its hash, and is no traffic.
    for path in files.filter(|path| path.file_name().unwrap().len() < 40) {
        let recording = std::fs::read(&path).unwrap();
        println!("{}", path.display());
        reference::check_cuts(&recording, 1, &reference::IMAP);
        let pieces = pieces(&recording);
        let (words, pieces) = (pieces[0].1, &pieces[1..]);
        let stream = stream_of(Who::Server, words, pieces);
        let ends = response_ends(&stream);
        let answers = answers(&stream, &ends);
        let (mut tracker, mut client, mut offset) = (Tracker::imap(words), Vec::new(), words.len());
        for (who, byte) in pieces.iter().flat_map(|(who, bytes)| bytes.iter().map(|byte| (*who, *byte))) {
            saw(&mut tracker, who, &[byte]);
            match who {
                Who::Client => client.push(byte),
                Who::Server => offset += 1,
            }
            if tracker.boundary() == Opaque {
                assert!(path.to_string_lossy().ends_with("compress"), "opaque at {offset}");
                break;
            }
            cuts += 1;
            found += usize::from(is_between(&tracker));
            assert_eq!(is_between(&tracker), ends.contains(&offset), "at {offset}");
            // Where a line has ended that announced no literal, the client is between two commands.
            let is_line_end = client.is_empty() || client.ends_with(b"\n") && !client.ends_with(b"}\r\n");
            if ends.contains(&offset) && is_line_end {
                let is_open = answers.iter().any(|(tag, at)| *at > offset && has_begun(&client, tag));
                assert_eq!(tracker.boundary() == Safe, !is_open, "at {offset}");
            }
        }
        sessions += 1;
    }
    println!("{sessions} sessions, {cuts} cuts, {found} of them between two responses");
    assert!(sessions >= 12 && found > 500, "{sessions} {found}");
}

/// Each tag that is answered, and where its answer ends.
fn answers(stream: &[u8], ends: &[usize]) -> HashMap<String, usize> {
    let lines = ends.windows(2).map(|pair| (&stream[pair[0]..pair[1]], pair[1]));
    let tagged = lines.filter(|(line, _)| !b"*+".contains(&line[0]));
    tagged.map(|(line, end)| (String::from_utf8_lossy(line).split(' ').next().unwrap().into(), end)).collect()
}

/// The client has sent the command with this tag; an IDLE counts from its DONE. No text of a message begins
/// with a tag that is answered.
fn has_begun(client: &[u8], tag: &str) -> bool {
    let text = String::from_utf8_lossy(client);
    let mut lines = text.lines().skip_while(|line| line.split(' ').next() != Some(tag));
    let Some(command) = lines.next() else { return false };
    !command.to_ascii_uppercase().ends_with(" IDLE") || lines.next().is_some()
}

/// One response of a server, and whether anything may stand behind it.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let literal = prop::collection::vec(
        prop_oneof![
            Just("\r\n"),
            Just("* OK\r\n"),
            Just("{3}\r\n"),
            Just(")\r\n"),
            Just("t OK x"),
            "[a-z]{0,9}".prop_map(|text: String| &*text.leak())
        ],
        0..6,
    );
    let data = prop::collection::vec((literal, "[ a-z()\"]{0,12}", any::<bool>()), 0..4);
    prop_oneof![
        "\\* (OK|NO|BAD|BYE) [ -~]{0,20}(\\{[0-9]{1,3}\\})?".prop_map(String::into_bytes),
        "t (OK|NO|BAD) [ -~]{0,20}(\\{[0-9]{1,3}\\})?".prop_map(String::into_bytes),
        ("\\* ([0-9]{1,3} FETCH|LIST|ID) [ a-z()]{0,12}", data).prop_map(|(head, parts)| {
            let mut bytes = head.into_bytes();
            for (literal, text, is_eight) in parts {
                let literal = literal.concat();
                let mark = if is_eight { "~" } else { "" };
                bytes.extend(format!(" {mark}{{{}}}\r\n{literal}{text}", literal.len()).bytes());
            }
            bytes
        }),
    ]
    .prop_map(|mut bytes| {
        bytes.extend(b"\r\n");
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn in_any_stream_of_responses_however_cut_words_fit_exactly_between_two(
        responses in prop::collection::vec(response(), 1..8),
        cut in 1_usize..40,
    ) {
        let mut tracker = Tracker::imap(LOGIN);
        // Enough commands for all the answers, whatever comes.
        tracker.saw_client(&b"t NOOP\r\n".repeat(9));
        let ends: Vec<usize> =
            responses.iter().scan(0, |end, each| { *end += each.len(); Some(*end) }).collect();
        let mut offset = 0;
        for piece in responses.concat().chunks(cut) {
            tracker.saw_server(piece);
            offset += piece.len();
            prop_assert_eq!(is_between(&tracker), ends.contains(&offset), "at {}", offset);
            prop_assert_ne!(tracker.boundary(), Opaque);
        }
    }

    #[test]
    fn whatever_is_said_it_comes_to_an_answer_and_stays_opaque_once_it_is(
        talk in prop::collection::vec(
            (any::<bool>(), "(\\* |[ab] |OK |NO |IDLE|DONE|\\+|\\{[0-9]\\+?\\}|\r\n|\r\n|[a-z]|\n){0,12}"),
            0..12,
        ),
    ) {
        let mut tracker = Tracker::imap(LOGIN);
        let mut was_opaque = false;
        for (is_client, text) in talk {
            saw(&mut tracker, if is_client { Who::Client } else { Who::Server }, text.as_bytes());
            prop_assert!(!was_opaque || tracker.boundary() == Opaque);
            was_opaque = tracker.boundary() == Opaque;
        }
    }
}
