//! Goodbyes to spliced sessions: never inside a response, at the pace and in the window that were ordered.
//!
//! The clock is moved; it also runs. So a window is a minute, and a look some seconds before its end or
//! behind it says which side of the limit was meant. The edges to the millisecond are tests of
//! `splice/parting.rs` and `goodbye.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use postern_engine::config::Limits;
use postern_engine::end_reason::EndReason;
use postern_engine::goodbye::Order;
use postern_engine::selection::Selection;
use support::{Bench, Server, Talk, kick, limits, one_server, spliced, start, until};

const WINDOW_MS: u64 = 60_000;
const ALMOST_MS: u64 = 50_000;

/// Bytes that come through show that the session lives, and has been looked at since.
fn shows_life(from: &mut Talk, to: &mut Talk, text: &str) {
    from.say(text);
    assert_eq!(to.exactly(text.len()), text.as_bytes());
}

#[test]
fn a_message_that_streams_slowly_arrives_whole_and_then_comes_the_bye() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut client, &mut inside, "a2 FETCH 1 BODY[]\r\n");
    shows_life(&mut inside, &mut client, "* 1 FETCH (BODY[] {40}\r\n* 12 EXISTS\r\n");
    assert_eq!(bench.goodbye(&Selection::default(), kick(WINDOW_MS)).len(), 1);
    bench.engine.clock.advance(ALMOST_MS);
    for piece in ["a2 OK done\r\n", "27 bytes", "\r\n12345", ")\r\n", "a2 O"] {
        shows_life(&mut inside, &mut client, piece);
    }
    inside.say("K done\r\n");
    assert_eq!(client.rest(), b"K done\r\n* BYE kicked\r\n");
    bench.wait_for_end(EndReason::Kicked.code() as usize, 1);
    assert_eq!(inside.rest(), b"", "the server's connection is closed as well");
}

#[test]
fn in_the_middle_of_a_literal_the_end_of_the_window_closes_without_words() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut client, &mut inside, "a2 FETCH 1 BODY[]\r\n");
    shows_life(&mut inside, &mut client, "* 1 FETCH (BODY[] {40}\r\nhalf a message\r\n");
    bench.goodbye(&Selection::default(), kick(WINDOW_MS));
    bench.engine.clock.advance(ALMOST_MS);
    shows_life(&mut inside, &mut client, "* 12 EXISTS\r\n");
    bench.engine.clock.advance(WINDOW_MS - ALMOST_MS);
    assert_eq!(client.rest(), b"");
    bench.wait_for_end(EndReason::Kicked.code() as usize, 1);
    assert_eq!(bench.engine.counters.goodbyes_plain.get(), 1);
    assert_eq!(bench.engine.pins.len(), 0);
}

#[test]
fn between_two_responses_the_end_of_the_window_still_brings_the_words() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut client, &mut inside, "a2 SEARCH BODY needle\r\n");
    bench.goodbye(&Selection::default(), kick(WINDOW_MS));
    bench.engine.clock.advance(ALMOST_MS);
    shows_life(&mut inside, &mut client, "* OK Still searching\r\n");
    bench.engine.clock.advance(WINDOW_MS - ALMOST_MS);
    assert_eq!(client.rest(), b"* BYE kicked\r\n");
    assert_eq!(bench.engine.counters.goodbyes_worded.get(), 1);
}

#[test]
fn sessions_that_have_nothing_under_way_or_idle_go_at_once_and_hear_nothing_more_of_the_server() {
    let (bench, mut worker, server) = one_server();
    let (mut quiet, mut quiet_inside) = spliced(&bench, &mut worker, &server);
    let (mut idling, mut idling_inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut idling, &mut idling_inside, "a2 IDLE\r\n");
    shows_life(&mut idling_inside, &mut idling, "+ idling\r\n* 3 EXISTS\r\n");
    assert_eq!(bench.goodbye(&Selection::default(), kick(WINDOW_MS)).len(), 2);
    assert_eq!(idling.rest(), b"* BYE kicked\r\n");
    let _ = std::io::Write::write_all(&mut quiet_inside.stream, b"* 4 EXISTS\r\n");
    assert_eq!(quiet.rest(), b"* BYE kicked\r\n");
}

