//! A session's record: who it is, where it stands, and the commands that wait for it. It lives on one IO
//! thread for as long as the session does; everything else about a session lives in its task.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use postern_queue::session_id::SessionId;
use postern_wire::request::Request;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::end_reason::EndReason;
use crate::goodbye::Farewell;
use crate::worker_link::WorkerId;

pub struct Slot {
    pub id: SessionId,
    pub frontend: usize,
    pub client: SocketAddr,
    /// Where a PROXY header said whose connection it is.
    pub via: Option<Box<Via>>,
    pub started_ms: u64,
    pub phase: Cell<Phase>,
    pub worker: Cell<Option<WorkerId>>,
    pub placement: Cell<Placement>,
    pub user: RefCell<Box<str>>,
    pub tls: Cell<Option<Agreed>>,
    pub active_ms: Cell<u64>,
    pub preamble_ms: Cell<u64>,
    /// The last handoff that failed, for the log.
    pub failure: RefCell<Option<Box<FailedHandoff>>>,
    pub bytes_in: Cell<u64>,
    pub bytes_out: Cell<u64>,
    deadline_ms: Cell<u64>,
    /// When the wheel looks at this session next; `u64::MAX` when it does not.
    look_ms: Cell<u64>,
    commands: RefCell<VecDeque<SessionCommand>>,
    waker: RefCell<Option<Waker>>,
}

/// The load balancer that a client came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via {
    pub proxy: SocketAddr,
    /// What the client connected to, as the load balancer says.
    pub to: SocketAddr,
}

/// What TLS with the client agreed on, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub version: &'static str,
    pub cipher_suite: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Handshake,
    Preamble,
    Handoff,
    Spliced,
}

impl Phase {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Preamble => "preamble",
            Self::Handoff => "handoff",
            Self::Spliced => "spliced",
        }
    }
}

/// Where a session is, or is about to be, served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    pub server: Option<u32>,
    pub database: Option<u32>,
    pub generation: u64,
    pub mailbox: u64,
    /// Ours, towards the server.
    pub local: Option<SocketAddr>,
}

impl Placement {
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.local.map_or(0, |local| local.port())
    }
}

/// Where a handoff failed, and what the server said or did.
pub struct FailedHandoff {
    pub placement: Placement,
    pub detail: String,
}

/// What a session may be told. Those of a worker come in its order.
pub enum SessionCommand {
    Write {
        consumed: u32,
        bytes: Zeroizing<Vec<u8>>,
    },
    StartTls {
        consumed: u32,
        answer: Vec<u8>,
    },
    Handoff {
        consumed: u32,
        request: Box<Request>,
    },
    ExpectLiteral {
        length: u32,
        continuation: Vec<u8>,
    },
    ExpectLine,
    End {
        reason: EndReason,
        words: Vec<u8>,
    },
    Hold {
        milliseconds: u32,
    },
    Name(Box<str>),
    /// The client's login was refused: the answer, which may have to wait.
    Refuse {
        consumed: u32,
        bytes: Vec<u8>,
    },
    Goodbye(Farewell),
    WorkerGone,
    WorkerHasRoom,
    /// Breaks the session's task, to show that no other session notices.
    #[cfg(feature = "faults")]
    Panic,
}

impl SessionCommand {
    /// A test's order to break is obeyed wherever a session takes commands: in the preamble, in the
    /// handoff, in the splice.
    #[cfg(feature = "faults")]
    #[allow(clippy::panic)]
    pub fn break_if_told(&self) {
        if matches!(self, Self::Panic) {
            panic!("provoked by a test");
        }
    }
}

/// What ended a wait.
pub enum Woken {
    Command(SessionCommand),
    Readable,
    Writable,
    Deadline,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    Read,
    Write,
    /// Only commands and the deadline.
    Commands,
}

impl Slot {
    #[must_use]
    pub fn new(id: SessionId, frontend: usize, client: SocketAddr, now_ms: u64) -> Self {
        Self {
            id,
            frontend,
            client,
            via: None,
            started_ms: now_ms,
            phase: Cell::new(Phase::Handshake),
            worker: Cell::new(None),
            placement: Cell::default(),
            user: RefCell::default(),
            tls: Cell::new(None),
            active_ms: Cell::new(now_ms),
            preamble_ms: Cell::new(0),
            failure: RefCell::default(),
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            deadline_ms: Cell::new(u64::MAX),
            look_ms: Cell::new(u64::MAX),
            commands: RefCell::default(),
            waker: RefCell::default(),
        }
    }

    pub fn tell(&self, command: SessionCommand) {
        self.leave_word(command);
        self.wake();
    }

    /// A command that has time until the session is awake: a deadline must see to that.
    pub fn leave_word(&self, command: SessionCommand) {
        self.commands.borrow_mut().push_back(command);
    }

    /// Commands that were taken too early, and come before those that wait.
    pub fn put_back(&self, early: Vec<SessionCommand>) {
        let mut commands = self.commands.borrow_mut();
        early.into_iter().rev().for_each(|command| commands.push_front(command));
    }

    pub fn next_command(&self) -> Option<SessionCommand> {
        let mut commands = self.commands.borrow_mut();
        let command = commands.pop_front();
        if commands.is_empty() && commands.capacity() > 0 {
            // An idle session keeps no queue.
            *commands = VecDeque::new();
        }
        command
    }

    pub fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    pub fn wake_with(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match waker.as_mut() {
            Some(waker) => waker.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
    }

    #[must_use]
    pub fn deadline_ms(&self) -> u64 {
        self.deadline_ms.get()
    }

    /// Sets the deadline. True: the wheel must be asked for a look, since none comes early enough.
    #[must_use]
    pub fn put_deadline(&self, deadline_ms: u64) -> bool {
        self.deadline_ms.set(deadline_ms);
        deadline_ms < self.look_ms.get()
    }

    pub fn put_look(&self, look_ms: u64) {
        self.look_ms.set(look_ms);
    }

    /// A look that the session still waits for; an earlier one has replaced the rest.
    #[must_use]
    pub fn awaits_look(&self, now_ms: u64) -> bool {
        self.look_ms.get() <= now_ms
    }

    /// Waits for a command, the deadline, or the socket, in this order of importance.
    pub async fn wait(&self, stream: &TcpStream, interest: Interest, now_ms: impl Fn() -> u64) -> Woken {
        poll_fn(|context| {
            if let Some(command) = self.next_command() {
                return Poll::Ready(Woken::Command(command));
            }
            if now_ms() >= self.deadline_ms.get() {
                return Poll::Ready(Woken::Deadline);
            }
            match interest {
                // An error of the socket shows with the next read or write.
                Interest::Read if stream.poll_read_ready(context).is_ready() => Poll::Ready(Woken::Readable),
                Interest::Write if stream.poll_write_ready(context).is_ready() => {
                    Poll::Ready(Woken::Writable)
                }
                _ => {
                    self.wake_with(context);
                    Poll::Pending
                }
            }
        })
        .await
    }
}
