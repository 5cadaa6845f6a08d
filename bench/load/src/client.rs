//! The generator's side of one connection: connect (from one of several loopback addresses), say lines, await
//! lines or IMAP's tagged replies, close without a reset. The scripts made of these are in `scripts.rs`.

use std::cell::Cell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::scratch;
use crate::tls::{ClientTls, Kind};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Why a session counts as an error.
#[derive(Debug)]
pub enum Failure {
    Connect(std::io::Error),
    Tls(std::io::Error),
    /// The handshake worked, but is not the one that is compared.
    Negotiated(String),
    Moved(std::io::Error),
    Reply(String),
    /// Literals of another size than was asked for.
    Size {
        got: usize,
        wanted: usize,
    },
    Closed,
    /// A reply without an end.
    TooLong,
    TimedOut,
}

impl Failure {
    /// A line that is not the one awaited.
    pub fn reply(line: &[u8]) -> Self {
        Self::Reply(String::from_utf8_lossy(line).trim_end().to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(to, "connect: {error}"),
            Self::Tls(error) => write!(to, "TLS: {error}"),
            Self::Negotiated(what) => to.write_str(what),
            Self::Moved(error) => write!(to, "reading or writing: {error}"),
            Self::Reply(line) => write!(to, "unexpected reply: {line}"),
            Self::Size { got, wanted } => write!(to, "{got} bytes of literals instead of {wanted}"),
            Self::Closed => to.write_str("closed by the server"),
            Self::TooLong => write!(to, "a reply over {REPLY_BYTES_MAX} bytes"),
            Self::TimedOut => to.write_str("timed out"),
        }
    }
}

/// Whom to connect to, and how.
pub struct Client {
    server: SocketAddr,
    tls: Option<ClientTls>,
    sources: u32,
    connections: Cell<u32>,
}

impl Client {
    /// `sources` loopback addresses are used in turn, from 127.0.0.2 on: one address has some 28,000 ports,
    /// and each stays taken for a minute after its connection.
    pub fn new(server: SocketAddr, tls: Option<ClientTls>, sources: u32) -> Self {
        Self { server, tls, sources, connections: Cell::new(0) }
    }

    /// A connection with a full handshake.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        self.connect_as(0, Kind::Full).await
    }

    /// A connection with the tickets of `lane`; it counts only if the handshake was of that kind.
    pub async fn connect_as(&self, lane: u32, kind: Kind) -> Result<Connection, Failure> {
        let socket = self.open_socket().await.map_err(Failure::Connect)?;
        let Some(tls) = &self.tls else { return Ok(Connection::over(socket)) };
        let stream = tls.connect(socket, lane).await.map_err(Failure::Tls)?;
        tls.check(stream.get_ref().1, kind).map_err(Failure::Negotiated)?;
        Ok(Connection::over(stream))
    }

    async fn open_socket(&self) -> std::io::Result<TcpStream> {
        let turn = self.connections.get();
        self.connections.set(turn.wrapping_add(1));
        let socket = match self.server {
            SocketAddr::V4(_) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::new(source_address(turn % self.sources), 0))?;
                socket
            }
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_nodelay(true)?;
        socket.connect(self.server).await
    }
}

fn source_address(number: u32) -> IpAddr {
    let last = u8::try_from(number % SOURCES_MAX).unwrap_or(0);
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + last))
}

/// One connection; the bytes that were read beyond the last reply wait in it.
pub struct Connection {
    stream: Box<dyn Duplex>,
    unread: Vec<u8>,
    /// `unread[..taken]` has been dealt with.
    taken: usize,
}

impl Connection {
    fn over(stream: impl Duplex + 'static) -> Self {
        Self { stream: Box::new(stream), unread: Vec::new(), taken: 0 }
    }

    pub async fn say(&mut self, line: &str) -> Result<(), Failure> {
        self.write(line.as_bytes()).await
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(bytes).await.map_err(Failure::Moved)?;
        self.stream.flush().await.map_err(Failure::Moved)
    }

