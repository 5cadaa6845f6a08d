//! One IO thread: its listeners, its sessions, its timers, and the buffers that all its sessions share. A
//! session never leaves the thread that accepted it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postern_queue::session_id::{SLOTS_MAX, SessionId, next_turn};
use postern_tls::Scratch;
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::{JoinHandle, spawn_local};

use crate::engine::Engine;
use crate::goodbye::Goodbye;
use crate::handshake_turns::HandshakeTurns;
use crate::inbox::Message;
use crate::selection::{Selection, SessionRow};
use crate::slot::{Phase, SessionCommand, Slot, Via};
use crate::wheel::{TICK_MS, Wheel};
use crate::worker_link::{OwedWakes, WorkerId};
use crate::{listener, probe};

/// What the tasks of one thread share. Borrows of its cells never cross an await.
pub struct Io {
    pub engine: Arc<Engine>,
    pub owed_wakes: OwedWakes,
    index: u8,
    slots: RefCell<Slots>,
    wheel: RefCell<Wheel>,
    read_scratch: RefCell<Scratch>,
    write_scratch: RefCell<Scratch>,
    pub handshake_turns: HandshakeTurns,
    has_stopped_accepting: Cell<bool>,
    is_stopping: Cell<bool>,
}

/// A bound socket and the frontend that it serves.
pub struct BoundSocket {
    pub frontend: usize,
    pub socket: std::net::TcpListener,
}

/// The thread's life: until it is told to stop.
pub fn run(engine: Arc<Engine>, index: u8, sockets: Vec<BoundSocket>) {
    let now_ms = engine.clock.now_ms();
    let io = Rc::new(Io {
        engine,
        owed_wakes: OwedWakes::default(),
        index,
        slots: RefCell::default(),
        wheel: RefCell::new(Wheel::starting_at(now_ms)),
        read_scratch: RefCell::new(Scratch::new()),
        write_scratch: RefCell::new(Scratch::new()),
        handshake_turns: HandshakeTurns::default(),
        has_stopped_accepting: Cell::new(false),
        is_stopping: Cell::new(false),
    });
    let runtime =
        Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default());
    match runtime {
        Ok(runtime) => {
            runtime.block_on(serve(&io, sockets));
            // With the runtime the sessions end that are left; their workers are told.
            drop(runtime);
            io.owed_wakes.give();
        }
        Err(error) => io.engine.note_fault(format!("an IO thread could not start: {error}")),
    }
}

async fn serve(io: &Rc<Io>, sockets: Vec<BoundSocket>) {
    let ticker = spawn_local(tick(Rc::clone(io)));
    let waker = spawn_local(wake_workers(Rc::clone(io)));
    // Until it is told to accept, the system keeps the clients that come.
    let mut sockets = sockets;
    let mut accepting: Vec<JoinHandle<()>> = Vec::new();
    while let Some(inbox) = io.engine.inboxes.get(usize::from(io.index)) {
        for message in inbox.take().await {
            match message {
                Message::Accept => {
                    accepting.extend(sockets.drain(..).filter_map(|socket| listener::start(io, socket)));
                }
                Message::StopAccepting => {
                    io.has_stopped_accepting.set(true);
                    accepting.drain(..).for_each(|listener| listener.abort());
                }
                Message::Stop => {
                    io.is_stopping.set(true);
                    ticker.abort();
                    waker.abort();
                    return;
                }
                other => io.contain("a message", || io.on_message(other)),
            }
        }
    }
}

async fn wake_workers(io: Rc<Io>) {
    loop {
        io.owed_wakes.owed().await;
        io.owed_wakes.give();
    }
}

/// Looks at the sessions whose deadlines may have passed; on the first thread, renews the ticket keys.
async fn tick(io: Rc<Io>) {
    let mut due = Vec::new();
    loop {
        tokio::time::sleep(Duration::from_millis(TICK_MS)).await;
        let now_ms = io.now_ms();
        io.wheel.borrow_mut().advance(now_ms, &mut due);
        for id in due.drain(..) {
            if let Some(slot) = io.session(id) {
                io.contain("a deadline", || io.look_at(&slot, now_ms));
            }
        }
        if io.index == 0 {
            io.contain("new ticket keys", || io.renew_tickets());
        }
    }
}

