//! A TCP connection as the TLS sides see it, and the options that every socket gets.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use postern_tls::Sock;
use rustix::io::Errno;
use rustix::net::SendFlags;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};

/// A connected socket.
pub struct Net {
    pub stream: TcpStream,
}

impl Net {
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self { stream }
    }

    /// The local address, for the log: the server's own log names it.
    #[must_use]
    pub fn local(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }
}

impl Sock for Net {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.try_read(into)?;
        if 0 < read && read < into.len() {
            // The socket is empty: the runtime is told so at once, and the next read is answered without
            // asking the kernel. Later would be wrong: what arrives meanwhile brings an event of its own,
            // once.
            let _: io::Result<()> =
                self.stream.try_io(Interest::READABLE, || Err(io::ErrorKind::WouldBlock.into()));
        }
        Ok(read)
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        self.stream.try_write(from)
    }

    fn try_write_last(&self, from: &[u8]) -> io::Result<usize> {
        // The system keeps the bytes for the FIN (MSG_MORE), for 200 ms at most.
        let send = || Ok(rustix::net::send(&self.stream, from, SendFlags::MORE | SendFlags::NOSIGNAL)?);
        self.stream.try_io(Interest::WRITABLE, send)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        SockRef::from(&self.stream).shutdown(Shutdown::Write)
    }
}

/// Binds an address for every IO thread. The first bind goes without SO_REUSEPORT: sharing a port with
/// another process would not fail, it would silently give that process half of the connections.
///
/// # Errors In words: the address and what the system says of it.
pub fn bind(address: SocketAddr, threads: usize) -> Result<(Vec<std::net::TcpListener>, SocketAddr), String> {
    let fault = |error: io::Error| format!("cannot listen on {address}: {}", in_words(&error));
    let trial = listening_socket(address, false).map_err(fault)?;
    let bound = trial.local_addr().map_err(fault)?.as_socket().unwrap_or(address);
    drop(trial);
    let sockets = (0..threads).map(|_| listening_socket(bound, true).map(Into::into));
    Ok((sockets.collect::<io::Result<_>>().map_err(fault)?, bound))
}

/// A listener of this thread's runtime.
///
/// # Errors
/// When the runtime cannot take the socket.
pub fn listener(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    TcpListener::from_std(socket)
}

fn listening_socket(address: SocketAddr, shares_port: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares_port)?;
    // Freebind: a standby of a pair starts before it holds the shared address.
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
        socket.set_freebind_v6(true)?;
    } else {
        socket.set_freebind_v4(true)?;
    }
    // Accepted connections inherit these: four system calls less for each.
    set_options(&SockRef::from(&socket))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// No delay for small writes; a peer that is gone is found within two minutes (fault case F04).
///
/// # Errors
/// When the system refuses an option.
pub fn set_options(socket: &SockRef<'_>) -> io::Result<()> {
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL).with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(UNANSWERED))
}

/// The process, or the machine, has no descriptor left: our own want, and nobody else's fault.
#[must_use]
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// What an operator can act on, without the operating system's number.
#[must_use]
pub fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there already".into(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE".into(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
        _ => error.to_string(),
    }
}

/// The kernel cuts it to net.core.somaxconn.
const BACKLOG: i32 = 4096;
const KEEPALIVE_IDLE: Duration = Duration::from_secs(75);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Longer than keepalive takes with its retries, which it would cut short otherwise. A client that reads
/// nothing for so long counts as gone, too: the system applies it to closed windows as well.
const UNANSWERED: Duration = Duration::from_secs(120);
