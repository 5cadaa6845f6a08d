//! TLS towards servers: what comes between the answer and the handshake, servers that refuse it, and what is
//! found out about those with whom it comes to nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::channel;

use postern_engine::config::{Endpoint, EndpointTls};
use postern_engine::end_reason::EndReason;
use postern_engine::look::TlsTrouble;
use postern_engine::probe::{ProbeAnswer, ProbeJob, ProbeOutcome};
use postern_engine::script::Script;
use postern_engine::{Offer, Profile, Trust};
use support::{Bench, PATIENCE, Server, Talk, limits, start};

/// Each protocol's way to TLS: the greeting, the command, the answer, a refusal, and a login that must never
/// go out in clear.
const WAYS: [[&str; 5]; 4] = [
    ["* OK ready", "s STARTTLS", "s OK go", "s NO not here", "a LOGIN ann secret"],
    ["+OK ready", "STLS", "+OK go", "-ERR not here", "PASS secret"],
    ["OK ready", "STARTTLS", "OK go", "NO not here", "AUTHENTICATE \"PLAIN\" \"c2VjcmV0\""],
    ["220 ready", "STARTTLS", "220 go", "502 5.5.1 not here", "AUTH PLAIN c2VjcmV0"],
];

#[test]
fn v02_bytes_behind_a_servers_starttls_answer_end_the_session_of_every_protocol() {
    let bench = start(limits());
    for [greeting, command, answer, _, _] in WAYS {
        for injected in ["* OK [ALERT] x\r\n", "x", "\u{16}\u{3}\u{3}\u{0}\u{1}x"] {
            let server = Server::start();
            let asked = ask(&bench, &server, EndpointTls::StartTls, script_of([greeting, command, answer]));
            let mut inside = server.accept();
            inside.say(&format!("{greeting}\r\n"));
            assert_eq!(inside.line(), command);
            inside.say(&format!("{answer}\r\n{injected}"));
            let outcome = asked();
            assert_eq!(outcome.reason, Some(EndReason::ServerTlsFailed), "{command}: {}", outcome.detail);
            assert!(outcome.detail.contains("between its STARTTLS answer and the handshake"));
            assert_eq!(inside.rest(), b"", "{command}: no hello is sent any more");
        }
    }
}

#[test]
fn v02_bytes_that_come_in_place_of_the_tls_answer_end_the_session_of_every_protocol() {
    let bench = start(limits());
    for [greeting, command, answer, _, login] in WAYS {
        let server = Server::start();
        let script = script_of([greeting, command, answer]);
        let asked = ask(&bench, &server, EndpointTls::StartTls, with_send(script, login));
        let mut inside = server.accept();
        inside.say(&format!("{greeting}\r\n"));
        inside.line();
        inside.say(&format!("{answer}\r\n"));
        let hello = inside.exactly(5);
        assert_eq!(hello[0], 22);
        inside.say("* OK [CAPABILITY IMAP4rev1] trust me\r\n");
        let outcome = asked();
        assert_eq!(outcome.reason, Some(EndReason::ServerTlsFailed), "{command}: {}", outcome.detail);
        assert_eq!(outcome.detail, "the server did not answer with TLS");
        assert!(!String::from_utf8_lossy(&inside.rest()).contains(login));
    }
}

#[test]
fn v03_a_server_that_refuses_starttls_is_told_no_login_in_any_protocol() {
    let bench = start(limits());
    for [greeting, command, answer, refusal, login] in WAYS {
        let server = Server::start();
        let script = script_of([greeting, command, answer]);
        let asked = ask(&bench, &server, EndpointTls::StartTls, with_send(script, login));
        let mut inside = server.accept();
        inside.say(&format!("{greeting}\r\n"));
        assert_eq!(inside.line(), command);
        inside.say(&format!("{refusal}\r\n"));
        assert_eq!(asked().reason, Some(EndReason::ServerUnexpected), "{command}");
        assert_eq!(inside.rest(), b"", "{command}");
    }
}

