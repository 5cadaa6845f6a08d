//! Sessions through the whole engine: real sockets, a worker played by the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;

use postern_engine::end_reason::EndReason;
use support::{HOME, Handoff, Server, in_handoff, limits, one_server, spliced, start, start_as, until};

#[test]
fn what_a_client_pipelines_behind_its_login_reaches_the_server_after_it_once_and_in_order() {
    let (bench, mut worker, server) = one_server();
    let mut client = bench.client();
    client.say("a0 NOOP\r\na1 LOGIN x y\r\na2 SELECT INBOX\r\na3 NO");
    let noop = worker.greet();
    assert_eq!((noop.text().as_str(), noop.argument), ("a0 NOOP", 9));
    worker.command(1, noop.id, noop.argument, b"a0 OK\r\n");
    let login = worker.expect(2);
    worker.hand_off(&login, HOME);
    let mut inside = server.let_in();
    client.say("OP\r\n");
    assert_eq!((inside.line(), inside.line()), ("a2 SELECT INBOX".into(), "a3 NOOP".into()));
    inside.say("* 1 EXISTS\r\n");
    let heard: Vec<String> = (0..4).map(|_| client.line()).collect();
    assert_eq!(heard, ["* OK ready", "a0 OK", "a1 OK in", "* 1 EXISTS"]);
}

#[test]
fn a_literal_waits_for_the_workers_word_and_a_non_synchronising_one_does_not() {
    let (bench, mut worker, _server) = one_server();
    let mut client = bench.client();
    client.say("a1 LOGIN {3}\r\nann {2+}\r\nxy\r\n");
    let line = worker.greet();
    worker.command(4, line.id, 3, b"+ go\r\n");
    let literal = worker.expect(3);
    assert_eq!((literal.text().as_str(), literal.argument), ("ann", 17));
    assert_eq!(worker.expect(2).text(), " {2+}");
    assert_eq!(worker.expect(3).text(), "xy");
    assert_eq!(worker.expect(2).text(), "");
    assert_eq!((client.line(), client.line()), ("* OK ready".into(), "+ go".into()));
}

#[test]
fn a_refused_login_comes_back_to_the_worker_and_the_client_may_try_again() {
    let (bench, mut worker, server) = one_server();
    let (mut client, login, mut inside) = in_handoff(&bench, &mut worker, &server);
    inside.say("* OK\r\n");
    inside.line();
    inside.say("a1 NO [AUTHENTICATIONFAILED] \x07wrong\r\n");
    let refused = worker.expect(5);
    assert_eq!(refused.text(), "a1 NO [AUTHENTICATIONFAILED] wrong");
    assert_eq!(inside.rest(), b"");
    worker.command(1, refused.id, login.argument, b"a1 NO\r\n");
    client.say("a1 LOGIN x y\r\n");
    let again = worker.expect(2);
    worker.hand_off(&again, HOME);
    server.let_in();
    worker.expect(7);
    assert_eq!(bench.engine.pins.len(), 1);
}

#[test]
fn more_logins_than_a_connection_may_try_end_it() {
    let (bench, mut worker, server) = one_server();
    let mut client = bench.client();
    client.say("a1 LOGIN\r\n");
    let login = worker.greet();
    for _ in 0..limits().login_attempts_max {
        worker.hand_off(&login, HOME);
        let mut inside = server.accept();
        inside.say("* OK\r\n");
        inside.line();
        inside.say("a1 NO\r\n");
        worker.expect(5);
    }
    worker.hand_off(&login, HOME);
    assert_eq!(worker.expect(8).argument, EndReason::TooManyFailures.code());
    assert_eq!(client.rest(), b"* OK ready\r\n* BYE 0\r\n");
}

#[test]
fn v01_bytes_behind_starttls_end_the_session_without_an_answer() {
    let (bench, mut worker, _server) = one_server();
    let mut client = bench.client();
    client.say("a1 STARTTLS\r\na2 LOGIN x y\r\n");
    let line = worker.greet();
    worker.command(2, line.id, line.argument, b"a1 OK go\r\n");
    bench.wait_for_end(EndReason::StarttlsInjection.code() as usize, 1);
    assert_eq!(client.rest(), b"* OK ready\r\n");
}

#[test]
fn a_server_that_refuses_the_connection_is_told_to_the_worker_as_untouched() {
    let bench = start(limits());
    let gone = Server::start().address;
    let mut worker = bench.worker(0);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    bench.publish(&[closed, gone], 0, 1);
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    worker.hand_off(&login, HOME);
    let failed = worker.expect(6);
    assert_eq!(failed.argument, EndReason::ConnectRefused.code() | 1 << 16, "{}", failed.text());
}

