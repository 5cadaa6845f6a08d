//! What only the modern profile does: tickets sealed with our own keys, sessions taken up again with servers,
//! and the words for what it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authority;
mod talk;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use authority::Authority;
use postern_tls::{Handshake, Hosting, Side, TicketKey, TicketKeys};
use rustls::ClientConfig;
use talk::cuts;
use wire::*;

#[test]
fn old_versions_and_old_suites_are_refused_in_words_and_with_an_alert() {
    const CBC: &[u8] = &[0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35];
    const AEAD: &[u8] = &[0xc0, 0x2b, 0xc0, 0x2f];
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    for (version, suites, words) in [
        ([3, 1], AEAD, "the client speaks neither TLS 1.2 nor TLS 1.3"),
        ([3, 2], AEAD, "the client speaks neither TLS 1.2 nor TLS 1.3"),
        ([3, 3], CBC, "the client has no cipher suite in common with the modern profile"),
    ] {
        let mut server = Ours::server(&setup, Wire::open());
        server.wire.feed(&hello(version, suites));
        assert_eq!(server.handshake().unwrap_err().to_string(), words);
        // A fatal alert: protocol_version is 70, handshake_failure 40.
        let alert = server.wire.drain();
        assert!(matches!(alert[..], [21, 3, 3, 0, 2, 2, 40 | 70]), "{alert:?}");
    }
    // The same hello with what we speak goes on, so it is not its form that was refused.
    let mut server = Ours::server(&setup, Wire::open());
    server.wire.feed(&hello([3, 3], AEAD));
    assert_eq!(server.handshake().unwrap(), Handshake::WantRead);
    assert_eq!(server.wire.drain()[0], 22);
}

/// Each request is answered with the next write, however many there were: nothing piles up. And rustls cuts
/// off who asks again and again and says nothing else.
#[test]
fn whoever_asks_for_keys_without_end_costs_nothing_and_is_cut_off() {
    let authority = Authority::new();
    let mut ours = Ours::server(&setup(&[authority.issue(&[NAME])], &[]), Wire::open());
    let mut peer = buffered_client(&authority, TLS13, |_| {});
    shake_with(&mut ours, &mut peer).unwrap();
    ours.write_all(b"greeting");
    for round in 0..200 {
        peer.refresh_traffic_keys().unwrap();
        send(&mut peer, &ours.wire, &[round]);
        ours.read_all().unwrap();
        assert_eq!(ours.kept_bytes(), 0);
    }
    ours.write_all(b", and on");
    exchange(&ours.wire, &mut peer).unwrap();
    assert_eq!(received(&mut peer), b"greeting, and on");
    let fault = (0..100).find_map(|_| {
        peer.refresh_traffic_keys().unwrap();
        send(&mut peer, &ours.wire, b"");
        ours.read_all().err()
    });
    assert!(fault.unwrap().to_string().contains("TooManyKeyUpdateRequests"));
    assert!(ours.read().is_err() && ours.write(b"x").is_err() && ours.kept_bytes() == 0);
}

#[test]
fn a_ticket_survives_a_new_setup_and_one_rotation_and_not_two() {
    let authority = Authority::new();
    for versions in [TLS12, TLS13] {
        for (rotations, resumed) in [(0, true), (1, true), (2, false)] {
            let keys = ticket_keys();
            let pair = authority.issue(&[NAME]);
            let config = Arc::new(client_config(&authority, versions, |_| {}));
            assert!(!meet(&setup_with(std::slice::from_ref(&pair), &["imap"], &keys), &config, NAME));
            for _ in 0..rotations {
                keys.rotate(&TicketKey::random().unwrap(), Instant::now()).unwrap();
            }
            let reloaded = setup_with(&[authority.issue(&[NAME])], &["imap"], &keys);
            assert_eq!(meet(&reloaded, &config, NAME), resumed, "{versions:?} after {rotations}");
        }
    }
}

#[test]
fn a_ticket_opens_nothing_at_a_frontend_of_another_protocol() {
    // CVE-2025-23419: resumption across virtual hosts went round what the other host demanded.
    let authority = Authority::new();
    let (keys, pair) = (ticket_keys(), authority.issue(&[NAME]));
    let at = |alpn: &[&str]| setup_with(std::slice::from_ref(&pair), alpn, &keys);
    for versions in [TLS12, TLS13] {
        let config = Arc::new(client_config(&authority, versions, |_| {}));
        assert!(!meet(&at(&["imap"]), &config, NAME));
        assert!(!meet(&at(&["pop3"]), &config, NAME));
        assert!(meet(&at(&["pop3"]), &config, NAME));
    }
}

#[test]
fn tickets_of_a_peer_with_the_same_key_are_opened_and_a_key_sent_twice_pushes_out_none() {
    let authority = Authority::new();
    let pair = authority.issue(&[NAME]);
    let one = || TicketKeys::new(&TicketKey::new([7; 32]), Instant::now()).unwrap();
    let config = Arc::new(client_config(&authority, TLS12, |_| {}));
    assert!(!meet(&setup_with(std::slice::from_ref(&pair), &[], &one()), &config, NAME));
    let keys = one();
    for _ in 0..3 {
        keys.rotate(&TicketKey::new([8; 32]), Instant::now()).unwrap();
    }
    assert!(meet(&setup_with(&[pair], &[], &keys), &config, NAME));
}

