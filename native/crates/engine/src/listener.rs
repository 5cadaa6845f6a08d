//! A listener on its IO thread: takes connections in until it is told to stop. What becomes of them is
//! `session`'s.
//!
//! Out of file descriptors, every accept fails at once and the client waits in the backlog, for nothing. So
//! each listener keeps a spare descriptor, and gives it up for as long as it takes to turn a client away.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use crate::end_reason::EndReason;
use crate::io_thread::{BoundSocket, Io};
use crate::{net, session};

/// Accepts from now on, until the task is aborted. `None`: it could not start, which is noted as a fault.
pub fn start(io: &Rc<Io>, bound: BoundSocket) -> Option<JoinHandle<()>> {
    match net::listener(bound.socket) {
        Ok(listener) => Some(spawn_local(accept(Rc::clone(io), listener, bound.frontend))),
        Err(error) => {
            io.engine.note_fault(format!("a listener could not start: {error}"));
            None
        }
    }
}

async fn accept(io: Rc<Io>, listener: TcpListener, frontend: usize) {
    let mut spare = Spare::new(&io.engine.reserve);
    loop {
        let Some(arrived) = next(&listener, &mut spare).await else { continue };
        match arrived {
            Ok((stream, client)) if !io.engine.reserve.is_short() => {
                io.contain("a new connection", || session::begin(&io, frontend, stream, client));
            }
            // The descriptor is a listener's spare: first of all that one must be back.
            Ok((stream, _)) => turn_away(&io, frontend, stream),
            Err(error) if net::is_out_of_descriptors(&error) => {
                spare.give_up();
                turn_next_away(&io, &listener, frontend).await;
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
        spare.retake();
    }
}

/// The next client. `None`: none came while the spare was lost, which is tried for again.
async fn next(listener: &TcpListener, spare: &mut Spare<'_>) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    if spare.file.is_some() {
        return Some(listener.accept().await);
    }
    match timeout(ACCEPT_PAUSE, listener.accept()).await {
        Ok(arrived) => Some(arrived),
        Err(_) => {
            spare.retake();
            None
        }
    }
}

/// One client that waits is told, instead of being left to wait. Where another part of the process took the
/// descriptor first, all that is left is not to spin.
async fn turn_next_away(io: &Rc<Io>, listener: &TcpListener, frontend: usize) {
    match timeout(ACCEPT_PAUSE, listener.accept()).await {
        Ok(Ok((stream, _))) => turn_away(io, frontend, stream),
        Ok(Err(_)) => sleep(ACCEPT_PAUSE).await,
        // Who waited has left.
        Err(_) => {}
    }
}

fn turn_away(io: &Rc<Io>, frontend: usize, stream: TcpStream) {
    io.contain("a refusal", || {
        session::turn_away(io, frontend, &stream, EndReason::TooManyConnections);
    });
}

/// The spares of all listeners of the process, as far as they are given up just now: while one is, nobody
/// may use its descriptor for something that lasts.
#[derive(Default)]
pub struct Reserve {
    given_up: AtomicU32,
}

impl Reserve {
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.given_up.load(Ordering::SeqCst) > 0
    }
}

/// A descriptor kept for the moment when there are none. `file.is_none()`: it counts as given up.
struct Spare<'a> {
    reserve: &'a Reserve,
    file: Option<File>,
}

impl<'a> Spare<'a> {
    fn new(reserve: &'a Reserve) -> Self {
        // Not given up first and taken back then: clients of another listener would be turned away meanwhile.
        let file = File::open("/dev/null").ok();
        if file.is_none() {
            reserve.given_up.fetch_add(1, Ordering::SeqCst);
        }
        Self { reserve, file }
    }

    fn give_up(&mut self) {
        if let Some(file) = self.file.take() {
            self.reserve.given_up.fetch_add(1, Ordering::SeqCst);
            drop(file);
        }
    }

    fn retake(&mut self) {
        if self.file.is_none()
            && let Ok(file) = File::open("/dev/null")
        {
            self.file = Some(file);
            self.reserve.given_up.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Spare<'_> {
    fn drop(&mut self) {
        if self.file.is_none() {
            self.reserve.given_up.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Between two tries at what failed at once: it keeps the thread from spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
