//! Whose connection it is, by a load balancer's PROXY header, and what servers are told of it: real sockets,
//! a worker played by the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;

use postern_engine::ProxyVersion;
use postern_engine::config::Limits;
use postern_engine::end_reason::EndReason;
use postern_engine::probe::{ProbeAnswer, ProbeJob};
use postern_engine::script::Script;
use postern_engine::selection::Selection;
use postern_engine::trusted_proxies::TrustedProxies;
use support::{Bench, HOME, PATIENCE, Server, Talk, endpoint, limits, script, start, start_as, until};

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 203.0.113.5 54321 993\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x13\xc0\x00\x02\x01\xcb\x00\x71\x05\xd4\x31\x03\xe1\x01\0\x04imap";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// A listener for load balancers, which are `trusted`.
fn behind(trusted: &str, limits: Limits) -> Bench {
    start_as(limits, |config| {
        config.frontends[0].is_proxied = true;
        config.trusted_proxies = TrustedProxies::parse([trusted]).unwrap();
    })
}

/// The pieces, each a segment of its own as far as the system likes.
fn send(bench: &Bench, pieces: &[&[u8]]) -> Talk {
    let mut stream = TcpStream::connect(bench.address).unwrap();
    stream.set_nodelay(true).unwrap();
    pieces.iter().for_each(|piece| stream.write_all(piece).unwrap());
    Talk::over(stream)
}

#[test]
fn v51_wherever_a_header_is_cut_its_client_counts_and_nothing_behind_it_is_lost() {
    let bench = behind("127.0.0.0/8", limits());
    let mut worker = bench.worker(0);
    for header in [V1, V2] {
        let bytes = [header, b"a1 NOOP\r\n"].concat();
        for cut in 0..bytes.len() {
            let mut client = send(&bench, &[&bytes[..cut], &bytes[cut..]]);
            let opened = worker.expect(1);
            assert_eq!(opened.text(), "192.0.2.1 54321 203.0.113.5 993 - - - -", "cut at {cut}");
            let line = worker.expect(2);
            assert_eq!((line.text().as_str(), line.argument), ("a1 NOOP", 9), "cut at {cut}");
            worker.command(1, line.id, line.argument, b"* OK\r\n");
            assert_eq!(client.line(), "* OK");
            drop(client);
            worker.expect(8);
        }
    }
}

#[test]
fn v51_a_header_may_come_byte_by_byte_and_a_long_one_in_pieces() {
    let bench = behind("127.0.0.0/8", limits());
    let mut worker = bench.worker(0);
    let bytes = [V2, b"a1 NOOP\r\n"].concat();
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    let _slow = send(&bench, &single);
    worker.expect(1);
    assert_eq!(worker.expect(2).text(), "a1 NOOP");

    let length = 12 + 3 + 4000_u16;
    let value = [&[4, 0x0f, 0xa0][..], &[0; 4000]].concat();
    let long = [&V2[..14], &length.to_be_bytes(), &V2[16..28], &value, b"a2 NOOP\r\n"].concat();
    let _long = send(&bench, &[&long]);
    assert_eq!(worker.expect(1).text(), "192.0.2.1 54321 203.0.113.5 993 - - - -");
    assert_eq!(worker.expect(2).text(), "a2 NOOP");
}

#[test]
fn v51_who_is_no_trusted_proxy_is_closed_unread_with_a_header_or_without() {
    let bench = behind("127.0.0.9", limits());
    let _worker = bench.worker(0);
    for (count, bytes) in [(1, V1), (2, V2), (3, b"a1 NOOP\r\n".as_slice()), (4, b"".as_slice())] {
        let mut stranger = send(&bench, &[bytes]);
        assert_eq!(stranger.rest(), b"");
        bench.wait_for_end(EndReason::ProxyUntrusted.code() as usize, count);
    }
    assert_eq!((bench.engine.counters.open.get(), bench.engine.workers[0].sessions()), (0, 0));
}

