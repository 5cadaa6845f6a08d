//! One end of a session as clear bytes, whatever carries them: the interface between the engine and TLS.
//! No type of a TLS library is in it, so that a side over another library fits behind it.

use std::fmt;
use std::io;

use postern_wire::tls_hello::{Answer, read_answer};
use postern_wire::tls_offer::Offer;

use crate::look_side::LookSide;
#[cfg(feature = "openssl")]
use crate::openssl_side::OpensslSide;
use crate::plain_side::PlainSide;
use crate::scratch::Scratch;
use crate::shown::ShownCertificate;
use crate::sock::Sock;
use crate::tls_side::TlsSide;

/// One end of a session as clear bytes: plain or TLS.
///
/// A caller reads until `WouldBlock` before it waits for the socket: bytes that came with the end of a
/// handshake are no longer in the socket (`has_unread`).
/// After a fault the side is dead: `flush` may still carry an alert out, then the socket is closed.
pub trait Side {
    /// Drives the handshake as far as the socket allows.
    ///
    /// # Errors
    /// The other end's fault, or the socket's.
    fn handshake(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<Handshake, SideFault>;

    /// One bounded pass: reads what is there, at most one scratch full, and hands clear bytes to `sink`, in
    /// order. An end that came behind clear bytes is told by the next call; a fault is told at once, when the
    /// sink has had the bytes before it.
    ///
    /// # Errors
    /// The other end's fault, or the socket's.
    fn read(
        &mut self,
        sock: &dyn Sock,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<ReadOutcome, SideFault>;

    /// Takes all of `clear` or a prefix; gives how many clear bytes it took. What the socket does not take
    /// stays here as ciphertext, at most one scratch full; while there is any, nothing more is taken.
    ///
    /// # Errors
    /// The socket's fault, keys worn out, or a side whose writing was closed.
    fn write(&mut self, sock: &dyn Sock, scratch: &mut Scratch, clear: &[u8]) -> Result<usize, SideFault>;

    /// Whether bytes wait here for the socket to take them.
    fn has_pending(&self) -> bool;

    /// Whether `read` has bytes to give without the socket becoming readable.
    fn has_unread(&self) -> bool;

    /// Writes what waits, and the FIN of a begun `close_write`; true once all is out.
    ///
    /// # Errors
    /// The socket's fault.
    fn flush(&mut self, sock: &dyn Sock) -> Result<bool, SideFault>;

    /// Ends our direction: `close_notify` (TLS), then FIN once all is out. Reading goes on. True once all
    /// is out; otherwise `flush` finishes it.
    ///
    /// # Errors
    /// The socket's fault.
    fn close_write(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<bool, SideFault>;

    /// What was agreed on; none on a plain side and before the handshake is done.
    fn facts(&self) -> Option<TlsFacts>;

    /// The other end's own certificate, DER; none where it showed none. A copy: for probes, not for sessions.
    fn peer_certificate(&self) -> Option<Vec<u8>> {
        None
    }
}

/// How far a handshake came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// Finished, and nothing of it waits to be written but session tickets, which go out with the first
    /// words.
    Done,
    /// Wait until the socket is readable.
    WantRead,
    /// Wait until the socket is writable.
    WantWrite,
}

/// What one pass of reading gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// So many clear bytes went to the sink; 0 when only protocol messages or part of a record came.
    /// There may be more: call again.
    Bytes(usize),
    /// Nothing there: wait until the socket is readable.
    WouldBlock,
    /// The other end has finished properly: `close_notify`, or FIN on a plain side.
    Closed,
    /// FIN without `close_notify`: the end of the bytes may have been cut off.
    Truncated,
}

/// Why a side is dead.
#[derive(Debug)]
pub enum SideFault {
    /// The socket's fault.
    Io(io::Error),
    /// The other end's TLS, in words for an operator, without secrets.
    Tls(String),
    /// The server's certificate is not one that we believe.
    Untrusted {
        /// Why not.
        words: String,
        /// What it showed.
        shown: Box<ShownCertificate>,
    },
    /// The server speaks no TLS that our profile speaks.
    Incompatible {
        /// What it said to our hello.
        words: String,
        /// What it chose, where it said so.
        offer: Option<Offer>,
    },
    /// The client asked by ALPN for protocols of which we have none.
    WrongProtocol,
    /// FIN before the handshake was done.
    ClosedInHandshake,
}

/// What a handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`; of an old profile also `TLSv1.0` and `TLSv1.1`.
    pub version: &'static str,
    /// The suite's IANA name, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: &'static str,
    /// The protocol chosen by ALPN.
    pub alpn: Option<String>,
    /// The name that the client asked for, in lower case; on a client's side none.
    pub sni: Option<String>,
    /// Whether an earlier session's keys were taken up again.
    pub resumed: bool,
}

