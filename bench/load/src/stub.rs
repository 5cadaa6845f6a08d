//! The stub server's sockets: plain, and TLS for the run without a gateway. It serves until its standard
//! input ends, so it never outlives the runner. What is said is in `conversation.rs`.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::conversation::{Conversation, GREETING, Next};
use crate::report::Line;
use crate::scratch;

/// What was served, and what is being served.
#[derive(Default)]
pub struct Counts {
    connections: Cell<usize>,
    open: Cell<usize>,
    refused: Cell<usize>,
    logins: Cell<usize>,
}

impl Counts {
    pub fn line(&self) -> Line {
        Line::of("stub-end")
            .count("connections", self.connections.get())
            .count("refused", self.refused.get())
            .count("logins", self.logins.get())
    }
}

/// Binds and begins to serve; must be called inside a `LocalSet`. Gives the address, whose port the system
/// may have chosen.
pub async fn serve(
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    counts: Rc<Counts>,
) -> Result<SocketAddr, String> {
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::task::spawn_local(accept(listener, tls, counts));
    Ok(bound)
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, counts: Rc<Counts>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of file descriptors: they come back as sessions end.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if counts.open.get() >= CONNECTIONS_MAX {
            add(&counts.refused, 1);
            continue;
        }
        let (tls, counts) = (tls.clone(), counts.clone());
        tokio::task::spawn_local(async move {
            add(&counts.connections, 1);
            add(&counts.open, 1);
            // A client that breaks off is the generator's error, and counted there.
            let _ = connection(socket, tls, &counts).await;
            counts.open.set(counts.open.get() - 1);
        });
    }
}

async fn connection(socket: TcpStream, tls: Option<TlsAcceptor>, counts: &Counts) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    match tls {
        None => session(socket, counts).await,
        Some(acceptor) => session(timeout(STEP_TIME_MAX, acceptor.accept(socket)).await??, counts).await,
    }
}

async fn session(mut stream: impl AsyncRead + AsyncWrite + Unpin, counts: &Counts) -> std::io::Result<()> {
    let mut conversation = Conversation::default();
    let mut output = Vec::new();
    stream.write_all(GREETING).await?;
    stream.flush().await?;
    loop {
        let read = scratch::read(&mut stream, |bytes| {
            let next = conversation.take(bytes, &mut output);
            if bytes.is_empty() { Next::Close } else { next }
        });
        let next = timeout(IDLE_TIME_MAX, read).await??;
        add(&counts.logins, std::mem::take(&mut conversation.logins));
        for piece in output.chunks(conversation.write_bytes.unwrap_or(usize::MAX)) {
            stream.write_all(piece).await?;
        }
        stream.flush().await?;
        output.clear();
        if next == Next::Close {
            break;
        }
    }
    stream.shutdown().await?;
    // Closing with the other side's goodbye unread would reset the connection under a reply still on its way.
    while timeout(STEP_TIME_MAX, scratch::read(&mut stream, <[u8]>::len)).await?? > 0 {}
    Ok(())
}

fn add(count: &Cell<usize>, more: usize) {
    count.set(count.get() + more);
}

/// Twice what a memory run holds, with room for the warm-up.
const CONNECTIONS_MAX: usize = 10_000;
const STEP_TIME_MAX: Duration = Duration::from_secs(10);
/// Longer than any run holds its sessions.
const IDLE_TIME_MAX: Duration = Duration::from_secs(600);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
