//! Answers to refused logins that are held back, and the bound of a mailbox's sessions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use postern_engine::config::Limits;
use postern_engine::end_reason::EndReason;
use postern_engine::selection::Selection;
use postern_engine::trusted_proxies::TrustedProxies;
use support::{Bench, Event, HOME, Handoff, Server, Talk, Worker, kick, limits, start, start_as, until};

const REFUSE: u32 = 9;
const NO: &[u8] = b"a1 NO wrong\r\n";

fn site(limits: Limits) -> (Bench, Worker, Server) {
    let bench = start(limits);
    let server = Server::start();
    bench.publish(&[server.address], 0, 1);
    let worker = bench.worker(0);
    (bench, worker, server)
}

fn delayed() -> Limits {
    Limits { login_delay_max_ms: 10_000, login_attempts_max: 9, ..limits() }
}

/// A login that the server refuses, up to the worker's word for it.
fn refused(worker: &mut Worker, server: &Server, login: &Event) {
    worker.hand_off(login, HOME);
    let mut inside = server.accept();
    inside.say("* OK server\r\n");
    assert_eq!(inside.line(), "a1 LOGIN x y");
    inside.say("a1 NO wrong\r\n");
    worker.expect(5);
    worker.command(REFUSE, login.id, login.argument, NO);
}

fn greeted(bench: &Bench, worker: &mut Worker) -> (Talk, Event) {
    let mut client = bench.client();
    client.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    assert_eq!(client.line(), "* OK ready");
    (client, login)
}

/// Two failures that the address has from now on.
fn warm_up(bench: &Bench, worker: &mut Worker, server: &Server) {
    let (mut client, login) = greeted(bench, worker);
    refused(worker, server, &login);
    assert_eq!(client.line(), "a1 NO wrong");
    assert_eq!(bench.engine.counters.refusals.get(), 1);
    drop(client);
    worker.expect(8);
}

fn hears_nothing(client: &mut Talk) {
    client.stream.set_read_timeout(Some(std::time::Duration::from_millis(150))).unwrap();
    assert!(client.stream.peek(&mut [0]).is_err());
    client.stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
}

#[test]
fn the_second_answer_is_held_back_and_what_the_worker_says_next_waits_behind_it() {
    let (bench, mut worker, server) = site(delayed());
    warm_up(&bench, &mut worker, &server);
    let (mut client, login) = greeted(&bench, &mut worker);
    bench.engine.clock.advance(50_000);
    refused(&mut worker, &server, &login);
    worker.command(1, login.id, 0, b"* OK more\r\n");
    client.say("a2 NOOP\r\n");
    hears_nothing(&mut client);
    assert_eq!(bench.engine.counters.refusals_delayed.get(), 1);
    // The preamble's minute is nearly over, but the wait is ours.
    bench.engine.clock.advance(1_000);
    assert_eq!((client.line(), client.line()), ("a1 NO wrong".into(), "* OK more".into()));
    assert_eq!(worker.expect(2).text(), "a2 NOOP");
    worker.command(6, login.id, EndReason::ClientLogout.code(), b"* BYE\r\n");
    assert_eq!(client.rest(), b"* BYE\r\n");
}

#[test]
fn last_words_wait_behind_the_answer_as_well() {
    let (bench, mut worker, server) = site(delayed());
    warm_up(&bench, &mut worker, &server);
    let (mut client, login) = greeted(&bench, &mut worker);
    refused(&mut worker, &server, &login);
    worker.command(6, login.id, EndReason::TooManyFailures.code(), b"* BYE\r\n");
    hears_nothing(&mut client);
    bench.engine.clock.advance(2_000);
    assert_eq!(client.rest(), b"a1 NO wrong\r\n* BYE\r\n");
    bench.wait_for_end(EndReason::TooManyFailures.code() as usize, 1);
}