impl Io {
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.engine.clock.now_ms()
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.get()
    }

    #[must_use]
    pub fn has_stopped_accepting(&self) -> bool {
        self.has_stopped_accepting.get()
    }

    pub fn with_read_scratch<Answer>(&self, work: impl FnOnce(&mut Scratch) -> Answer) -> Answer {
        work(&mut self.read_scratch.borrow_mut())
    }

    /// Apart from the one for reading, since what is read on one side is written to the other at once.
    pub fn with_write_scratch<Answer>(&self, work: impl FnOnce(&mut Scratch) -> Answer) -> Answer {
        work(&mut self.write_scratch.borrow_mut())
    }

    /// A new session's record; `None` when the thread has as many as it can number.
    #[must_use]
    pub fn open_slot(&self, frontend: usize, client: SocketAddr, via: Option<Box<Via>>) -> Option<Rc<Slot>> {
        let now_ms = self.now_ms();
        self.slots.borrow_mut().insert(self.index, |id| {
            let mut slot = Slot::new(id, frontend, client, now_ms);
            slot.via = via;
            Rc::new(slot)
        })
    }

    pub fn close_slot(&self, id: SessionId) {
        self.slots.borrow_mut().remove(id);
    }

    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<Rc<Slot>> {
        self.slots.borrow().find(id)
    }

    /// Sets a session's deadline, `u64::MAX` for none.
    pub fn set_deadline(&self, slot: &Slot, deadline_ms: u64) {
        if slot.put_deadline(deadline_ms) {
            slot.put_look(self.wheel.borrow_mut().look_at(deadline_ms, slot.id));
        }
    }

    fn look_at(&self, slot: &Slot, now_ms: u64) {
        if !slot.awaits_look(now_ms) {
            return;
        }
        slot.put_look(u64::MAX);
        if slot.deadline_ms() <= now_ms {
            slot.wake();
        } else {
            self.set_deadline(slot, slot.deadline_ms());
        }
    }

    /// A fault of ours in the thread's own work costs that piece of work, not the thread with all its
    /// sessions.
    pub fn contain(&self, what: &str, work: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            self.engine.counters.panics.add(1);
            self.engine.note_fault(format!("{what} broke off"));
        }
    }

    fn on_message(self: &Rc<Self>, message: Message) {
        match message {
            Message::Session(id, command) => {
                // The session may have ended, or its slot may be another's by now: then nobody is told.
                if let Some(slot) = self.session(id) {
                    slot.tell(command);
                }
            }
            Message::WorkerGone(worker) => {
                self.tell_preambles(|theirs| theirs == Some(worker), || SessionCommand::WorkerGone);
            }
            Message::WorkerHasRoom(worker) => {
                let concerns = |theirs: Option<WorkerId>| theirs.is_none_or(|theirs| theirs.place == worker);
                self.tell_preambles(concerns, || SessionCommand::WorkerHasRoom);
            }
            Message::List(selection, gather) => {
                let now_ms = self.now_ms();
                let slots = self.matching(&selection);
                gather.add(slots.iter().map(|slot| SessionRow::of(slot, now_ms)));
            }
            Message::Goodbye(selection, goodbye, gather) => {
                let told = self.matching(&selection);
                told.iter().for_each(|slot| self.say_goodbye(slot, &goodbye));
                gather.add(told.iter().map(|slot| slot.id));
            }
            Message::Probe(job) => drop(spawn_local(probe::run(Rc::clone(self), job))),
            Message::Accept | Message::StopAccepting | Message::Stop => {}
        }
    }

    /// Spliced sessions have turns. Who has time yet is not woken for it: the wheel does that.
    fn say_goodbye(&self, slot: &Slot, goodbye: &Goodbye) {
        if slot.phase.get() != Phase::Spliced {
            return slot.tell(SessionCommand::Goodbye(goodbye.at_once()));
        }
        let farewell = goodbye.in_turn();
        let told_ms = farewell.told_ms;
        if told_ms <= self.now_ms() {
            return slot.tell(SessionCommand::Goodbye(farewell));
        }
        slot.leave_word(SessionCommand::Goodbye(farewell));
        self.set_deadline(slot, slot.deadline_ms().min(told_ms));
    }

    fn renew_tickets(&self) {
        if let Err(fault) = self.engine.tickets.rotate_if_due(Instant::now()) {
            self.engine.note_fault(format!("the session ticket keys could not be renewed: {fault}"));
        }
    }

    fn tell_preambles(
        &self,
        concerns: impl Fn(Option<WorkerId>) -> bool,
        command: impl Fn() -> SessionCommand,
    ) {
        for slot in self.slots.borrow().all() {
            if concerns(slot.worker.get()) && slot.phase.get() != Phase::Spliced {
                slot.tell(command());
            }
        }
    }

    fn matching(&self, selection: &Selection) -> Vec<Rc<Slot>> {
        let frontends = &self.engine.config.frontends;
        self.slots.borrow().all().filter(|slot| selection.matches(slot, frontends)).cloned().collect()
    }
}

/// The sessions of a thread by slot. A freed slot is used again as late as possible.
#[derive(Default)]
struct Slots {
    entries: Vec<Entry>,
    free: VecDeque<u32>,
}

struct Entry {
    turn: u32,
    slot: Option<Rc<Slot>>,
}

impl Slots {
    fn insert(&mut self, thread: u8, make: impl FnOnce(SessionId) -> Rc<Slot>) -> Option<Rc<Slot>> {
        let place = self.free.pop_front().or_else(|| self.grow())?;
        let entry = self.entries.get_mut(place as usize)?;
        entry.turn = next_turn(entry.turn);
        let slot = make(SessionId::new(thread, entry.turn, place));
        entry.slot = Some(Rc::clone(&slot));
        Some(slot)
    }

    fn grow(&mut self) -> Option<u32> {
        let place = u32::try_from(self.entries.len()).ok().filter(|place| *place < SLOTS_MAX)?;
        self.entries.push(Entry { turn: 0, slot: None });
        Some(place)
    }

    fn remove(&mut self, id: SessionId) {
        if let Some(entry) = self.entries.get_mut(id.slot() as usize)
            && entry.slot.take_if(|slot| slot.id == id).is_some()
        {
            self.free.push_back(id.slot());
        }
    }

    fn find(&self, id: SessionId) -> Option<Rc<Slot>> {
        self.entries.get(id.slot() as usize)?.slot.clone().filter(|slot| slot.id == id)
    }

    fn all(&self) -> impl Iterator<Item = &Rc<Slot>> {
        self.entries.iter().filter_map(|entry| entry.slot.as_ref())
    }
}