#[test]
fn v51_what_is_no_header_ends_the_connection_without_an_answer() {
    let bench = behind("127.0.0.1", limits());
    let _worker = bench.worker(0);
    let cases: [&[u8]; 5] = [
        b"a1 LOGIN ann secret\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"\x16\x03\x01\x02\0",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x0c",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
    ];
    for (count, bytes) in (1..).zip(cases) {
        let mut client = send(&bench, &[bytes]);
        assert_eq!(client.rest(), b"");
        bench.wait_for_end(EndReason::ProxyHeaderBad.code() as usize, count);
    }
    let cut_off = send(&bench, &[&V1[..20]]);
    cut_off.stream.shutdown(Shutdown::Write).unwrap();
    bench.wait_for_end(EndReason::ProxyHeaderBad.code() as usize, 6);
}

#[test]
fn v51_a_header_has_three_seconds() {
    let bench = behind("127.0.0.1", limits());
    let began = std::time::Instant::now();
    let mut slow = send(&bench, &[&V1[..10]]);
    assert_eq!(slow.rest(), b"");
    assert!(began.elapsed().as_secs() >= 3);
    bench.wait_for_end(EndReason::ProxyHeaderBad.code() as usize, 1);
}

#[test]
fn a_load_balancer_that_only_looks_whether_the_port_is_open_is_a_client_that_left() {
    let bench = behind("127.0.0.1", limits());
    drop(send(&bench, &[]));
    bench.wait_for_end(EndReason::ClientQuit.code() as usize, 1);
}

#[test]
fn v51_a_health_check_is_the_load_balancer_itself() {
    let bench = behind("127.0.0.1", Limits { connections_per_address_max: 1, ..limits() });
    let mut worker = bench.worker(0);
    let mut checks = Vec::new();
    for header in [LOCAL, b"PROXY UNKNOWN\r\n"] {
        let check = send(&bench, &[header]);
        let ports = [check.stream.local_addr().unwrap().port(), bench.address.port()];
        let opened = format!("127.0.0.1 {} 127.0.0.1 {} - - - -", ports[0], ports[1]);
        assert_eq!(worker.expect(1).text(), opened);
        checks.push(check);
    }
}

#[test]
fn v51_limits_count_the_client_and_not_the_load_balancer() {
    let bench = behind("127.0.0.1", Limits { connections_per_address_max: 1, ..limits() });
    let mut worker = bench.worker(0);
    let first = send(&bench, &[V1]);
    worker.expect(1);
    let mut second = send(&bench, &[V1]);
    assert_eq!(second.rest(), b"* BYE address\r\n");
    bench.wait_for_end(EndReason::TooManyFromAddress.code() as usize, 1);
    let _other = send(&bench, &[b"PROXY TCP4 192.0.2.2 203.0.113.5 1 993\r\n"]);
    assert!(worker.expect(1).text().starts_with("192.0.2.2 1 "));
    drop(first);
    worker.expect(8);
    let _again = send(&bench, &[V1]);
    worker.expect(1);
}

#[test]
fn v51_connections_that_wait_for_their_headers_are_bounded() {
    let bench = behind("127.0.0.1", Limits { connections_max: 8, ..limits() });
    let mut worker = bench.worker(0);
    let waiting = [send(&bench, &[&V1[..9]]), send(&bench, &[&V1[..9]])];
    until("both are waiting", || bench.engine.addresses.awaited() == 2);
    assert_eq!(send(&bench, &[V1]).rest(), b"* BYE 0\r\n");
    bench.wait_for_end(EndReason::TooManyConnections.code() as usize, 1);
    drop(waiting);
    until("nobody is waiting", || bench.engine.addresses.awaited() == 0);
    let _client = send(&bench, &[V1]);
    worker.expect(1);
}

/// A client that logs in, and what its server gets before the login.
fn told(proxy: Option<ProxyVersion>, bench: &Bench, header: &[u8]) -> (Talk, Talk) {
    let mut worker = bench.worker(0);
    let server = Server::start();
    bench.publish_with(&[server.address], (0, 1), proxy);
    let client = send(bench, &[header, b"a1 LOGIN x y\r\n"]);
    let login = worker.greet();
    worker.hand_off(&login, HOME);
    (client, server.accept())
}