#[test]
fn f05_a_server_that_never_greets_is_a_greeting_timeout() {
    let (bench, mut worker, server) = one_server();
    let (_client, _login, _silent) = in_handoff(&bench, &mut worker, &server);
    let failed = worker.expect(6);
    assert_eq!(failed.argument, EndReason::GreetingTimeout.code() | 1 << 16, "{}", failed.text());
}

#[test]
fn a_server_that_greets_otherwise_or_leaves_fails_the_handoff() {
    for (greeting, code) in [("* PREAUTH in\r\n", 34), ("", 43)] {
        let (bench, mut worker, server) = one_server();
        let mut client = bench.client();
        client.say("a1 LOGIN x y\r\n");
        let login = worker.greet();
        worker.hand_off(&login, HOME);
        let mut inside = server.accept();
        inside.say(greeting);
        inside.stream.shutdown(Shutdown::Both).unwrap();
        assert_eq!(worker.expect(6).argument & 0xffff, code, "{greeting:?}");
    }
}

#[test]
fn a_session_is_not_spliced_to_a_server_that_is_no_longer_the_owner() {
    let bench = start(limits());
    let (old, new) = (Server::start(), Server::start());
    bench.publish(&[old.address, new.address], 0, 1);
    let mut worker = bench.worker(0);
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    worker.hand_off(&login, HOME);
    let mut inside = old.accept();
    inside.say("* OK\r\n");
    inside.line();
    bench.publish(&[old.address, new.address], 1, 2);
    inside.say("a1 OK in\r\n");
    assert_eq!(worker.expect(6).argument & 0xffff, EndReason::CopyMoved.code());
    worker.hand_off(&login, Handoff { server: 1, generation: 2, mailbox: 7 });
    let _inside = new.let_in();
    worker.expect(7);
    assert_eq!((client.line(), client.line()), ("* OK ready".into(), "a1 OK in".into()));
}

#[test]
fn an_exclusive_mailbox_never_has_sessions_on_two_servers() {
    let bench = start(limits());
    let (old, new) = (Server::start(), Server::start());
    bench.publish(&[old.address, new.address], 0, 1);
    let mut worker = bench.worker(0);
    let (first, inside) = spliced(&bench, &mut worker, &old);
    bench.publish(&[old.address, new.address], 1, 2);
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    worker.hand_off(&login, Handoff { server: 1, generation: 2, mailbox: 7 });
    new.let_in();
    assert_eq!(worker.expect(6).argument & 0xffff, EndReason::HeldElsewhere.code());
    drop((first, inside));
    until("the old session is gone", || bench.engine.pins.is_empty());
    worker.hand_off(&login, Handoff { server: 1, generation: 2, mailbox: 7 });
    new.let_in();
    worker.expect(7);
}

#[test]
fn f43_bytes_after_a_half_close_still_arrive_both_ways() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    client.say("z LOGOUT\r\n");
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(inside.rest(), b"z LOGOUT\r\n");
    inside.say("* BYE\r\nz OK\r\n");
    inside.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"* BYE\r\nz OK\r\n");
    bench.wait_for_end(EndReason::ClientClosed.code() as usize, 1);
    assert_eq!(bench.engine.counters.open.get(), 0);
}