#[test]
fn an_append_under_way_is_finished_and_answered_first() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut client, &mut inside, "a2 APPEND Sent {10}\r\n");
    shows_life(&mut inside, &mut client, "+ go\r\n");
    shows_life(&mut client, &mut inside, "01234");
    bench.goodbye(&Selection::default(), kick(WINDOW_MS));
    bench.engine.clock.advance(ALMOST_MS);
    shows_life(&mut client, &mut inside, "56789\r\n");
    inside.say("a2 OK [APPENDUID 1 2] saved\r\n");
    assert_eq!(client.rest(), b"a2 OK [APPENDUID 1 2] saved\r\n* BYE kicked\r\n");
}

#[test]
fn a_stream_that_cannot_be_followed_is_closed_plainly_when_the_window_is_over() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut client, &mut inside, "a2 COMPRESS DEFLATE\r\n");
    shows_life(&mut inside, &mut client, "a2 OK deflating\r\n");
    bench.goodbye(&Selection::default(), kick(WINDOW_MS));
    bench.engine.clock.advance(ALMOST_MS);
    shows_life(&mut inside, &mut client, "\0\u{1}\r\n");
    bench.engine.clock.advance(WINDOW_MS - ALMOST_MS);
    assert_eq!(client.rest(), b"");
    bench.wait_for_end(EndReason::Kicked.code() as usize, 1);
}

#[test]
fn a_server_that_has_said_bye_itself_has_the_last_word() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut inside, &mut client, "* BYE [UNAVAILABLE] shutting down\r\n");
    bench.goodbye(&Selection::default(), kick(0));
    assert_eq!(client.rest(), b"");
    bench.wait_for_end(EndReason::Kicked.code() as usize, 1);
}

