//! Interleavings that once went wrong, or nearly did. Each test tells its story in two lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::mpsc::channel;
use std::time::Duration;

use postern_engine::end_reason::EndReason;
use postern_engine::goodbye::Order;
use postern_engine::probe::{ProbeAnswer, ProbeJob};
use postern_engine::script::Script;
use postern_engine::selection::Selection;
use support::{
    HOME, PATIENCE, Server, endpoint, in_handoff, kick, limits, one_server, script, spliced, start, until,
};

/// A read that did not fill its buffer was taken as "empty" later, when new bytes had arrived meanwhile:
/// their event was lost, and a client that reads slowly stopped getting anything.
#[test]
fn a_client_that_pauses_gets_all_of_a_download() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    let total = 24_000_000;
    inside.stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let sending = std::thread::spawn(move || {
        for piece in vec![b'x'; total].chunks(20_000) {
            inside.stream.write_all(piece).unwrap();
            std::thread::sleep(Duration::from_micros(100));
        }
        inside
    });
    std::thread::sleep(Duration::from_millis(1_500));
    let (mut got, mut buffer) = (0, vec![0; 100_000]);
    while got < total {
        got += client.stream.read(&mut buffer).expect("bytes go on coming");
    }
    drop(sending.join().unwrap());
}

/// The same, during a handoff: bytes beyond what is read ahead reached no server.
#[test]
fn bytes_beyond_the_preambles_limit_wait_in_the_socket_and_reach_the_server_after_the_login() {
    let (bench, mut worker, server) = one_server();
    let (mut client, _login, mut inside) = in_handoff(&bench, &mut worker, &server);
    inside.say("* OK server\r\n");
    assert_eq!(inside.line(), "a1 LOGIN x y");
    client.say(&"x".repeat(limits().preamble_bytes_max + 1_000));
    std::thread::sleep(Duration::from_millis(100));
    client.say("tail\r\n");
    std::thread::sleep(Duration::from_millis(100));
    inside.say("a1 OK in\r\n");
    worker.expect(7);
    assert_eq!(inside.exactly(limits().preamble_bytes_max + 1_006).last(), Some(&b'\n'));
}

/// One client's empty lines filled the queue of its worker, and others' sessions were ended for want of room.
#[test]
fn a_flood_of_lines_takes_no_room_from_other_sessions() {
    let (bench, mut worker, server) = one_server();
    let (_victim, login, mut inside) = in_handoff(&bench, &mut worker, &server);
    inside.say("* OK\r\n");
    inside.line();
    let mut attacker = bench.client();
    worker.expect(1);
    attacker.say(&"\n".repeat(5_000));
    std::thread::sleep(Duration::from_millis(200));
    inside.say("a1 NO wrong\r\n");
    let mut lines = 0;
    let refused = loop {
        let event = worker.next();
        if event.kind != 2 {
            break event;
        }
        lines += 1;
    };
    assert_eq!((refused.kind, refused.id), (5, login.id));
    assert!(lines <= 160, "{lines} lines of one client at once");
    assert_eq!(bench.ended(EndReason::WorkerOverloaded.code() as usize), 0);
}

/// The end of a worker was not noticed while a client did its handshake: it then waited for nobody.
#[test]
fn a_worker_that_goes_during_starttls_takes_no_client_with_it() {
    let (bench, mut worker, _server) = one_server();
    let mut client = bench.client();
    client.say("a1 STARTTLS\r\n");
    let line = worker.greet();
    worker.command(2, line.id, line.argument, b"a1 OK go\r\n");
    assert_eq!((client.line(), client.line()), ("* OK ready".into(), "a1 OK go".into()));
    let _second = bench.worker(1);
    worker.leave();
    until("the dead worker has no session", || bench.engine.workers[0].sessions() == 0);
    drop(client);
    until("the session has ended", || bench.engine.counters.open.get() == 0);
    assert_eq!(bench.engine.workers[1].sessions(), 0);
}

/// A worker died before its greeting was out, and the next one believed that the client had been greeted.
#[test]
fn a_client_that_has_heard_nothing_is_greeted_by_the_next_worker() {
    let (bench, mut worker, _server) = one_server();
    let _client = bench.client();
    worker.expect(1);
    let mut second = bench.worker(1);
    worker.leave();
    assert_eq!(second.expect(1).argument, 0);
}

/// A worker that took a place before the old one had left it hid the old one's end from its sessions.
#[test]
fn a_worker_that_comes_before_the_old_one_has_left_ends_the_old_ones_sessions() {
    let (bench, mut worker, _server) = one_server();
    let mut client = bench.client();
    client.say("a1 NOOP\r\n");
    worker.greet();
    let mut second = bench.worker(0);
    worker.leave();
    assert_eq!(client.rest(), b"* OK ready\r\n* BYE worker\r\n");
    let mut next = bench.client();
    next.say("a1 NOOP\r\n");
    assert_eq!(second.greet().text(), "a1 NOOP");
}