#[test]
fn megabytes_both_ways_at_once_arrive_unchanged_whatever_the_pace() {
    let (bench, mut worker, server) = one_server();
    let (client, inside) = spliced(&bench, &mut worker, &server);
    let body: Vec<u8> =
        (0..8_000_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let ends = [client.stream, inside.stream];
    let threads = ends.map(|end| {
        let (mut writer, body) = (end.try_clone().unwrap(), body.clone());
        let sending = std::thread::spawn(move || {
            for piece in body.chunks(70_001) {
                writer.write_all(piece).unwrap();
            }
            writer.shutdown(Shutdown::Write).unwrap();
        });
        (end, sending)
    });
    for (mut end, sending) in threads {
        let reading = std::thread::spawn(move || {
            let mut got = Vec::new();
            end.read_to_end(&mut got).unwrap();
            got
        });
        let got = reading.join().unwrap();
        assert!(got == body, "{} of {} bytes", got.len(), body.len());
        sending.join().unwrap();
    }
}

#[test]
fn when_a_worker_goes_fresh_sessions_move_and_others_hear_why_and_spliced_ones_go_on() {
    let (bench, mut first, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut first, &server);
    let mut fresh = bench.client();
    let opened = first.expect(1);
    first.command(1, opened.id, 0, b"* OK ready\r\n");
    assert_eq!(fresh.line(), "* OK ready");
    let mut begun = bench.client();
    begun.say("a1 NOOP\r\n");
    first.greet();
    let mut second = bench.worker(1);
    first.leave();
    let moved = second.expect(1);
    assert_eq!((moved.id, moved.argument), (opened.id, 1 << 16));
    assert_eq!(begun.rest(), b"* OK ready\r\n* BYE worker\r\n");
    fresh.say("a1 LOGIN x y\r\n");
    let login = second.expect(2);
    second.hand_off(&login, HOME);
    server.let_in();
    assert_eq!(fresh.line(), "a1 OK in");
    client.say("a2 NOOP\r\n");
    assert_eq!(inside.line(), "a2 NOOP");
}

#[test]
fn without_a_worker_a_client_waits_for_one_and_is_told_when_none_comes() {
    let bench = start(limits());
    let mut patient = bench.client();
    until("it is taken in", || bench.engine.counters.open.get() == 1);
    let mut worker = bench.worker(0);
    patient.say("a1 NOOP\r\n");
    assert_eq!(worker.greet().text(), "a1 NOOP");
    worker.leave();
    assert_eq!(patient.rest(), b"* OK ready\r\n* BYE worker\r\n");
    let mut unlucky = bench.client();
    until("it is taken in", || bench.engine.counters.opened.get() == 2);
    std::thread::sleep(std::time::Duration::from_millis(50));
    bench.engine.clock.advance(6_000);
    assert_eq!(unlucky.rest(), b"* BYE 0\r\n");
    bench.wait_for_end(EndReason::WorkerOverloaded.code() as usize, 1);
}

#[test]
fn v36_a_client_that_leaves_during_the_handoff_frees_the_server_within_a_second() {
    let (bench, mut worker, server) = one_server();
    let (mut client, _login, mut inside) = in_handoff(&bench, &mut worker, &server);
    // Leaving over unread bytes would be a reset.
    client.line();
    let began = std::time::Instant::now();
    drop(client);
    assert_eq!(inside.rest(), b"");
    assert!(began.elapsed().as_millis() < 1_000);
    bench.wait_for_end(EndReason::ClientQuit.code() as usize, 1);
    assert_eq!(worker.expect(8).argument, EndReason::ClientQuit.code());
}

#[test]
fn limits_of_the_preamble_hold_at_their_edges() {
    let long = |length: usize| format!("{}\r\n", "x".repeat(length - 2));
    for (sent, code) in [
        (long(limits().line_bytes_max + 1), EndReason::LineTooLong),
        (format!("a1 LOGIN {{{}+}}\r\n", limits().literal_bytes_max + 1), EndReason::LiteralTooLong),
        ("a1 LOGIN {4294967295}\r\n".into(), EndReason::LiteralTooLong),
        ("\x16\x03\x01\x02".into(), EndReason::WrongProtocol),
        ("a1 NO\0OP\r\n".into(), EndReason::Syntax),
        ("a1 NO\rOP\r\n".into(), EndReason::Syntax),
    ] {
        let (bench, mut worker, _server) = one_server();
        let mut client = bench.client();
        client.say(&sent);
        worker.expect(1);
        let fault = loop {
            let event = worker.next();
            if event.kind != 2 {
                break event;
            }
        };
        assert_eq!((fault.kind, fault.argument), (9, code.code()), "{}", sent.len());
    }
    let (bench, mut worker, _server) = one_server();
    let mut client = bench.client();
    client.say(&long(limits().line_bytes_max));
    worker.expect(1);
    assert_eq!(worker.expect(2).bytes.len(), limits().line_bytes_max - 2);
}

#[test]
fn a_preamble_that_takes_too_long_is_the_workers_to_refuse_and_else_the_engines() {
    let (bench, mut worker, _server) = one_server();
    let mut client = bench.client();
    worker.expect(1);
    bench.engine.clock.advance(59_000);
    client.say("a1 NOOP\r\n");
    worker.expect(2);
    bench.engine.clock.advance(1_500);
    assert_eq!(worker.expect(9).argument, EndReason::PreambleTimeout.code());
    bench.engine.clock.advance(1_500);
    assert_eq!(worker.expect(8).argument, EndReason::PreambleTimeout.code());
    assert_eq!(client.rest(), b"* BYE 0\r\n");
}

#[test]
fn a_hold_stops_the_preambles_clock() {
    let (bench, mut worker, _server) = one_server();
    let _client = bench.client();
    let opened = worker.expect(1);
    worker.command(7, opened.id, 30_000, b"");
    worker.command(8, opened.id, 0, "ann@demo.test".as_bytes());
    std::thread::sleep(std::time::Duration::from_millis(50));
    bench.engine.clock.advance(85_000);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(bench.ended(EndReason::PreambleTimeout.code() as usize), 0);
    bench.engine.clock.advance(10_000);
    assert_eq!(worker.expect(9).argument, EndReason::PreambleTimeout.code());
}

#[test]
fn an_idle_splice_ends_at_its_timeout_with_words_and_a_busy_one_does_not() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    bench.engine.clock.advance(1_700_000);
    client.say("a2 NOOP\r\n");
    assert_eq!(inside.line(), "a2 NOOP");
    inside.say("a2 OK\r\n");
    assert_eq!(client.line(), "a2 OK");
    bench.engine.clock.advance(1_700_000);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(bench.engine.counters.open.get(), 1);
    bench.engine.clock.advance(1_800_000);
    assert_eq!(client.rest(), b"* BYE idle\r\n");
    assert_eq!(inside.rest(), b"");
}

