//! A TLS side through a session's whole life over a scripted socket: handshake, bytes, ends and faults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authority;
mod wire;

use authority::Authority;
use postern_tls::{AnySide, Handshake, PlainSide, ReadOutcome, Scratch, Side, SideFault};
use proptest::prelude::*;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use wire::*;

#[test]
fn a_handshake_ends_though_each_call_moves_one_byte_and_each_second_call_none() {
    let (server, client) = shaken(Wire::scripted(&[1, 0], &[0, 1]), Wire::scripted(&[0, 1], &[1, 0]));
    let (server, client) = (server.side.facts().unwrap(), client.side.facts().unwrap());
    assert_eq!((server.version, server.cipher_suite), ("TLSv1.3", "TLS_AES_128_GCM_SHA256"));
    assert_eq!((server.sni.as_deref(), server.alpn, server.resumed), (Some(NAME), None, false));
    assert_eq!(
        (client.version, client.cipher_suite, client.sni),
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256", None)
    );
}

#[test]
fn tls_1_2_shakes_hands_byte_by_byte_with_either_role() {
    let authority = Authority::new();
    let pair = authority.issue(&[NAME]);
    let mut server = Ours::server(&setup(std::slice::from_ref(&pair), &[]), Wire::scripted(&[1, 0], &[1, 0]));
    shake_with(&mut server, &mut buffered_client(&authority, TLS12, |_| {})).unwrap();
    let facts = server.side.facts().unwrap();
    assert_eq!((facts.version, facts.cipher_suite), ("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"));

    let setup = trust(&authority.pem);
    let mut client = Ours::client(&setup, Wire::scripted(&[1, 0], &[1, 0]));
    shake_with(&mut client, &mut buffered_server(&pair, TLS12, |_| {})).unwrap();
    assert_eq!(client.side.facts().unwrap().version, "TLSv1.2");
}

#[test]
fn a_client_can_be_asked_for_the_certificate_that_it_was_shown() {
    let authority = Authority::new();
    let pair = authority.issue(&[NAME]);
    let setup = trust(&authority.pem);
    let shown = CertificateDer::from_pem_slice(pair.certificate_pem.as_bytes()).unwrap();
    for version in [TLS12, TLS13] {
        let mut client = Ours::client(&setup, Wire::scripted(&[9_000], &[9_000]));
        assert_eq!(client.side.peer_certificate(), None);
        shake_with(&mut client, &mut buffered_server(&pair, version, |_| {})).unwrap();
        assert_eq!(client.side.peer_certificate().unwrap(), shown.as_ref());
    }
}

#[test]
fn a_fin_at_any_byte_of_the_clients_flights_is_a_close_in_the_handshake() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    let trust = trust(&authority.pem);
    let mut cut = 0;
    loop {
        let mut server = Ours::server(&setup, Wire::open());
        let mut client = Ours::client(&trust, Wire::open());
        let mut left = cut;
        let outcome = loop {
            client.handshake().unwrap();
            let flight = client.wire.drain();
            let length = flight.len().min(left);
            left -= length;
            server.wire.feed(&flight[..length]);
            server.wire.fin_in.set(length < flight.len());
            match server.handshake() {
                Ok(Handshake::WantRead) => carry(&server.wire, &client.wire),
                outcome => break outcome,
            }
        };
        match outcome {
            Ok(Handshake::Done) => break,
            Err(SideFault::ClosedInHandshake) => cut += 1,
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
    // Both flights were cut, not only the hello.
    assert!(cut > 250, "{cut}");
}

#[test]
fn a_fin_in_the_servers_flight_is_a_close_in_the_handshake() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    let trust = trust(&authority.pem);
    for cut in (0..600).step_by(37) {
        let (mut server, mut client) =
            (Ours::server(&setup, Wire::open()), Ours::client(&trust, Wire::open()));
        client.handshake().unwrap();
        carry(&client.wire, &server.wire);
        server.handshake().unwrap();
        client.wire.feed(&server.wire.drain()[..cut]);
        client.wire.fin_in.set(true);
        assert!(matches!(client.handshake(), Err(SideFault::ClosedInHandshake)), "cut at {cut}");
    }
}

