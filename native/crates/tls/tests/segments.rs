//! However a socket cuts what goes over it, and wherever the connection ends, a TLS side gives the same clear
//! bytes and the same outcome. The peer is a buffered connection of rustls, which shares none of our code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authority;
mod talk;
mod wire;

use std::sync::{Arc, LazyLock};

use postern_tls::{ReadOutcome, Side};
use proptest::prelude::*;
use talk::*;
use wire::*;

#[test]
fn whatever_the_socket_takes_and_gives_the_clear_bytes_and_the_outcome_are_the_same() {
    let site = &SITE;
    let send = pattern(3_000);
    for role in roles() {
        let steps = [Step::Send(1), Step::Send(2_000), Step::UpdateKeys, Step::Send(300), Step::CloseNotify];
        let steps: Vec<Step> = match role.versions == TLS12 {
            true => steps.into_iter().filter(|step| !matches!(step, Step::UpdateKeys)).collect(),
            false => steps.to_vec(),
        };
        for reads in cuts() {
            for writes in cuts() {
                let (ours, peer) = site.meet(role, Wire::scripted(&reads, &writes));
                let (mut ours, mut other) = (ours, Other::new(peer, usize::MAX, End::Fin));
                let trace = run(&mut ours, &mut other, &steps, &send);
                assert!(trace == expected(&steps, End::Fin, &send), "{role:?} {reads:?} {writes:?}");
                assert_eq!(ours.kept_bytes(), 0, "{role:?}: nothing is kept at the end");
            }
        }
    }
}

/// Every byte of the peer's is once the last that comes, by FIN and by RST, whole and a byte at a time.
#[test]
fn an_end_at_any_byte_is_told_as_what_it_is_however_the_bytes_are_cut() {
    let site = &SITE;
    let steps = [Step::Send(20), Step::Send(30), Step::CloseNotify];
    let sent = [&pattern(20)[..], &pattern(30)].concat();
    for role in roles() {
        // A server's flight holds its certificate; every seventh byte of it is enough.
        let stride = if role.is_server { 1 } else { 7 };
        for end in [End::Fin, End::Reset] {
            let mut seen = [0; 4];
            for left in (0..).step_by(stride) {
                let traces = [vec![usize::MAX], vec![1, 0]].map(|cut| {
                    let (mut ours, peer) = site.meet(role, Wire::scripted(&cut, &[usize::MAX]));
                    run(&mut ours, &mut Other::new(peer, left, end), &steps, b"x")
                });
                let [Trace { got, outcome, .. }, _] = &traces;
                let place = match outcome.as_str() {
                    "the connection was closed during the TLS handshake" => 0,
                    "Truncated" => 1,
                    "reset" => 2,
                    "Closed" => 3,
                    other => panic!("{role:?}, {end:?} at {left}: {other}"),
                };
                assert_eq!(
                    (&traces[1].got, &traces[1].outcome),
                    (got, outcome),
                    "{role:?}, {end:?} at {left}"
                );
                assert!([0, 20, 50].contains(&got.len()) && sent.starts_with(got), "whole records only");
                assert!(place != 3 || got.len() == 50, "closed only behind close_notify");
                seen[place] += 1;
                if place == 3 {
                    break;
                }
            }
            let [in_handshake, truncated, reset, closed] = seen;
            assert_eq!(closed, 1);
            match end {
                End::Fin => assert!(in_handshake * stride > 250 && truncated > 0 && reset == 0, "{seen:?}"),
                End::Reset => assert!(reset * stride > 300 && in_handshake == 0, "{seen:?}"),
            }
        }
    }
}