/// A server of TLS 1.0 ends the modern handshake with an alert. The probe asks once more, by a hello alone.
#[test]
fn an_old_server_is_asked_what_it_offers_once_a_minute_in_place_and_behind_starttls() {
    for is_upgraded in [false, true] {
        let bench = start(limits());
        let server = Server::start();
        let [greeting, command, answer, _, _] = WAYS[0];
        let script = if is_upgraded { script_of([greeting, command, answer]) } else { vec![0] };
        let tls = if is_upgraded { EndpointTls::StartTls } else { EndpointTls::Implicit };
        let meet = || {
            let mut inside = server.accept();
            if is_upgraded {
                inside.say(&format!("{greeting}\r\n"));
                inside.line();
                inside.say(&format!("{answer}\r\n"));
            }
            let hello = hello_of(&mut inside);
            (inside, hello)
        };
        let asked = ask(&bench, &server, tls, script.clone());
        let (mut inside, _) = meet();
        inside.stream.write_all(&PROTOCOL_VERSION).unwrap();
        let (mut looked_at, hello) = meet();
        assert!(hello.windows(2).any(|suite| suite == [0, 0x2f]), "the look offers what is old");
        looked_at.stream.write_all(&old_hello()).unwrap();
        let outcome = asked();
        let offer = Offer { version: 0x0301, suite: 0x002f };
        assert_eq!(outcome.tls, Some(TlsTrouble::Incompatible(Some(offer))));
        assert!(outcome.detail.ends_with("; it offers TLS 1.0 (AES128-SHA)"), "{}", outcome.detail);
        assert_eq!(looked_at.rest(), b"", "nothing but the hello is sent");

        let again = ask(&bench, &server, tls, script);
        let (mut inside, _) = meet();
        inside.stream.write_all(&PROTOCOL_VERSION).unwrap();
        assert_eq!(again().tls, Some(TlsTrouble::Incompatible(Some(offer))));
        assert!(server.has_no_connection(), "no second look within a minute");
    }
}

#[test]
fn a_server_that_shows_nothing_to_a_look_either_is_said_to_have_closed() {
    let bench = start(limits());
    let server = Server::start();
    let asked = ask(&bench, &server, EndpointTls::Implicit, vec![0]);
    for _ in 0..2 {
        let mut inside = server.accept();
        hello_of(&mut inside);
    }
    let outcome = asked();
    assert_eq!(outcome.reason, Some(EndReason::ServerTlsFailed));
    assert_eq!(outcome.tls, Some(TlsTrouble::Incompatible(None)));
}

type Way = fn(Arc<postern_engine::Visiting>) -> EndpointTls;

/// Asks as a probe; gives what waits for its outcome.
fn ask(bench: &Bench, server: &Server, tls: Way, script: Vec<u8>) -> impl FnOnce() -> ProbeOutcome {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let visiting = bench.engine.visiting(Profile::Modern, Trust::Authorities(key.cert.pem())).unwrap();
    let endpoint = Endpoint {
        protocol: 1,
        address: server.address,
        tls: tls(visiting),
        tls_name: "localhost".into(),
        proxy: None,
    };
    let (give, outcome) = channel();
    let answer = ProbeAnswer::new(move |outcome| drop(give.send(outcome)));
    bench.engine.probe(ProbeJob { endpoint, script: Script::decode(&script).unwrap(), answer });
    move || outcome.recv_timeout(PATIENCE).expect("the probe is answered")
}

/// Greeting, command, answer, TLS.
fn script_of([greeting, command, answer]: [&str; 3]) -> Vec<u8> {
    let answers = format!("{} ", answer.split(' ').next().unwrap());
    let refusals = ["s NO ", "-ERR ", "NO ", "502 "].map(|refusal| (2, refusal));
    let mut rules = vec![(1, if answers == "s " { "s OK " } else { answers.as_str() })];
    rules.extend(refusals);
    [vec![4], expect(&[(1, greeting)]), send(&format!("{command}\r\n")), expect(&rules), vec![3, 0]].concat()
}

fn with_send(mut script: Vec<u8>, text: &str) -> Vec<u8> {
    script[0] += 1;
    script.extend(send(&format!("{text}\r\n")));
    script
}

fn send(text: &str) -> Vec<u8> {
    [&[1, 0][..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn expect(rules: &[(u8, &str)]) -> Vec<u8> {
    let mut step = [&[2, 0][..], &1_000_u32.to_le_bytes(), &[rules.len() as u8]].concat();
    for (action, prefix) in rules {
        step.extend([&[*action, 0, prefix.len() as u8][..], prefix.as_bytes()].concat());
    }
    step
}

fn hello_of(inside: &mut Talk) -> Vec<u8> {
    let head = inside.exactly(5);
    let length = usize::from(head[3]) * 256 + usize::from(head[4]);
    [head, inside.exactly(length)].concat()
}

const PROTOCOL_VERSION: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];

/// A ServerHello of TLS 1.0 with AES128-SHA (RFC 2246 section 7.4.1.3).
fn old_hello() -> Vec<u8> {
    [&[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0, 0x2f, 0]].concat()
}