#[test]
fn a_large_hello_spread_over_records_is_understood_and_asked_again_for_a_group_of_ours() {
    // A post-quantum key share makes a hello of more than 1.5 KB; P-384 alone makes the server ask again.
    use rustls::crypto::aws_lc_rs::kx_group;
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    for groups in [
        vec![kx_group::X25519MLKEM768, kx_group::X25519],
        vec![kx_group::X25519MLKEM768, kx_group::SECP384R1],
    ] {
        let mut config = client_config_with(&authority, |provider| provider.kx_groups = groups);
        config.max_fragment_size = Some(64);
        let mut server = Ours::server(&setup, Wire::scripted(&[11, 0], &[usize::MAX]));
        let mut client = connect(&config.into(), NAME);
        shake_with(&mut server, &mut client).unwrap();
        assert_eq!(server.side.facts().unwrap().sni.as_deref(), Some(NAME));
    }
}

#[test]
fn bytes_that_come_with_the_end_of_the_handshake_are_read_first_and_do_not_bar_writing() {
    for versions in [TLS12, TLS13] {
        let authority = Authority::new();
        let mut server = Ours::server(&setup(&[authority.issue(&[NAME])], &[]), Wire::open());
        let mut client = buffered_client(&authority, versions, |_| {});
        exchange(&server.wire, &mut client).unwrap();
        server.handshake().unwrap();
        // In TLS 1.3 the client may send behind its Finished at once; in 1.2 it waits for ours.
        use std::io::Write;
        client.writer().write_all(b"early bird").unwrap();
        exchange(&server.wire, &mut client).unwrap();
        assert_eq!(server.handshake().unwrap(), Handshake::Done);
        exchange(&server.wire, &mut client).unwrap();
        if versions == TLS13 {
            assert!(server.side.has_unread());
        }
        assert_eq!(server.write(b"greeting").unwrap(), 8);
        exchange(&server.wire, &mut client).unwrap();
        assert_eq!(received(&mut client), b"greeting");
        server.read_all().unwrap();
        assert_eq!(server.got, b"early bird");
        assert!(!server.side.has_unread());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mebibyte_arrives_whole_in_both_directions_whatever_the_sockets_take(
        reads in turns(), writes in turns(), other_reads in turns(), other_writes in turns(),
        piece in 1_usize..200_000,
    ) {
        let (mut server, mut client) =
            shaken(Wire::scripted(&reads, &writes), Wire::scripted(&other_reads, &other_writes));
        let scattered = |at: u32| at.wrapping_mul(2_654_435_761).to_le_bytes();
        let sent: Vec<u8> = (0..1_u32 << 18).flat_map(scattered).collect();
        let (mut down, mut up) = (0, 0);
        while server.got.len() < sent.len() || client.got.len() < sent.len() {
            down += offer(&mut server, &sent[down..], piece);
            up += offer(&mut client, &sent[up..], piece);
            carry(&server.wire, &client.wire);
            carry(&client.wire, &server.wire);
            prop_assert!(!matches!(server.read().unwrap(), ReadOutcome::Closed | ReadOutcome::Truncated));
            prop_assert!(!matches!(client.read().unwrap(), ReadOutcome::Closed | ReadOutcome::Truncated));
        }
        prop_assert!(server.got == sent && client.got == sent);
    }

    #[test]
    fn garbage_is_a_fault_or_not_enough_and_never_a_panic(
        garbage in prop::collection::vec(any::<u8>(), 0..70_000), looks_like_tls in any::<bool>(),
    ) {
        let authority = Authority::new();
        let setup = setup(&[authority.issue(&[NAME])], &["imap"]);
        let trust = trust(&authority.pem);
        let mut garbage = garbage;
        if looks_like_tls && garbage.len() > 8 {
            garbage[..3].copy_from_slice(&[0x16, 3, 1]);
            garbage[3] &= 0x3f;
        }
        let mut server = Ours::server(&setup, Wire::open());
        let mut client = Ours::client(&trust, Wire::open());
        for end in [&mut server, &mut client] {
            end.wire.feed(&garbage);
            let outcome = end.handshake();
            prop_assert!(!matches!(outcome, Ok(Handshake::Done)));
        }
        // And in the middle of a session.
        let (mut server, _client) = shaken(Wire::open(), Wire::open());
        server.wire.feed(&garbage);
        let outcome = server.read_all();
        prop_assert!(server.got.is_empty());
        prop_assert!(matches!(outcome, Err(SideFault::Tls(_)) | Ok(ReadOutcome::WouldBlock)));
    }

    #[test]
    fn a_changed_byte_in_a_record_is_a_fault(at in 5_usize..40, change in 1_u8..) {
        let (mut server, mut client) = shaken(Wire::open(), Wire::open());
        client.write_all(b"a command of the client\r\n");
        let mut record = client.wire.drain();
        record[at] ^= change;
        server.wire.feed(&record);
        prop_assert!(matches!(server.read_all(), Err(SideFault::Tls(_))));
        prop_assert!(server.got.is_empty());
        // The alert goes out, and the side stays dead.
        prop_assert!(!server.wire.drain().is_empty());
        prop_assert!(server.read().is_err() && server.write(b"x").is_err() && server.handshake().is_err());
    }
}

fn turns() -> impl Strategy<Value = Vec<usize>> {
    let turn = prop_oneof![Just(0), 1_usize..200, 200_usize..40_000, Just(usize::MAX)];
    // The last turn moves much, so that every script gets there.
    prop::collection::vec(turn, 0..8).prop_map(|mut turns| {
        turns.push(65_536);
        turns
    })
}

fn offer(from: &mut Ours, rest: &[u8], piece: usize) -> usize {
    from.write(&rest[..rest.len().min(piece)]).unwrap()
}

#[test]
fn what_the_socket_does_not_take_is_bounded_and_nothing_more_is_taken_meanwhile() {
    let (mut server, mut client) = shaken(Wire::open(), Wire::open());
    server.wire.writes = Script::of(&[1000, 0, 0, 0, 0, 0]);
    let clear = vec![7; 1 << 20];
    let taken = server.write(&clear).unwrap();
    assert!(taken > 0 && taken <= 64 * 1024, "{taken}");
    assert!(server.side.has_pending());
    assert_eq!(server.write(&clear).unwrap(), 0);
    while !server.side.flush(&server.wire).unwrap() {}
    assert!(!server.side.has_pending());
    carry(&server.wire, &client.wire);
    client.read_all().unwrap();
    assert_eq!(client.got, &clear[..taken]);
}

#[test]
fn close_notify_is_a_proper_end_and_a_bare_fin_is_a_truncation() {
    let (mut server, mut client) = shaken(Wire::open(), Wire::open());
    client.write_all(b"last words");
    client.close_write();
    assert!(client.wire.fin_out.get());
    carry(&client.wire, &server.wire);
    assert_eq!(server.read().unwrap(), ReadOutcome::Bytes(10));
    assert!(server.side.has_unread(), "the end has not been told yet");
    assert_eq!(server.read().unwrap(), ReadOutcome::Closed);
    assert!(!server.side.has_unread());
    assert_eq!(server.read().unwrap(), ReadOutcome::Closed);

    let (mut server, mut client) = shaken(Wire::open(), Wire::open());
    client.write_all(b"cut");
    server.wire.feed(&client.wire.drain());
    server.wire.fin_in.set(true);
    assert_eq!(server.read_all().unwrap(), ReadOutcome::Truncated);
    assert_eq!(server.got, b"cut");
    assert_eq!(server.read().unwrap(), ReadOutcome::Truncated);
}

#[test]
fn a_record_gives_its_bytes_only_when_it_is_whole() {
    let (mut server, mut client) = shaken(Wire::open(), Wire::open());
    client.write_all(b"half a record");
    let record = client.wire.drain();
    for byte in &record[..record.len() - 1] {
        server.wire.feed(&[*byte]);
        assert_eq!(server.read().unwrap(), ReadOutcome::Bytes(0));
    }
    assert!(server.got.is_empty());
    server.wire.feed(&record[record.len() - 1..]);
    assert_eq!(server.read().unwrap(), ReadOutcome::Bytes(13));
    client.write_all(b"another");
    let record = client.wire.drain();
    server.wire.feed(&record[..record.len() - 1]);
    server.wire.fin_in.set(true);
    assert_eq!(server.read_all().unwrap(), ReadOutcome::Truncated);
    assert_eq!(server.got, b"half a record");
}

#[test]
fn bytes_flow_the_other_way_after_one_direction_is_closed() {
    for versions in [TLS12, TLS13] {
        let authority = Authority::new();
        let mut server = Ours::server(&setup(&[authority.issue(&[NAME])], &[]), Wire::open());
        let mut client = buffered_client(&authority, versions, |_| {});
        shake_with(&mut server, &mut client).unwrap();
        client.send_close_notify();
        exchange(&server.wire, &mut client).unwrap();
        assert_eq!(server.read_all().unwrap(), ReadOutcome::Closed);
        server.write_all(b"still here");
        exchange(&server.wire, &mut client).unwrap();
        assert_eq!(received(&mut client), b"still here");
        server.close_write();
        assert!(server.wire.fin_out.get());
    }
    let (mut server, mut client) = shaken(Wire::open(), Wire::open());
    server.close_write();
    assert!(matches!(server.write(b"x"), Err(SideFault::Io(_))));
    carry(&server.wire, &client.wire);
    assert_eq!(client.read_all().unwrap(), ReadOutcome::Closed);
    client.write_all(b"upward");
    carry(&client.wire, &server.wire);
    server.read_all().unwrap();
    assert_eq!(server.got, b"upward");
}

#[test]
fn fin_waits_for_close_notify_and_is_sent_once() {
    let (mut server, _client) = shaken(Wire::open(), Wire::open());
    server.wire.writes = Script::of(&[1, 0]);
    assert!(!server.side.close_write(&server.wire, &mut server.scratch).unwrap());
    assert!(!server.wire.fin_out.get());
    while !server.side.flush(&server.wire).unwrap() {}
    assert!(server.wire.fin_out.get());
    assert!(server.side.close_write(&server.wire, &mut server.scratch).unwrap());
}

#[test]
fn keys_are_updated_when_the_client_asks_and_bytes_flow_before_and_behind() {
    let authority = Authority::new();
    let mut server = Ours::server(&setup(&[authority.issue(&[NAME])], &[]), Wire::open());
    let mut client = buffered_client(&authority, TLS13, |_| {});
    shake_with(&mut server, &mut client).unwrap();
    for round in 0..5_u8 {
        send(&mut client, &server.wire, &[round; 100]);
        client.refresh_traffic_keys().unwrap();
        send(&mut client, &server.wire, &[round; 100]);
        server.read_all().unwrap();
        assert_eq!(server.got, vec![round; 200]);
        server.got.clear();
        server.write_all(&[round; 50]);
        exchange(&server.wire, &mut client).unwrap();
        assert_eq!(received(&mut client), vec![round; 50]);
    }
}

#[test]
fn writing_while_a_message_spread_over_records_is_half_read_does_no_harm() {
    // A ticket in records of 32 bytes arrives in pieces; between any two of them the client writes. rustls
    // remembers how much of the unread input it has decrypted, so the write must show it that input again.
    let authority = Authority::new();
    let mut server = buffered_server(&authority.issue(&[NAME]), TLS13, |config| {
        config.max_fragment_size = Some(64);
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
    });
    let mut client = Ours::client(&trust(&authority.pem), Wire::scripted(&[7], &[7]));
    loop {
        client.handshake().unwrap();
        if client.side.facts().is_some() {
            break;
        }
        exchange(&client.wire, &mut server).unwrap();
    }
    exchange(&client.wire, &mut server).unwrap();
    send(&mut server, &client.wire, b"behind the tickets");
    let mut writes = 0;
    while !client.wire.inward.borrow().is_empty() {
        client.read().unwrap();
        client.write_all(b"x");
        writes += 1;
    }
    assert_eq!(client.got, b"behind the tickets");
    exchange(&client.wire, &mut server).unwrap();
    assert_eq!(received(&mut server), vec![b'x'; writes]);
    assert!(writes > 20);
}

#[test]
fn clear_text_is_told_apart_from_broken_tls() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    for talk in ["GET / HTTP/1.1\r\n\r\n", "EHLO there\r\n", "a1 LOGIN u p\r\n"] {
        let mut server = Ours::server(&setup, Wire::open());
        server.wire.feed(talk.as_bytes());
        assert_eq!(server.handshake().unwrap_err().to_string(), "the client did not speak TLS", "{talk}");
    }
    let trust = trust(&authority.pem);
    for talk in ["* OK IMAP4 ready\r\n", "220 mail.example.org\r\n", "+OK ready\r\n", "HTTP/1.1 400 Bad\r\n"]
    {
        let mut client = Ours::client(&trust, Wire::open());
        client.wire.feed(talk.as_bytes());
        let words = client.handshake().unwrap_err().to_string();
        assert_eq!(words, "the server did not answer with TLS", "{talk}");
    }
}