/// The client takes nothing for a while, until the engine holds whole responses for it that the socket does
/// not take any more. They come before the words, and nothing is lost between.
#[test]
fn what_waits_for_a_slow_client_goes_out_in_front_of_the_words() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    let block = "* OK xxxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(1024);
    let before = carried(&bench);
    let mut sent = 0;
    let is_stuck = |sent: usize| {
        let deadline = Instant::now() + Duration::from_millis(500);
        while carried(&bench) < before + sent {
            if Instant::now() > deadline {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    };
    while !is_stuck(sent) {
        inside.say(&block);
        sent += block.len();
    }
    let order = bench.goodbye(&Selection::default(), kick(0));
    assert_eq!(order.len(), 1);
    let heard = client.rest();
    let (lines, words) = heard.split_at(heard.len() - b"* BYE kicked\r\n".len());
    assert_eq!(words, b"* BYE kicked\r\n");
    assert_eq!(lines.len() % 32, 0, "whole responses");
    assert!(
        lines.len() >= sent - block.len() && lines.chunks(32).all(|line| line == &block.as_bytes()[..32])
    );
}

/// Bytes that the engine has read from the one session's server.
fn carried(bench: &Bench) -> usize {
    let (give, rows) = std::sync::mpsc::channel();
    bench.engine.sessions(&Selection::default(), 1, Box::new(move |rows| give.send(rows).unwrap()));
    rows.recv_timeout(support::PATIENCE).unwrap()[0].bytes_out as usize
}

#[test]
fn a_server_that_has_closed_has_had_the_last_word_as_well() {
    let (bench, mut worker, server) = one_server();
    let (mut client, inside) = spliced(&bench, &mut worker, &server);
    inside.stream.shutdown(std::net::Shutdown::Write).unwrap();
    // The client has not closed its own side: the session lives.
    assert_eq!(client.rest(), b"");
    bench.goodbye(&Selection::default(), kick(0));
    bench.wait_for_end(EndReason::Kicked.code() as usize, 1);
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_session_that_waits_for_its_turn_works_on_and_may_end_by_itself() {
    let (bench, mut worker, server) = one_server();
    let mut sessions: Vec<_> = (0..3).map(|_| spliced(&bench, &mut worker, &server)).collect();
    let told = bench.goodbye(&Selection::default(), Order { per_second: 1, ..kick(WINDOW_MS) });
    assert_eq!(told.len(), 3, "the answer counts those to come");
    bench.wait_for_end(EndReason::Kicked.code() as usize, 1);
    // Which one had the first turn is the threads' affair: the other two still carry bytes.
    sessions.retain_mut(|(client, inside)| {
        client.stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut byte = [0];
        let is_open = client.stream.peek(&mut byte).is_err();
        client.stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
        if is_open {
            shows_life(client, inside, "a2 NOOP\r\n");
            shows_life(inside, client, "a2 OK\r\n");
        }
        is_open
    });
    assert!(!sessions.is_empty(), "at one a second they are not all gone yet");
    let left = sessions.len() as u64;
    drop(sessions);
    until("the others end by themselves", || {
        bench.ended(EndReason::ClientClosed.code() as usize) + bench.ended(EndReason::Kicked.code() as usize)
            == 3
    });
    assert!(bench.ended(EndReason::ClientClosed.code() as usize) <= left);
    assert_eq!(bench.engine.counters.open.get(), 0);
}

#[test]
fn a_second_goodbye_with_an_earlier_end_overtakes_the_first() {
    let (bench, mut worker, server) = one_server();
    let (mut client, mut inside) = spliced(&bench, &mut worker, &server);
    shows_life(&mut client, &mut inside, "a2 SEARCH BODY needle\r\n");
    let drained = Order { reason: EndReason::Drained, ..kick(WINDOW_MS) };
    bench.goodbye(&Selection::default(), drained);
    shows_life(&mut inside, &mut client, "* OK Still searching\r\n");
    bench.goodbye(&Selection::default(), kick(0));
    assert_eq!(client.rest(), b"* BYE kicked\r\n");
    assert_eq!(bench.ended(EndReason::Drained.code() as usize), 0);
}

#[test]
fn a_kick_does_not_wait_for_the_turn_that_a_session_has_in_another_goodbye() {
    let (bench, mut worker, server) = one_server();
    let mut sessions: Vec<_> = (0..4).map(|_| spliced(&bench, &mut worker, &server)).collect();
    let slowly = Order { reason: EndReason::Drained, per_second: 1, window_ms: WINDOW_MS };
    assert_eq!(bench.goodbye(&Selection::default(), slowly).len(), 4);
    bench.wait_for_end(EndReason::Drained.code() as usize, 1);
    bench.goodbye(&Selection::default(), kick(0));
    let heard: Vec<Vec<u8>> = sessions.iter_mut().map(|(client, _)| client.rest()).collect();
    let kicked = heard.iter().filter(|words| *words == b"* BYE kicked\r\n").count();
    let drained = heard.iter().filter(|words| *words == b"* BYE drained\r\n").count();
    assert!(kicked > 0 && kicked + drained == 4, "{kicked} kicked, {drained} drained");
}

#[test]
fn a_goodbye_to_a_thousand_sessions_on_two_threads_keeps_its_pace() {
    let bench = start(Limits { connections_max: 2000, connections_per_address_max: 2000, ..limits() });
    let server = Server::start();
    bench.publish(&[server.address], 0, 1);
    let mut worker = bench.worker(0);
    let sessions: Vec<_> = (0..1000).map(|_| spliced(&bench, &mut worker, &server)).collect();
    let gone = || bench.ended(EndReason::Kicked.code() as usize);

    let before_ms = bench.engine.clock.now_ms();
    let told = bench.goodbye(&Selection::default(), Order { per_second: 200, ..kick(WINDOW_MS) });
    let after_ms = bench.engine.clock.now_ms();
    assert_eq!(told.len(), 1000);
    for thread in 0..2 {
        let share = told.iter().filter(|id| id.thread() == thread).count();
        assert!(share > 100, "{share} on thread {thread}");
    }
    for step in 0.. {
        let now_ms = bench.engine.clock.now_ms();
        // Two ticks of the wheel may pass until a turn is seen; no turn comes early.
        let due = now_ms.saturating_sub(after_ms + 200) * 200 / 1000;
        until("the sessions whose turn has come are told", || gone() >= due.min(1000));
        let (gone, at_most) = (gone(), (bench.engine.clock.now_ms() - before_ms) * 200 / 1000 + 1);
        assert!(gone <= at_most, "{gone} told, {at_most} turns in step {step}");
        if gone == 1000 {
            break;
        }
        bench.engine.clock.advance(100);
    }
    for (mut client, _inside) in sessions {
        assert_eq!(client.rest(), b"* BYE kicked\r\n");
    }
}