#[test]
fn a_full_record_in_single_bytes_is_given_once_and_whole_and_its_memory_is_let_go() {
    let site = &SITE;
    for role in roles() {
        let (mut ours, mut peer) = site.meet(role, Wire::open());
        shake_with(&mut ours, &mut peer).unwrap();
        while !matches!(ours.read().unwrap(), ReadOutcome::WouldBlock) {}
        assert_eq!(ours.kept_bytes(), 0);
        ours.wire.reads = Script::of(&[1, 0]);
        send(&mut peer, &ours.wire, &pattern(16 * 1024));
        let length = ours.wire.inward.borrow().len();
        let mut most = 0;
        while !ours.wire.inward.borrow().is_empty() {
            assert!(ours.got.is_empty());
            ours.read().unwrap();
            most = most.max(ours.kept_bytes());
        }
        assert!(ours.got == pattern(16 * 1024));
        assert!(most < length + 1 && ours.kept_bytes() == 0, "{role:?}: kept {most} of {length}");
    }
}

#[test]
fn keys_change_in_both_directions_while_a_backlog_waits_and_the_backlog_stays_bounded() {
    let site = &SITE;
    for is_server in [true, false] {
        let (mut ours, mut peer) = site.meet(Role { is_server, versions: TLS13 }, Wire::open());
        shake_with(&mut ours, &mut peer).unwrap();
        ours.wire.writes = Script::of(&[3_000, 0, 0, 0, 0, 0, 0, 0]);
        let clear = pattern(200_000);
        let mut sent = ours.write(&clear).unwrap();
        assert!(ours.side.has_pending());
        for round in 0..ROUNDS {
            peer.refresh_traffic_keys().unwrap();
            send(&mut peer, &ours.wire, &[round]);
            ours.read_all().unwrap();
            assert!(ours.side.has_pending() && ours.write(b"x").unwrap() == 0 || round > 20);
        }
        assert_eq!(ours.got, (0..ROUNDS).collect::<Vec<u8>>());
        assert!(ours.kept_bytes() < 160 * 1024, "{}", ours.kept_bytes());
        let mut got = Vec::new();
        while got.len() < clear.len() {
            sent += ours.write(&clear[sent..]).unwrap();
            exchange(&ours.wire, &mut peer).unwrap();
            got.extend(received(&mut peer));
        }
        assert!(got == clear && ours.kept_bytes() == 0);
    }
}

#[test]
fn either_direction_may_close_first_and_the_other_goes_on() {
    let site = &SITE;
    for role in roles() {
        for cut in cuts() {
            let (mut ours, mut peer) = site.meet(role, Wire::scripted(&cut, &cut));
            shake_with(&mut ours, &mut peer).unwrap();
            ours.close_write();
            assert!(ours.wire.fin_out.get() && ours.write(b"x").is_err(), "{role:?} {cut:?}");
            exchange(&ours.wire, &mut peer).unwrap();
            send(&mut peer, &ours.wire, b"still talking");
            ours.read_all().unwrap();
            assert_eq!(ours.got, b"still talking");
            // An answer that the protocol would have us give is not sent behind close_notify.
            if role.versions == TLS13 {
                peer.refresh_traffic_keys().unwrap();
            }
            send(&mut peer, &ours.wire, b", done");
            peer.send_close_notify();
            exchange(&ours.wire, &mut peer).unwrap();
            assert_eq!(ours.read_all().unwrap(), ReadOutcome::Closed, "{role:?} {cut:?}");
            assert_eq!((&ours.got[..], ours.kept_bytes()), (&b"still talking, done"[..], 0));
        }
    }
}

#[test]
fn tickets_are_taken_up_again_however_the_bytes_are_cut() {
    let site = &SITE;
    for versions in [TLS12, TLS13] {
        let theirs = Arc::new(client_config(&site.authority, versions, |_| {}));
        for (round, cut) in cuts().into_iter().enumerate() {
            let mut server = Ours::server(&site.setup, Wire::scripted(&cut, &cut));
            let mut peer = connect(&theirs, NAME);
            shake_with(&mut server, &mut peer).unwrap();
            server.write_all(b"greeting");
            exchange(&server.wire, &mut peer).unwrap();
            assert_eq!(received(&mut peer), b"greeting");
            let facts = server.side.facts().unwrap();
            assert_eq!(facts.resumed, round > 0, "{versions:?} {cut:?}");
            assert_eq!(facts.sni.as_deref(), Some(NAME));
        }
    }
}