#[test]
fn keys_rotate_after_six_hours_and_not_a_second_earlier() {
    let begun = Instant::now();
    let keys = TicketKeys::new(&TicketKey::random().unwrap(), begun).unwrap();
    let six_hours = Duration::from_secs(6 * 3600);
    assert!(!keys.rotate_if_due(begun + six_hours - Duration::from_secs(1)).unwrap());
    assert!(keys.rotate_if_due(begun + six_hours).unwrap());
    assert!(!keys.rotate_if_due(begun + six_hours).unwrap());
    assert!(keys.rotate_if_due(begun + 2 * six_hours).unwrap());
}

#[test]
fn a_key_that_was_asleep_for_twelve_hours_opens_nothing_more() {
    let authority = Authority::new();
    let pair = authority.issue(&[NAME]);
    let twelve_hours = Duration::from_secs(12 * 3600);
    for (asleep, resumed) in [(twelve_hours - Duration::from_secs(1), true), (twelve_hours, false)] {
        let begun = Instant::now();
        let keys = TicketKeys::new(&TicketKey::random().unwrap(), begun).unwrap();
        let setup = setup_with(std::slice::from_ref(&pair), &[], &keys);
        let config = Arc::new(client_config(&authority, TLS13, |_| {}));
        meet(&setup, &config, NAME);
        assert!(keys.rotate_if_due(begun + asleep).unwrap());
        assert_eq!(meet(&setup, &config, NAME), resumed, "{asleep:?}");
    }
}

#[test]
fn our_client_resumes_and_many_at_once_all_succeed() {
    let authority = Authority::new();
    let server_setup = setup(&[authority.issue(&[NAME])], &[]);
    let trust = trust(&authority.pem);
    let run = || {
        let mut server = Ours::server(&server_setup, Wire::open());
        let mut client = Ours::client(&trust, Wire::open());
        assert!(matches!(shake(&mut server, &mut client), (None, None)));
        client.read_all().unwrap();
        client.side.facts().unwrap().resumed
    };
    assert!(!run());
    assert!(run());
    let resumed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| (0..20).filter(|_| run()).count())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(resumed > 80, "{resumed} of 160");
}

#[test]
fn each_of_our_groups_alone_will_do() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    for group in [rustls::NamedGroup::secp256r1, rustls::NamedGroup::secp384r1] {
        let config = client_config_with(&authority, |provider| {
            provider.kx_groups.retain(|known| known.name() == group)
        });
        shake_with(&mut Ours::server(&setup, Wire::open()), &mut connect(&Arc::new(config), NAME)).unwrap();
    }
}

/// One server for all rounds, whose tickets we keep.
#[test]
fn a_servers_tickets_are_taken_up_again_however_the_bytes_are_cut() {
    let authority = Authority::new();
    let pair = authority.issue(&[NAME]);
    for versions in [TLS12, TLS13] {
        let trust = trust(&authority.pem);
        let config = server_config(&pair, versions, |config| {
            config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
        });
        for (round, cut) in cuts().into_iter().enumerate() {
            let mut client = Ours::client(&trust, Wire::scripted(&cut, &cut));
            let mut peer = rustls::ServerConnection::new(Arc::clone(&config)).unwrap().into();
            shake_with(&mut client, &mut peer).unwrap();
            send(&mut peer, &client.wire, b"greeting");
            while client.got.len() < 8 {
                client.read().unwrap();
            }
            assert_eq!(client.side.facts().unwrap().resumed, round > 0, "{versions:?} {cut:?}");
        }
    }
}

/// A handshake, and a byte each way so that tickets arrive; whether it was resumed.
fn meet(setup: &Hosting, config: &Arc<ClientConfig>, name: &str) -> bool {
    let mut server = Ours::server(setup, Wire::open());
    let mut client = connect(config, name);
    shake_with(&mut server, &mut client).unwrap();
    server.write_all(b"x");
    exchange(&server.wire, &mut client).unwrap();
    assert_eq!(received(&mut client), b"x");
    let resumed = server.side.facts().unwrap().resumed;
    assert_eq!(client.handshake_kind() == Some(rustls::HandshakeKind::Resumed), resumed);
    resumed
}

/// RFC 5246 section 7.4.1.2, with P-256, uncompressed points and three signature algorithms.
fn hello(version: [u8; 2], suites: &[u8]) -> Vec<u8> {
    let extensions: &[u8] =
        &[0, 10, 0, 4, 0, 2, 0, 0x17, 0, 11, 0, 2, 1, 0, 0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1];
    let body = [
        &version[..],
        &[9; 32],
        &[0, 0, suites.len() as u8],
        suites,
        &[1, 0, 0, extensions.len() as u8],
        extensions,
    ]
    .concat();
    let length = body.len() as u8;
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}
