//! What a probe brings home of a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use postern_engine::probe::{ProbeAnswer, ProbeJob, ProbeOutcome};
use postern_engine::script::Script;
use support::{Bench, PATIENCE, Server, endpoint, one_server, script};

#[test]
fn a_probe_tells_our_address_on_its_connection() {
    let (bench, _worker, server) = one_server();
    let outcome = probe(&bench, &server, &script());
    server.let_in();
    let outcome = outcome.recv_timeout(PATIENCE).unwrap();
    let standing = outcome.standing.expect("a connection that stood");
    assert_eq!((outcome.reason, outcome.lines), (None, vec!["a1 OK in".to_owned()]));
    assert!(standing.local.unwrap().ip().is_loopback());
    assert!(standing.tls.is_none() && standing.certificate.is_none());
}

#[test]
fn a_probe_that_pauses_stays_connected_and_says_nothing_meanwhile() {
    let (bench, _worker, server) = one_server();
    let pause = [&[4, 0][..], &300u32.to_le_bytes()].concat();
    let send = [&[1, 0][..], &3u32.to_le_bytes(), b"q\r\n"].concat();
    let outcome = probe(&bench, &server, &[&[2][..], &pause, &send].concat());
    let began = Instant::now();
    let mut inside = server.accept();
    assert_eq!(inside.line(), "q");
    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
    assert_eq!(outcome.recv_timeout(PATIENCE).unwrap().reason, None);
}

fn probe(bench: &Bench, server: &Server, script: &[u8]) -> Receiver<ProbeOutcome> {
    let endpoint = endpoint(server.address, None);
    let (give, outcome) = channel();
    let answer = ProbeAnswer::new(move |outcome| drop(give.send(outcome)));
    bench.engine.probe(ProbeJob { endpoint, script: Script::decode(script).unwrap(), answer });
    outcome
}