/// Any side without a virtual call for each chunk, and small while it is plain.
pub enum AnySide {
    /// Clear text.
    Plain(PlainSide),
    /// TLS; boxed, for a session spends most of its life in an enum beside a plain side.
    Tls(Box<TlsSide>),
    /// TLS of the old profiles.
    #[cfg(feature = "openssl")]
    Openssl(Box<OpensslSide>),
    /// A question what TLS a server offers.
    Look(Box<LookSide>),
}

impl From<PlainSide> for AnySide {
    fn from(side: PlainSide) -> Self {
        Self::Plain(side)
    }
}

impl From<TlsSide> for AnySide {
    fn from(side: TlsSide) -> Self {
        Self::Tls(Box::new(side))
    }
}

#[cfg(feature = "openssl")]
impl From<OpensslSide> for AnySide {
    fn from(side: OpensslSide) -> Self {
        Self::Openssl(Box::new(side))
    }
}

impl From<LookSide> for AnySide {
    fn from(side: LookSide) -> Self {
        Self::Look(Box::new(side))
    }
}

/// What all sides do, each in its own way.
macro_rules! each {
    ($any:expr, $side:ident => $work:expr) => {
        match $any {
            AnySide::Plain($side) => $work,
            AnySide::Tls($side) => $work,
            #[cfg(feature = "openssl")]
            AnySide::Openssl($side) => $work,
            AnySide::Look($side) => $work,
        }
    };
}

impl Side for AnySide {
    fn handshake(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<Handshake, SideFault> {
        each!(self, side => side.handshake(sock, scratch))
    }

    fn read(
        &mut self,
        sock: &dyn Sock,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<ReadOutcome, SideFault> {
        each!(self, side => side.read(sock, scratch, sink))
    }

    fn write(&mut self, sock: &dyn Sock, scratch: &mut Scratch, clear: &[u8]) -> Result<usize, SideFault> {
        each!(self, side => side.write(sock, scratch, clear))
    }

    fn has_pending(&self) -> bool {
        each!(self, side => side.has_pending())
    }

    fn has_unread(&self) -> bool {
        each!(self, side => side.has_unread())
    }

    fn flush(&mut self, sock: &dyn Sock) -> Result<bool, SideFault> {
        each!(self, side => side.flush(sock))
    }

    fn close_write(&mut self, sock: &dyn Sock, scratch: &mut Scratch) -> Result<bool, SideFault> {
        each!(self, side => side.close_write(sock, scratch))
    }

    fn facts(&self) -> Option<TlsFacts> {
        each!(self, side => side.facts())
    }

    fn peer_certificate(&self) -> Option<Vec<u8>> {
        each!(self, side => side.peer_certificate())
    }
}

impl SideFault {
    /// With what a server chose, where it stands in its first bytes.
    pub(crate) fn seen_in(self, bytes: &[u8]) -> Self {
        match (self, read_answer(bytes)) {
            (Self::Incompatible { words, offer: None }, Answer::Offer(offer)) => {
                Self::Incompatible { words, offer: Some(offer) }
            }
            (fault, _) => fault,
        }
    }
}

impl From<io::Error> for SideFault {
    fn from(fault: io::Error) -> Self {
        Self::Io(fault)
    }
}

impl fmt::Display for SideFault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(fault) => write!(to, "{fault}"),
            Self::Tls(words) | Self::Incompatible { words, offer: None } => to.write_str(words),
            Self::Untrusted { words, shown } => write!(to, "{words}; it is {shown}"),
            Self::Incompatible { words, offer: Some(offer) } => write!(to, "{words}; it offers {offer}"),
            Self::WrongProtocol => {
                to.write_str("the client asked by ALPN for protocols that are not offered here")
            }
            Self::ClosedInHandshake => to.write_str("the connection was closed during the TLS handshake"),
        }
    }
}

impl std::error::Error for SideFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(fault) => Some(fault),
            Self::Tls(_)
            | Self::Untrusted { .. }
            | Self::Incompatible { .. }
            | Self::WrongProtocol
            | Self::ClosedInHandshake => None,
        }
    }
}