    /// In IMAP: reads up to the line that begins with `start`, literals on the way skipped; gives the bytes
    /// of those. A line that begins with the same tag (the word before the blank) and goes on otherwise is a
    /// refusal.
    pub async fn expect(&mut self, start: &str) -> Result<usize, Failure> {
        let tag = start.split_inclusive(' ').next().unwrap_or(start).as_bytes();
        let mut skipped = 0;
        loop {
            let line = self.line().await?;
            if line.starts_with(start.as_bytes()) {
                return Ok(skipped);
            }
            if line.starts_with(tag) && tag != b"* " || line.starts_with(b"* BYE") {
                return Err(Failure::reply(&line));
            }
            if let Some(size) = literal_size(&line) {
                self.skip(size).await?;
                skipped += size;
            }
        }
    }

    /// The next line with its end.
    pub async fn line(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let unread = self.unread.get(self.taken..).unwrap_or_default();
            if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line = unread.get(..=end).unwrap_or_default().to_vec();
                self.taken += line.len();
                return Ok(line);
            }
            if unread.len() > REPLY_BYTES_MAX {
                return Err(Failure::TooLong);
            }
            if self.read_more().await? == 0 {
                return Err(Failure::Closed);
            }
        }
    }

    /// What is skipped never lies in memory together: reads are dropped as they come.
    async fn skip(&mut self, size: usize) -> Result<(), Failure> {
        let at_hand = size.min(self.unread.len() - self.taken);
        self.taken += at_hand;
        let mut left = size - at_hand;
        while left > 0 {
            let unread = &mut self.unread;
            let read = scratch::read(&mut *self.stream, |bytes| {
                unread.clear();
                unread.extend_from_slice(bytes.get(left..).unwrap_or_default());
                bytes.len()
            });
            let count = read.await.map_err(Failure::Moved)?;
            if count == 0 {
                return Err(Failure::Closed);
            }
            self.taken = 0;
            left = left.saturating_sub(count);
        }
        Ok(())
    }

    /// Says goodbye in TLS and TCP, then reads until the server has done the same. Closing with bytes
    /// unread would reset the connection, and the server's work at its end would not be counted.
    pub async fn close(mut self) -> Result<(), Failure> {
        self.leave().await;
        for _ in 0..CLOSING_READS_MAX {
            self.taken = self.unread.len();
            match self.read_more().await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // A server may end TCP without TLS's goodbye; all that mattered has been said by then.
                Err(Failure::Moved(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::TooLong)
    }

    /// Says goodbye, and awaits nothing.
    pub async fn leave(&mut self) {
        // The server may have closed first; then there is nobody left to say it to.
        let _ = self.stream.shutdown().await;
    }

    async fn read_more(&mut self) -> Result<usize, Failure> {
        self.unread.drain(..self.taken);
        self.taken = 0;
        let unread = &mut self.unread;
        let read = scratch::read(&mut *self.stream, |bytes| {
            unread.extend_from_slice(bytes);
            bytes.len()
        });
        read.await.map_err(Failure::Moved)
    }

    /// Whether the server has neither closed nor said goodbye. What it said otherwise is kept.
    pub async fn is_open(&mut self) -> bool {
        match tokio::time::timeout(std::time::Duration::ZERO, self.read_more()).await {
            Err(_) => true,
            Ok(Ok(count)) => count > 0 && !self.unread.windows(5).any(|five| five == b"* BYE"),
            Ok(Err(_)) => false,
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<Stream: AsyncRead + AsyncWrite + Unpin> Duplex for Stream {}

/// The size in `{5}` at the line's end. RFC 9051 section 4.3: the bytes follow the line.
fn literal_size(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}\r\n")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(inside.get(open + 1..)?).ok()?.parse().ok()
}

/// `2 + SOURCES_MAX - 1 <= 254`, so the last octet is always a host's.
pub const SOURCES_MAX: u32 = 250;
/// The stub's longest reply is a tenth of this.
const REPLY_BYTES_MAX: usize = 65_536;
/// Tickets and a goodbye take three.
const CLOSING_READS_MAX: usize = 16;