#[test]
fn one_address_gets_as_many_connections_as_it_may_and_a_closed_one_makes_room() {
    let bench = start(postern_engine::config::Limits { connections_per_address_max: 2, ..limits() });
    let mut worker = bench.worker(0);
    let first = bench.client();
    let _second = bench.client();
    worker.expect(1);
    worker.expect(1);
    assert_eq!(bench.client().rest(), b"* BYE address\r\n");
    drop(first);
    worker.expect(8);
    until("there is room again", || {
        let mut client = bench.client();
        client.stream.set_read_timeout(Some(std::time::Duration::from_millis(20))).unwrap();
        let mut byte = [0];
        client.stream.read(&mut byte).is_err()
    });
}

#[test]
fn a_slow_worker_stops_its_clients_and_loses_none_of_their_lines() {
    let bench = start(postern_engine::config::Limits { preamble_bytes_max: 4_000_000, ..limits() });
    let mut worker = bench.worker(0);
    let client = bench.client();
    worker.expect(1);
    let lines: String = (0..20_000).map(|number| format!("n{number}\r\n")).collect();
    let mut writer = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || writer.write_all(lines.as_bytes()));
    std::thread::sleep(std::time::Duration::from_millis(200));
    for number in 0..20_000 {
        let line = worker.expect(2);
        assert_eq!(line.text(), format!("n{number}"));
        worker.command(1, line.id, line.argument, b"");
    }
    sending.join().unwrap().unwrap();
    client.stream.shutdown(Shutdown::Both).unwrap();
    worker.expect(8);
}

#[test]
fn a_port_that_another_process_holds_is_refused_not_shared() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refusal = postern_engine::net::bind(taken.local_addr().unwrap(), 2).unwrap_err();
    assert!(refusal.contains("another program listens there already"), "{refusal}");
}

#[test]
fn each_frontend_frames_by_its_protocol() {
    const SYNTAX: u32 = EndReason::Syntax.code();
    for (protocol, bytes, seen) in [
        (1, "a {3+}\r\nxyz\n", vec![(2, "a {3+}"), (3, "xyz"), (2, "")]),
        (2, "USER {3+}\nPASS\r\n", vec![(2, "USER {3+}"), (2, "PASS")]),
        (3, "X {3+}\nxyz\r\n", vec![(2, "X {3+}"), (3, "xyz"), (2, "")]),
        (4, "EHLO {3+}\r\nNOOP\r\n", vec![(2, "EHLO {3+}"), (2, "NOOP")]),
        (4, "EHLO x\r\nNOOP\n", vec![(2, "EHLO x"), (9, "")]),
        (4, "EHLO\rx\r\n", vec![(9, "")]),
        (2, "USER\0x\r\n", vec![(9, "")]),
    ] {
        let bench = start_as(limits(), |config| config.frontends[0].protocol = protocol);
        let mut worker = bench.worker(0);
        let mut client = bench.client();
        client.say(bytes);
        worker.expect(1);
        for (kind, text) in seen {
            let event = worker.next();
            assert_eq!((event.kind, event.text().as_str()), (kind, text), "{protocol} {bytes:?}");
            assert!(kind != 9 || event.argument == SYNTAX);
        }
    }
}