/// What a server said right behind its OK was not looked at, and a goodbye came into the middle of it.
#[test]
fn a_goodbye_does_not_split_the_line_that_came_with_the_login() {
    let (bench, mut worker, server) = one_server();
    let (mut client, _login, mut inside) = in_handoff(&bench, &mut worker, &server);
    inside.say("* OK server\r\n");
    inside.line();
    inside.say("a1 OK in\r\n* 12 EXI");
    worker.expect(7);
    bench.goodbye(&Selection::default(), kick(0));
    assert_eq!(client.rest(), b"* OK ready\r\na1 OK in\r\n* 12 EXI");
}

/// A client that closed its side before the splice kept the session for the idle timeout.
#[test]
fn a_client_that_half_closed_before_the_splice_has_the_shorter_time() {
    let (bench, mut worker, server) = one_server();
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\na2 NOOP\r\n");
    client.stream.shutdown(Shutdown::Write).unwrap();
    let login = worker.greet();
    worker.hand_off(&login, HOME);
    let mut inside = server.let_in();
    assert_eq!(inside.line(), "a2 NOOP");
    worker.expect(2);
    worker.expect(7);
    std::thread::sleep(Duration::from_millis(100));
    bench.engine.clock.advance(200_000);
    until("the session has ended", || bench.engine.counters.open.get() == 0);
}

/// A server that broke off while a client was sending had often said why; the client did not get to hear it.
#[test]
fn what_a_server_said_before_it_broke_off_still_reaches_the_client() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    inside.say("a2 NO [OVERQUOTA] too much\r\n");
    drop(inside);
    let mut writer = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        // Into a connection that is gone: the first write brings a reset, a later one the error.
        (0..200).try_for_each(|_| writer.write_all(&[b'x'; 10_000]))
    });
    assert_eq!(client.line(), "a2 NO [OVERQUOTA] too much");
    let _ = sending.join().unwrap();
    until("the session has ended", || bench.engine.counters.open.get() == 0);
}

/// A held login whose client sent a large literal ahead was thrown out after a second, hold or not.
#[test]
fn a_fault_of_the_client_waits_until_the_hold_is_over() {
    let bench = start(limits());
    let mut worker = bench.worker(0);
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    worker.command(7, login.id, 30_000, b"");
    std::thread::sleep(Duration::from_millis(50));
    client.say("a2 APPEND x {999999+}\r\n");
    assert_eq!(worker.expect(9).argument, EndReason::LiteralTooLong.code());
    bench.engine.clock.advance(5_000);
    let server = Server::start();
    bench.publish(&[server.address], 0, 1);
    worker.hand_off(&login, HOME);
    let mut inside = server.let_in();
    assert_eq!(inside.line(), "a2 APPEND x {999999+}");
}

/// The session's log line said neither which server a failed login was meant for, nor what the server said.
#[test]
fn the_record_of_a_session_that_failed_says_where_and_how() {
    let (bench, mut worker, server) = one_server();
    bench.engine.ends.listen(Box::new(|| {}));
    let (mut client, _login, mut inside) = in_handoff(&bench, &mut worker, &server);
    inside.say("* OK\r\n");
    inside.line();
    inside.say("* BYE [UNAVAILABLE] out of order\r\n");
    inside.stream.shutdown(Shutdown::Both).unwrap();
    let failed = worker.expect(6);
    worker.command(6, failed.id, EndReason::ServerUnexpected.code(), b"* BYE\r\n");
    client.rest();
    let mut records = Vec::new();
    until("the record is there", || {
        records.extend(bench.engine.ends.take(10));
        !records.is_empty()
    });
    assert_eq!(records[0].session.placement.server, Some(0));
    assert!(!records[0].detail.is_empty());
}

/// A goodbye of a server's that met a handoff on it ended the client instead of looking for another server.
#[test]
fn a_server_that_goes_down_during_a_handoff_is_the_workers_to_replace() {
    let (bench, mut worker, server) = one_server();
    let (mut client, login, _silent) = in_handoff(&bench, &mut worker, &server);
    let selection = Selection { server: Some(0), ..Selection::default() };
    bench.goodbye(&selection, Order { reason: EndReason::ServerDown, ..kick(0) });
    assert_eq!(worker.expect(6).argument & 0xffff, EndReason::ServerDown.code());
    worker.hand_off(&login, HOME);
    server.let_in();
    assert_eq!((client.line(), client.line()), ("* OK ready".into(), "a1 OK in".into()));
}

/// A probe of a server that said nothing was never answered when the engine stopped; the gateway's process
/// waited for that answer, and did not end.
#[test]
fn a_probe_under_way_is_answered_when_the_engine_stops() {
    let (bench, _worker, server) = one_server();
    let endpoint = endpoint(server.address, None);
    let (give, outcome) = channel();
    let answer = ProbeAnswer::new(move |outcome| drop(give.send(outcome)));
    bench.engine.probe(ProbeJob { endpoint, script: Script::decode(&script()).unwrap(), answer });
    let _silent = server.accept();
    bench.engine.stop();
    let outcome = outcome.recv_timeout(PATIENCE).expect("an answer");
    assert_eq!(outcome.reason, Some(EndReason::InternalError));
}
