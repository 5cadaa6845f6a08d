//! What other threads ask of an IO thread: commands of the workers, questions of the main thread.

use std::sync::Arc;

use postern_queue::session_id::SessionId;

use crate::goodbye::Goodbye;
use crate::probe::ProbeJob;
use crate::selection::{Gather, Selection, SessionRow};
use crate::slot::SessionCommand;
use crate::worker_link::WorkerId;

/// A thread's incoming messages. Workers are bounded by their own arrays, so this is, too.
pub type Inbox = postern_queue::inbox::Inbox<Message>;

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
