//! What other threads ask of an IO thread: commands of the workers, questions of the main thread.

use std::sync::{Arc, Mutex, PoisonError};

use postern_queue::session_id::SessionId;
use tokio::sync::Notify;

use crate::goodbye::Goodbye;
use crate::probe::ProbeJob;
use crate::selection::{Gather, Selection, SessionRow};
use crate::slot::SessionCommand;
use crate::worker_link::WorkerId;

/// A thread's incoming messages. Workers are bounded by their own arrays, so this is, too.
#[derive(Default)]
pub struct Inbox {
    messages: Mutex<Vec<Message>>,
    arrived: Notify,
}

pub enum Message {
    Session(SessionId, SessionCommand),
    /// A worker has gone: its preamble sessions move or end.
    WorkerGone(WorkerId),
    /// A worker has come, or has room again: sessions that wait for one go on.
    WorkerHasRoom(usize),
    List(Selection, Arc<Gather<SessionRow>>),
    Goodbye(Selection, Arc<Goodbye>, Arc<Gather<SessionId>>),
    Probe(Box<ProbeJob>),
    Accept,
    StopAccepting,
    Stop,
}

impl Inbox {
    pub fn push(&self, message: Message) {
        self.lock().push(message);
        self.arrived.notify_one();
    }

    /// One wake for many messages, in their order.
    pub fn push_all(&self, messages: &mut Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        self.lock().append(messages);
        self.arrived.notify_one();
    }

    /// Waits until there is something, then takes all of it.
    pub async fn take(&self) -> Vec<Message> {
        loop {
            let taken = std::mem::take(&mut *self.lock());
            if !taken.is_empty() {
                return taken;
            }
            self.arrived.notified().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
