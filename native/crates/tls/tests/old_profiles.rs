//! The tests of sessions, segments, setups and trust once more, over OpenSSL; and what only it speaks.

#![cfg(feature = "openssl")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::duplicate_mod
)]

mod authority;
mod old_peer;
#[path = "segments.rs"]
mod segments;
#[path = "session.rs"]
mod session;
#[path = "setup.rs"]
mod setup;
#[path = "trust.rs"]
mod trust;
mod wire;

use authority::Authority;
use old_peer::{OldPeer, finish};
use postern_tls::{Handshake, Hosting, Offer, Profile, ReadOutcome, Side, SideFault, Trust, Visiting};
use wire::*;

const TLS10: u16 = 0x0301;
const TLS12_NUMBER: u16 = 0x0303;

/// A server's version and suites, OpenSSL's name and IANA's, and the strictest profile that connects.
const KINDS: [(u16, &str, &str, Profile); 7] = [
    (TLS10, "AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", Profile::Legacy),
    (TLS10, "ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Profile::Legacy),
    (TLS10, "DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", Profile::Legacy),
    (0x0302, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", Profile::Legacy),
    (TLS12_NUMBER, "ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Profile::Compatible),
    (TLS12_NUMBER, "AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", Profile::Compatible),
    (TLS12_NUMBER, "DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", Profile::Legacy),
];

#[test]
fn an_old_server_is_reached_by_the_profile_that_speaks_it_and_by_no_stricter_one() {
    let authority = Authority::new();
    let pair = authority.issue_rsa(&[NAME]);
    for (version, suite, iana, strictest) in KINDS {
        for profile in [Profile::Modern, Profile::Compatible, Profile::Legacy] {
            for cut in [vec![usize::MAX], vec![1, 0]] {
                let mut client = client_of(profile, &authority, Wire::scripted(&cut, &cut));
                let mut peer = OldPeer::server(&pair, version, suite);
                let outcome = finish(&mut client, &mut peer);
                if profile < strictest {
                    let fault = outcome.unwrap_err();
                    assert!(
                        matches!(fault, SideFault::Incompatible { .. }),
                        "{suite} by {profile:?}: {fault}"
                    );
                    continue;
                }
                outcome.unwrap();
                let facts = client.side.facts().unwrap();
                assert_eq!((facts.cipher_suite, facts.resumed), (iana, false));
                client.write_all(b"a login");
                peer.take(&client.wire);
                assert_eq!(peer.got, b"a login");
                peer.say(&client.wire, b"OK");
                while client.got.len() < 2 {
                    client.read().unwrap();
                }
                assert_eq!((&client.got[..], client.kept_bytes()), (&b"OK"[..], 0));
            }
        }
    }
}

#[test]
fn a_look_finds_what_an_old_server_offers_and_sends_nothing_but_a_hello() {
    let authority = Authority::new();
    let pair = authority.issue_rsa(&[NAME]);
    for (version, suite, _, strictest) in KINDS {
        let mut client = Ours::new(Visiting::Look.side(NAME).unwrap(), Wire::scripted(&[3, 0], &[5, 0]));
        let mut peer = OldPeer::server(&pair, version, suite);
        let Err(SideFault::Incompatible { offer: Some(offer), .. }) = finish(&mut client, &mut peer) else {
            panic!("{suite}: no offer");
        };
        assert_eq!(
            (offer.version, offer.suite_name(), offer.profile()),
            (version, suite.to_owned(), Some(strictest))
        );
        assert!(peer.has_only_heard_a_hello());
    }
}

#[test]
fn an_old_client_is_served_by_the_profile_that_speaks_it_and_by_no_stricter_one() {
    let authority = Authority::new();
    let pairs = [authority.issue(&[NAME]), authority.issue_rsa(&[NAME])];
    for (version, suite, iana, strictest) in KINDS {
        for profile in [Profile::Modern, Profile::Compatible, Profile::Legacy] {
            let setup = hosting(profile, &pairs, &["imap"]);
            let mut server = Ours::server(&setup, Wire::scripted(&[1, 0], &[7, 0]));
            let mut peer = OldPeer::client(version, suite);
            let outcome = finish(&mut server, &mut peer);
            if profile < strictest {
                assert!(matches!(outcome, Err(SideFault::Tls(_))), "V07 {suite} by {profile:?}");
                assert!(!peer.is_shaken());
                continue;
            }
            outcome.unwrap();
            let facts = server.side.facts().unwrap();
            assert_eq!((facts.cipher_suite, facts.sni.as_deref()), (iana, Some(NAME)));
            server.write_all(b"greeting");
            peer.take(&server.wire);
            assert_eq!(peer.got, b"greeting");
        }
    }
}

/// A listener of an old profile remembers sessions itself, for as long as its setup lives.
#[test]
fn v09_a_session_is_taken_up_again_at_its_own_frontend_alone() {
    let authority = Authority::new();
    let pairs = [authority.issue(&[NAME])];
    for versions in [TLS12, TLS13] {
        let [imap, pop3] = ["imap", "pop3"].map(|alpn| hosting(Profile::Legacy, &pairs, &[alpn]));
        let theirs = std::sync::Arc::new(client_config(&authority, versions, |_| {}));
        for (setup, resumed) in [(&imap, false), (&imap, true), (&pop3, false), (&pop3, true)] {
            let mut server = Ours::server(setup, Wire::open());
            let mut peer = connect(&theirs, NAME);
            shake_with(&mut server, &mut peer).unwrap();
            server.write_all(b"x");
            exchange(&server.wire, &mut peer).unwrap();
            assert_eq!(received(&mut peer), b"x");
            assert_eq!(server.side.facts().unwrap().resumed, resumed, "{versions:?}");
        }
    }
}

#[test]
fn whoever_asks_for_keys_without_end_is_cut_off_at_a_bounded_price() {
    let authority = Authority::new();
    let mut ours = Ours::server(&setup(&[authority.issue(&[NAME])], &[]), Wire::open());
    let mut peer = buffered_client(&authority, &[&rustls::version::TLS13], |_| {});
    shake_with(&mut ours, &mut peer).unwrap();
    ours.wire.writes = Script::of(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let fault = (0..30_000).find_map(|_| {
        peer.refresh_traffic_keys().unwrap();
        send(&mut peer, &ours.wire, b"");
        ours.read_all().err()
    });
    assert!(fault.unwrap().to_string().contains("asks for answers and does not read them"));
    assert!(ours.kept_bytes() < 1024 * 1024 && ours.write(b"x").is_err());
}

#[test]
fn tls_1_0_splits_no_record_wrongly_and_half_closes() {
    let authority = Authority::new();
    let setup = hosting(Profile::Legacy, &[authority.issue_rsa(&[NAME])], &[]);
    let mut server = Ours::server(&setup, Wire::scripted(&[700, 0, 1], &[900, 0]));
    let mut peer = OldPeer::client(TLS10, "AES128-SHA");
    finish(&mut server, &mut peer).unwrap();
    let clear: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let mut sent = 0;
    while peer.got.len() < clear.len() {
        sent += server.write(&clear[sent..]).unwrap();
        let _ = server.side.flush(&server.wire).unwrap();
        peer.take(&server.wire);
    }
    assert!(peer.got == clear);
    server.close_write();
    assert!(server.wire.fin_out.get());
    peer.say(&server.wire, b"still here");
    while server.got.len() < 10 {
        assert!(!matches!(server.read().unwrap(), ReadOutcome::Closed));
    }
    assert_eq!((&server.got[..], server.kept_bytes()), (&b"still here"[..], 0));
}

#[test]
fn an_offer_is_told_with_the_fault_where_the_server_said_it_itself() {
    // A server that answers a modern hello with TLS 1.1: no library of today does, some devices do.
    let hello = [&[22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2][..], &[7; 32], &[0, 0, 0x35, 0]].concat();
    for profile in [Profile::Modern, Profile::Compatible] {
        let mut client = client_of(profile, &Authority::new(), Wire::open());
        assert_eq!(client.handshake().unwrap(), Handshake::WantRead);
        client.wire.feed(&hello);
        let Err(SideFault::Incompatible { offer, .. }) = client.handshake() else { panic!("{profile:?}") };
        assert_eq!(offer, Some(Offer { version: 0x0302, suite: 0x35 }));
    }
}

fn client_of(profile: Profile, authority: &Authority, wire: Wire) -> Ours {
    let trust = Trust::Authorities(authority.pem.clone());
    Ours::client(&Visiting::build(profile, &trust).unwrap(), wire)
}

fn hosting(profile: Profile, pairs: &[authority::Pair], alpn: &[&str]) -> Hosting {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|pair| postern_tls::CertificatePair {
            certificate_pem: &pair.certificate_pem,
            key_pem: &pair.key_pem,
        })
        .collect();
    Hosting::build(profile, &pairs, alpn, &ticket_keys()).unwrap()
}