#[test]
fn v39_a_trusted_proxy_that_speaks_for_itself_is_neither_held_back_nor_counted() {
    let bench = start_as(delayed(), |config| {
        config.trusted_proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap();
    });
    let server = Server::start();
    bench.publish(&[server.address], 0, 1);
    let mut worker = bench.worker(0);
    let (mut client, login) = greeted(&bench, &mut worker);
    for count in 1..=8 {
        refused(&mut worker, &server, &login);
        assert_eq!(client.line(), "a1 NO wrong");
        assert_eq!(bench.engine.counters.refusals.get(), count);
    }
    // Nor do its failures count against others who log in to that mailbox.
    let stranger = "192.0.2.1".parse().unwrap();
    assert_eq!(bench.engine.logins.refused(stranger, Some(HOME.mailbox.into()), 0), 0);
}

#[test]
fn names_that_nobody_has_are_not_guessed_faster_than_passwords() {
    let (bench, mut worker, server) = site(delayed());
    warm_up(&bench, &mut worker, &server);
    let (mut client, login) = greeted(&bench, &mut worker);
    worker.command(6, login.id, EndReason::UnknownMailbox.code(), b"* BYE later\r\n");
    hears_nothing(&mut client);
    // Nobody is asked any more.
    worker.leave();
    bench.engine.clock.advance(2_000);
    assert_eq!(client.rest(), b"* BYE later\r\n");
    bench.wait_for_end(EndReason::UnknownMailbox.code() as usize, 1);
}

#[test]
fn a_client_that_leaves_a_worker_that_dies_and_an_operator_end_the_wait() {
    let (bench, mut worker, server) = site(delayed());
    warm_up(&bench, &mut worker, &server);
    let mut waiting: Vec<Talk> = (0..3)
        .map(|_| {
            let (client, login) = greeted(&bench, &mut worker);
            refused(&mut worker, &server, &login);
            client
        })
        .collect();
    drop(waiting.remove(0));
    bench.wait_for_end(EndReason::ClientQuit.code() as usize, 2);
    bench.goodbye(
        &Selection::default(),
        postern_engine::goodbye::Order { reason: EndReason::Drained, ..kick(0) },
    );
    hears_nothing(&mut waiting[0]);
    worker.leave();
    assert_eq!(waiting.remove(0).rest(), b"* BYE worker\r\n");
    assert_eq!(waiting.remove(0).rest(), b"* BYE worker\r\n");

    let mut worker = bench.worker(0);
    let (mut client, login) = greeted(&bench, &mut worker);
    refused(&mut worker, &server, &login);
    hears_nothing(&mut client);
    bench.goodbye(&Selection::default(), kick(0));
    assert_eq!(client.rest(), b"* BYE kicked\r\n");
}

#[test]
fn a_login_that_is_let_in_does_not_wait_and_takes_the_failures_back() {
    let (bench, mut worker, server) = site(delayed());
    warm_up(&bench, &mut worker, &server);
    drop(support::spliced(&bench, &mut worker, &server));
    let (mut client, login) = greeted(&bench, &mut worker);
    refused(&mut worker, &server, &login);
    assert_eq!(client.line(), "a1 NO wrong");
    assert_eq!(bench.engine.counters.refusals.get(), 2);
}

#[test]
fn one_session_more_than_a_mailbox_may_have_is_given_back_to_the_worker() {
    let (bench, mut worker, server) = site(Limits { sessions_per_mailbox_max: 2, ..limits() });
    let held =
        [support::spliced(&bench, &mut worker, &server), support::spliced(&bench, &mut worker, &server)];
    let (mut client, login) = greeted(&bench, &mut worker);
    worker.hand_off(&login, HOME);
    let mut inside = server.let_in();
    let failed = worker.expect(6);
    // Bit 16 would say that another server may be tried.
    assert_eq!(failed.argument, EndReason::TooManyForMailbox.code());
    assert_eq!(inside.rest(), b"");

    worker.hand_off(&login, Handoff { mailbox: 8, ..HOME });
    let _other = server.let_in();
    assert_eq!(client.line(), "a1 OK in");
    worker.expect(7);
    drop(held);
    until("the mailbox's sessions are gone", || bench.engine.pins.len() == 1);
    support::spliced(&bench, &mut worker, &server);
}
