//! A panic in a session's task, at each station of a session's life: it ends that session as an internal
//! error, is counted, and no other session notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use postern_engine::commands::OP_PANIC;
use postern_engine::end_reason::EndReason;
use postern_queue::session_id::SessionId;
use support::{Bench, HOME, Server, Talk, Worker, in_handoff, one_server, spliced, until};

/// Sessions that stand by, each on its own server connection, and that must not notice anything.
struct Bystanders {
    spliced: Vec<(Talk, Talk)>,
}

impl Bystanders {
    fn stand_by(bench: &Bench, worker: &mut Worker, server: &Server) -> Self {
        Self { spliced: (0..BYSTANDERS).map(|_| spliced(bench, worker, server)).collect() }
    }

    /// Each carries a line of its own both ways.
    fn must_live(&mut self, round: usize) {
        for (index, (client, inside)) in self.spliced.iter_mut().enumerate() {
            let tag = format!("b{round}-{index}");
            client.say(&format!("{tag} NOOP\r\n"));
            assert_eq!(inside.line(), format!("{tag} NOOP"));
            inside.say(&format!("{tag} OK\r\n"));
            assert_eq!(client.line(), format!("{tag} OK"));
        }
    }
}

fn panic_in(worker: &Worker, id: SessionId) {
    worker.command(OP_PANIC, id, 0, b"");
}

fn must_be_the_only_one(bench: &Bench) {
    until("the panic is counted", || bench.engine.counters.panics.get() == 1);
    bench.wait_for_end(EndReason::InternalError.code() as usize, 1);
    until("the others are open", || bench.engine.counters.open.get() == BYSTANDERS as u64);
}

#[test]
fn f26_a_panic_in_the_preamble_ends_that_session_and_no_other() {
    let (bench, mut worker, server) = one_server();
    let mut bystanders = Bystanders::stand_by(&bench, &mut worker, &server);
    let mut unlucky = bench.client();
    let opened = worker.expect(1);
    panic_in(&worker, opened.id);
    bystanders.must_live(1);
    assert_eq!(unlucky.rest(), b"");
    assert_eq!(worker.expect(8).argument, EndReason::InternalError.code());
    must_be_the_only_one(&bench);
    bystanders.must_live(2);
    println!("survival: panic in the preamble: {BYSTANDERS} spliced, 0 lost; 1 ended as internal_error");
}

#[test]
fn f26_a_panic_in_the_handoff_ends_that_session_and_frees_its_server() {
    let (bench, mut worker, server) = one_server();
    let mut bystanders = Bystanders::stand_by(&bench, &mut worker, &server);
    let (mut unlucky, login, mut inside) = in_handoff(&bench, &mut worker, &server);
    panic_in(&worker, login.id);
    bystanders.must_live(1);
    assert_eq!((unlucky.rest(), inside.rest()), (b"* OK ready\r\n".to_vec(), Vec::new()));
    assert_eq!(worker.expect(8).argument, EndReason::InternalError.code());
    must_be_the_only_one(&bench);
    bystanders.must_live(2);
    println!("survival: panic in the handoff: {BYSTANDERS} spliced, 0 lost; 1 ended as internal_error");
}

#[test]
fn f26_a_panic_in_the_splice_ends_that_session_and_gives_its_pin_back() {
    let (bench, mut worker, server) = one_server();
    let mut bystanders = Bystanders::stand_by(&bench, &mut worker, &server);
    let mut unlucky = bench.client();
    unlucky.say("a1 LOGIN x y\r\n");
    let login = worker.greet();
    worker.hand_off(&login, support::Handoff { mailbox: 99, ..HOME });
    let mut inside = server.let_in();
    worker.expect(7);
    assert_eq!(bench.engine.pins.len(), 2);
    panic_in(&worker, login.id);
    bystanders.must_live(1);
    assert_eq!(unlucky.rest(), b"* OK ready\r\na1 OK in\r\n");
    assert_eq!(inside.rest(), b"");
    must_be_the_only_one(&bench);
    assert_eq!(bench.engine.pins.len(), 1);
    bystanders.must_live(2);
    println!("survival: panic in the splice: {BYSTANDERS} spliced, 0 lost; 1 ended as internal_error");
}

const BYSTANDERS: usize = 10;