/// What stands in place of a record: the fault is the same, and comes behind the clear bytes before it.
#[test]
fn bytes_that_are_no_record_of_the_session_end_it_behind_what_was_good() {
    const STRANGE: [&[u8]; 5] = [
        // No type; an alert in clear; data in clear; a record over the limit; a hello in the middle.
        b"GET / HTTP/1.1\r\n\r\n",
        &[21, 3, 3, 0, 2, 2, 40],
        &[23, 3, 3, 0, 5, 1, 2, 3, 4, 5],
        &[23, 3, 3, 0xff, 0xff, 0, 0],
        &[22, 3, 3, 0, 4, 1, 0, 0, 0],
    ];
    let site = &SITE;
    for role in roles() {
        for strange in STRANGE {
            let steps = [Step::Send(40), Step::Raw(strange), Step::Send(50)];
            let traces = cuts().into_iter().map(|cut| {
                let (mut ours, peer) = site.meet(role, Wire::scripted(&cut, &[usize::MAX]));
                let trace = run(&mut ours, &mut Other::new(peer, usize::MAX, End::Fin), &steps, b"x");
                assert!(ours.read().is_err() && ours.write(b"x").is_err(), "{role:?}: it stays dead");
                (trace.got, trace.outcome)
            });
            let traces: Vec<_> = traces.collect();
            assert!(traces.iter().all(|trace| *trace == traces[0]), "{role:?} {strange:?}: {traces:?}");
            let (got, outcome) = &traces[0];
            assert!(*got == pattern(40), "{role:?} {strange:?}: {outcome}");
            assert!(!["Closed", "Truncated", "reset"].contains(&outcome.as_str()), "{strange:?}: {outcome}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_talk_over_any_wire_comes_to_what_was_said(
        role in prop::sample::select(roles().to_vec()),
        steps in prop::collection::vec(step(), 0..12),
        ends_properly: bool, resets: bool,
        reads in turns(), writes in turns(), send in 0_usize..90_000,
    ) {
        let mut steps = steps;
        if role.versions == TLS12 {
            steps.retain(|step| !matches!(step, Step::UpdateKeys));
        }
        if ends_properly {
            steps.push(Step::CloseNotify);
        }
        let end = if resets && !ends_properly { End::Reset } else { End::Fin };
        let send = pattern(send);
        let (mut ours, peer) = SITE.meet(role, Wire::scripted(&reads, &writes));
        let mut trace = run(&mut ours, &mut Other::new(peer, usize::MAX, end), &steps, &send);
        let expected = expected(&steps, end, &send);
        // A reset may come before all of ours is out.
        if end == End::Reset {
            prop_assert!(expected.peer_got.starts_with(&trace.peer_got));
            trace.peer_got.clone_from(&expected.peer_got);
        }
        prop_assert!(trace == expected, "{} for {}", trace.outcome, expected.outcome);
    }
}

/// OpenSSL answers each request at once, and rustls takes 32 such answers in a row.
const ROUNDS: u8 = if IS_OPENSSL { 20 } else { 50 };

/// Made once: an RSA key takes its time.
static SITE: LazyLock<Site> = LazyLock::new(Site::new);

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_usize..200).prop_map(Step::Send),
        2 => (0_usize..70_000).prop_map(Step::Send),
        1 => Just(Step::UpdateKeys),
    ]
}

fn turns() -> impl Strategy<Value = Vec<usize>> {
    let turn = prop_oneof![Just(0), Just(1), 1_usize..200, 200_usize..40_000, Just(usize::MAX)];
    // The last turn moves much, so that every script gets there.
    prop::collection::vec(turn, 0..8).prop_map(|mut turns| {
        turns.push(65_536);
        turns
    })
}
