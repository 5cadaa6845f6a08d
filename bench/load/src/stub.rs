//! The stub server's sockets: plain, and TLS for the run without a gateway. What is said is in
//! `conversation.rs`.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::conversation::{Next, Protocol};
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
pub async fn serve(service: Service, counts: Rc<Counts>) -> Result<SocketAddr, String> {
    let address = service.address;
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::task::spawn_local(accept(listener, service, counts));
    Ok(bound)
}

/// What is served at an address.
#[derive(Clone)]
pub struct Service {
    pub protocol: Protocol,
    pub address: SocketAddr,
    pub tls: Option<TlsAcceptor>,
}

async fn accept(listener: TcpListener, service: Service, counts: Rc<Counts>) {
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
        let (service, counts) = (service.clone(), counts.clone());
        tokio::task::spawn_local(async move {
            add(&counts.connections, 1);
            add(&counts.open, 1);
            // A client that breaks off is the generator's error, and counted there.
            let _ = connection(socket, service, &counts).await;
            counts.open.set(counts.open.get() - 1);
        });
    }
}

async fn connection(socket: TcpStream, service: Service, counts: &Counts) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let Service { protocol, tls, .. } = service;
    match tls {
        None => session(socket, protocol, counts).await,
        Some(acceptor) => {
            let stream = timeout(STEP_TIME_MAX, acceptor.accept(socket)).await??;
            session(stream, protocol, counts).await
        }
    }
}

async fn session(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    protocol: Protocol,
    counts: &Counts,
) -> std::io::Result<()> {
    let mut conversation = protocol.begin();
    let mut output = Vec::new();
    stream.write_all(protocol.greeting()).await?;
    stream.flush().await?;
    loop {
        let read = scratch::read(&mut stream, |bytes| {
            let next = conversation.take(bytes, &mut output);
            if bytes.is_empty() { Next::Close } else { next }
        });
        let next = timeout(IDLE_TIME_MAX, read).await??;
        add(&counts.logins, conversation.take_logins());
        for piece in output.chunks(conversation.write_bytes()) {
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
