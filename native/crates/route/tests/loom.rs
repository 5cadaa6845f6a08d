//! Every interleaving, up to a bound of preemptions, of logins of one mailbox with a move of its database.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p postern-route --release --test loom --target-dir target/loom`;
//! docs/testing.md says which mistake each model finds.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use loom::sync::atomic::AtomicU64 as Shared;
use loom::thread;
use postern_route::pins::{Admission, PinRequest, Pins};

/// One mailbox, and the table that says where its database is: generation g is on server g % 2.
struct Site {
    pins: Pins,
    /// What is published, as the engine's table: read without the pins' lock, and again under it.
    published: Shared,
    /// The generation whose publication has returned: whoever sees it here has heard of that.
    returned: Shared,
    /// The newest generation that let a session in, by server. Not loom's, as is the next.
    newest: [AtomicU64; 2],
    /// Sessions that live, by server: it watches and takes no part.
    live: [AtomicU32; 2],
}

impl Site {
    fn new() -> Arc<Self> {
        let (published, returned) = (Shared::new(1), Shared::new(1));
        Arc::new(Self {
            pins: Pins::new(1),
            published,
            returned,
            newest: Default::default(),
            live: Default::default(),
        })
    }

    fn move_database(&self) {
        let generation = self.published.load(Ordering::SeqCst) + 1;
        self.published.store(generation, Ordering::SeqCst);
        self.returned.store(generation, Ordering::SeqCst);
    }

    /// One session from its route to its end; what became of it.
    fn log_in(&self, exclusive: bool) -> Admission {
        let generation = self.published.load(Ordering::SeqCst);
        let server = (generation % 2) as u32;
        let returned = self.returned.load(Ordering::SeqCst);
        let request = PinRequest { mailbox: MAILBOX, server, generation, exclusive, sessions_max: 9 };
        let is_current = || !exclusive || self.published.load(Ordering::SeqCst) == generation;
        let admission = self.pins.admit(request, is_current);
        if admission == Admission::Admitted {
            assert!(!exclusive || generation >= returned, "let in by a table that was replaced before");
            self.live[server as usize].fetch_add(1, Ordering::SeqCst);
            let elsewhere = self.live[1 - server as usize].load(Ordering::SeqCst);
            assert!(!exclusive || elsewhere == 0, "on two servers at once");
            let before = self.newest[1 - server as usize].load(Ordering::SeqCst);
            assert!(!exclusive || before <= generation, "back on a server that it had left");
            self.newest[server as usize].fetch_max(generation, Ordering::SeqCst);
            // Other threads may run here, where the session lives.
            assert!(self.pins.server_of(MAILBOX).is_some());
            self.live[server as usize].fetch_sub(1, Ordering::SeqCst);
            assert!(self.pins.release(MAILBOX, server));
        }
        admission
    }
}

/// Sessions on two IO threads while the database moves. Gives which outcomes there were in any
/// interleaving.
fn model(exclusive: bool) -> [usize; 3] {
    let seen: Arc<[AtomicUsize; 3]> = Arc::default();
    let counted = Arc::clone(&seen);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.check(move || {
        let site = Site::new();
        let sessions = [0, 1].map(|_| {
            let site = Arc::clone(&site);
            thread::spawn(move || site.log_in(exclusive))
        });
        site.move_database();
        for session in sessions {
            let place = match session.join().unwrap() {
                Admission::Admitted => 0,
                Admission::Moved => 1,
                Admission::Elsewhere(_) => 2,
                Admission::Full => unreachable!("nine are allowed, two come"),
            };
            counted[place].fetch_add(1, Ordering::Relaxed);
        }
        assert!(site.pins.is_empty(), "every count is back at zero");
    });
    seen.each_ref().map(|count| count.load(Ordering::Relaxed))
}

#[test]
fn an_exclusive_mailbox_is_never_on_two_servers_nor_back_on_one_nor_let_in_by_a_replaced_table() {
    let [admitted, moved, elsewhere] = model(true);
    println!("admitted {admitted}, moved {moved}, elsewhere {elsewhere}");
    assert!(admitted > 0 && moved > 0 && elsewhere > 0, "the model reaches every outcome");
}

#[test]
fn counts_on_two_servers_go_back_to_zero_in_whatever_order_sessions_end() {
    let [admitted, moved, elsewhere] = model(false);
    println!("admitted {admitted}");
    assert!(admitted > 0 && moved == 0 && elsewhere == 0);
}

const MAILBOX: u64 = 7;
const PREEMPTIONS_MAX: usize = 4;
