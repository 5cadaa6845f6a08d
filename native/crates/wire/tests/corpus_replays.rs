//! The fuzz checks on the committed corpora and on random bytes, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../../fuzz/checks/framer.rs"]
mod framer;
#[path = "../../../fuzz/checks/proxy_header.rs"]
mod proxy_header;
#[path = "../../../fuzz/checks/script.rs"]
mod script;
#[path = "../../../fuzz/checks/server_lines.rs"]
mod server_lines;
#[path = "../../../fuzz/checks/tls_hello.rs"]
mod tls_hello;
#[path = "../../../fuzz/checks/tracker.rs"]
#[allow(dead_code)]
mod tracker;

use proptest::prelude::*;
use std::path::Path;

#[test]
fn corpus_replays() {
    for (name, check) in [
        ("framer", framer::check as fn(&[u8])),
        ("proxy_header", proxy_header::check),
        ("script", script::check),
        ("server_lines", server_lines::check),
        ("tls_hello", tls_hello::check),
        ("tracker", tracker::check),
        ("tracker_pop3", tracker::pop3::check),
        ("tracker_sieve", tracker::sieve::check),
        ("tracker_submission", tracker::submission::check),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 3, "{name} has a corpus");
        for file in files {
            println!("{}", file.display());
            check(&std::fs::read(file).unwrap());
        }
    }
}

/// Bytes that matter here come often.
fn client_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"a {3+}\r\nxyz".to_vec()),
        Just(b"b ~{3}\r\n".to_vec()),
        Just(b"{0+}\r\n".to_vec()),
        Just(b"NO {12}\r\n".to_vec()),
        "[a-z {}+0-9~]{0,30}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// A header of either version, whole or with one byte of another, and what comes behind it.
fn proxied_bytes() -> impl Strategy<Value = Vec<u8>> {
    let line = "PROXY (TCP4 |TCP6 |UNKNOWN|)[0-9a-f:. ]{0,40}(\r\n|\r|\n|)".prop_map(String::into_bytes);
    let family = prop::sample::select(vec![0x00, 0x11, 0x12, 0x21, 0x31, 0x41]);
    let block = (0_u8..3, family, 0_u16..260, prop::collection::vec(any::<u8>(), 0..260));
    let block = block.prop_map(|(command, family, length, rest)| {
        let head = [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[0x20 | command, family], &length.to_be_bytes()];
        [&head.concat(), &rest[..]].concat()
    });
    (prop_oneof![line, block], any::<prop::sample::Index>(), prop::option::weighted(0.3, any::<u8>()))
        .prop_map(|(mut bytes, place, other)| {
            let at = place.index(bytes.len());
            bytes[at] = other.unwrap_or(bytes[at]);
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn however_a_clients_bytes_are_cut_the_frames_are_the_same(choice in 0_u8..8, bytes in client_bytes()) {
        framer::check(&[&[choice], &bytes[..]].concat());
    }

    #[test]
    fn a_servers_first_words_in_tls_are_understood_once(
        start in prop::sample::select(vec![
            vec![],
            vec![22, 3, 1, 0, 80],
            vec![22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3],
            vec![21, 3],
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        tls_hello::check(&[start, bytes].concat());
    }

    #[test]
    fn however_a_servers_bytes_are_cut_the_lines_are_the_same(choice: u8, bytes in client_bytes()) {
        server_lines::check(&[&[choice], &bytes[..]].concat());
    }

    #[test]
    fn wherever_a_proxy_header_is_cut_it_says_the_same_or_nothing_yet(bytes in proxied_bytes()) {
        proxy_header::check(&bytes);
    }

    #[test]
    fn any_bytes_are_a_script_that_ends_or_none(bytes in prop::collection::vec(0_u8..12, 0..200)) {
        script::check(&bytes);
    }

    #[test]
    fn no_bytes_at_all_break_a_check(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        framer::check(&bytes);
        proxy_header::check(&bytes);
        server_lines::check(&bytes);
        script::check(&bytes);
        tracker::check(&bytes);
        tracker::pop3::check(&bytes);
        tracker::sieve::check(&bytes);
        tracker::submission::check(&bytes);
    }

    #[test]
    fn however_any_talk_of_a_protocol_is_cut_words_fit_between_two_responses_only(
        talk in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..40),
    ) {
        for (lines, check) in [
            (POP3, tracker::pop3::check as fn(&[u8])),
            (SIEVE, tracker::sieve::check),
            (SUBMISSION, tracker::submission::check),
        ] {
            check(&recording(&talk, lines));
        }
    }
}

/// What a server and a client may say, and what they may not.
type Lines = [&'static [&'static str]; 2];

const POP3: Lines = [
    &[
        "+OK\r\n",
        "+OK 2 mails\r\n",
        "-ERR no\r\n",
        "x\r\n",
        ".\r\n",
        "..\r\n",
        "+ \r\n",
        ".\n",
        "+OK",
        "\r\n",
    ],
    &[
        "LIST\r\n",
        "LIST 1\r\n",
        "retr 1\r\n",
        "DELE 1\r\n",
        "UIDL \r\n",
        "NOOP\n",
        "QUIT\r\n",
        "AUTH X\r\n",
        "=\r\n",
        "ST",
    ],
];
const SIEVE: Lines = [
    &[
        "OK\r\n",
        "NO \"no\"\r\n",
        "BYE\r\n",
        "\"a {3}\"\r\n",
        "{5}\r\nOK\r\n",
        "x\r\n",
        "OK {4}\r\nOK\r\n",
        "\r\n",
        "no",
        "OK\n",
    ],
    &[
        "NOOP\r\n",
        "PUTSCRIPT \"a\" {6+}\r\nBYE\r\n",
        "x\r\n",
        "\r\n",
        "LISTSCRIPTS\r\n",
        "STARTTLS\r\n",
        "{3}\r\n",
        "LOGOUT\r\n",
    ],
];
const SUBMISSION: Lines = [
    &[
        "250 OK\r\n",
        "250-A\r\n",
        "354 go\r\n",
        "550\r\n",
        "421 bye\r\n",
        "251-x\r\n",
        "334 x\r\n",
        "250 ",
        "\r\n",
        "2",
    ],
    &[
        "MAIL FROM:<>\r\n",
        "RCPT TO:<a@b>\r\n",
        "DATA\r\n",
        "x\r\n",
        ".\r\n",
        "BDAT 8 LAST\r\n",
        "BDAT 6\r\n",
        "RSET\r\n",
        "QUIT\r\n",
        "AUTH X\r\n",
    ],
];

fn recording(talk: &[(bool, prop::sample::Index)], [server, client]: Lines) -> Vec<u8> {
    let greeting = server[0];
    let mut recording = format!("S {}\n{greeting}", greeting.len());
    for (is_server, index) in talk {
        let (mark, text) = if *is_server { ("S", index.get(server)) } else { ("C", index.get(client)) };
        recording.push_str(&format!("{mark} {}\n{text}", text.len()));
    }
    recording.into_bytes()
}