#[test]
fn a_server_is_told_the_clients_address_by_version_1() {
    let bench = start(limits());
    let (client, mut inside) = told(Some(ProxyVersion::V1), &bench, b"");
    let port = client.stream.local_addr().unwrap().port();
    assert_eq!(inside.line(), format!("PROXY TCP4 127.0.0.1 127.0.0.1 {port} {}", bench.address.port()));
    inside.say("* OK\r\n");
    assert_eq!(inside.line(), "a1 LOGIN x y");
}

#[test]
fn a_server_is_told_the_clients_address_and_the_session_by_version_2() {
    let bench = start(limits());
    let (client, mut inside) = told(Some(ProxyVersion::V2), &bench, b"");
    let port = client.stream.local_addr().unwrap().port().to_be_bytes();
    let (listener, rows) = (bench.address.port().to_be_bytes(), rows(&bench));
    let session = format!("{:014x}", rows[0].id.number());
    let expected = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x1d\x7f\0\0\x01\x7f\0\0\x01"[..],
        &port,
        &listener,
        b"\x05\0\x0e",
        session.as_bytes(),
    ];
    assert_eq!(inside.exactly(16 + 0x1d), expected.concat());
    inside.say("* OK\r\n");
    assert_eq!(inside.line(), "a1 LOGIN x y");
}

#[test]
fn what_a_load_balancer_said_of_the_client_is_what_the_server_is_told() {
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let bench = behind("127.0.0.1", limits());
        let (_client, mut inside) = told(Some(version), &bench, V2);
        match version {
            ProxyVersion::V1 => assert_eq!(inside.line().as_bytes(), &V1[..V1.len() - 2]),
            ProxyVersion::V2 => assert_eq!(inside.exactly(28)[16..], V2[16..28]),
        }
        let proxy = rows(&bench)[0].proxy.map(|proxy| proxy.ip().to_string());
        assert_eq!(proxy.as_deref(), Some("127.0.0.1"));
    }
}

#[test]
fn a_server_that_is_told_nothing_hears_the_login_first() {
    let bench = start(limits());
    let (_client, mut inside) = told(None, &bench, b"");
    inside.say("* OK\r\n");
    assert_eq!(inside.line(), "a1 LOGIN x y");
}

#[test]
fn a_probe_says_that_it_is_the_gateways_own() {
    let bench = start(limits());
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let server = Server::start();
        let (give, outcomes) = channel();
        bench.engine.probe(ProbeJob {
            endpoint: endpoint(server.address, Some(version)),
            script: Script::decode(&script()).unwrap(),
            answer: ProbeAnswer::new(move |outcome| give.send(outcome).unwrap()),
        });
        let mut inside = server.accept();
        let ports = [inside.stream.peer_addr().unwrap().port(), server.address.port()];
        let own = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} {}\r\n", ports[0], ports[1]);
        let header = if version == ProxyVersion::V1 { own.as_bytes() } else { LOCAL };
        assert_eq!(inside.exactly(header.len()), header);
        inside.say("* OK\r\n");
        assert_eq!(inside.line(), "a1 LOGIN x y");
        inside.say("a1 OK\r\n");
        assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap().reason, None);
    }
}

#[test]
fn dials_of_sessions_and_probes_come_from_the_source_addresses_in_turn() {
    let bench = start_as(limits(), |config| {
        config.source_addresses = ["127.0.0.2", "127.0.0.3"].map(|text| text.parse().unwrap()).into();
    });
    let mut worker = bench.worker(0);
    let server = Server::start();
    bench.publish(&[server.address], 0, 1);
    let mut seen = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let (client, inside) = support::spliced(&bench, &mut worker, &server);
        seen.push(inside.stream.peer_addr().unwrap());
        sessions.push((client, inside));
    }
    let mut shown: Vec<_> = rows(&bench).iter().filter_map(|row| row.placement.local).collect();
    let turns: Vec<String> = seen.iter().map(|address| address.ip().to_string()).collect();
    assert_eq!(turns, ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"]);
    shown.sort();
    seen.sort();
    assert_eq!(shown, seen, "what is shown of a session is what its server sees");
}

fn rows(bench: &Bench) -> Vec<postern_engine::selection::SessionRow> {
    let (give, rows) = channel();
    bench.engine.sessions(&Selection::default(), 100, Box::new(move |rows| give.send(rows).unwrap()));
    rows.recv_timeout(PATIENCE).unwrap()
}