#[test]
fn a_stranger_cannot_make_us_keep_more_than_one_record() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    // A hello that claims 60,000 bytes, in honest records of 1,000.
    let mut hello = vec![1, 0, 60_000_u16.to_be_bytes()[0], 60_000_u16.to_be_bytes()[1]];
    hello.resize(60_004, 0);
    let mut server = Ours::server(&setup, Wire::scripted(&[4096], &[4096]));
    for piece in hello.chunks(1000) {
        server.wire.feed(&[0x16, 3, 1]);
        server.wire.feed(&u16::try_from(piece.len()).unwrap().to_be_bytes());
        server.wire.feed(piece);
    }
    let mut read = 0;
    let fault = loop {
        match server.handshake() {
            Ok(_) => read += 1,
            Err(fault) => break fault,
        }
        assert!(read < 100);
    };
    assert!(fault.to_string().contains("too large"), "{fault}");
    assert!(server.wire.inward.borrow().len() > 30_000, "refused before all was read");
}

#[test]
fn a_plain_side_passes_bytes_and_keeps_nothing() {
    let wire = Wire::scripted(&[5, 0], &[3, 0]);
    let mut side = AnySide::from(PlainSide::new());
    let mut scratch = Scratch::new();
    assert_eq!(side.handshake(&wire, &mut scratch).unwrap(), Handshake::Done);
    wire.feed(b"hello");
    wire.fin_in.set(true);
    let mut got = Vec::new();
    let mut read = |side: &mut AnySide, scratch: &mut Scratch| {
        side.read(&wire, scratch, &mut |clear| got.extend_from_slice(clear)).unwrap()
    };
    assert_eq!(read(&mut side, &mut scratch), ReadOutcome::Bytes(5));
    assert_eq!(read(&mut side, &mut scratch), ReadOutcome::Closed);
    assert_eq!(got, b"hello");
    assert_eq!(side.write(&wire, &mut scratch, b"world").unwrap(), 3);
    assert!(!side.has_pending() && side.facts().is_none());
    assert!(side.close_write(&wire, &mut scratch).unwrap() && wire.fin_out.get());
    assert!(side.close_write(&wire, &mut scratch).unwrap());
    assert!(matches!(side.write(&wire, &mut scratch, b"x"), Err(SideFault::Io(_))));
    assert_eq!(wire.drain(), b"wor");
}

#[test]
fn a_side_of_either_kind_is_two_words_in_a_session() {
    assert!(size_of::<AnySide>() <= 16);
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    assert!(!matches!(setup.side().unwrap(), AnySide::Plain(_)));
}
