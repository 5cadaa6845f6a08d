//! Steps a rustls connection over bytes that lie in a buffer: the loop that its unbuffered interface asks
//! for, written once for clients and servers. No sockets here, and no memory of its own.
//!
//! Bytes that a step did not consume must be given to the next one again, to a step that only seals as well:
//! rustls remembers how far it has decrypted the front of them.

use rustls::CommonState;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedConnectionCommon, UnbufferedStatus,
    WriteTraffic,
};

use crate::fault_words::{OtherEnd, fault_of};
use crate::limits::FLIGHT_BYTES_MAX;
use crate::side::SideFault;

/// A rustls connection of either role.
pub(crate) enum Connection {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
}

/// What a step did with its input. `consumed <= input.len()`.
#[derive(Default)]
pub(crate) struct Advance {
    /// So many bytes at the front of the input are done with; the rest is needed again.
    pub(crate) consumed: usize,
    /// Whether `close_notify` was read.
    pub(crate) is_closed: bool,
}

/// Ciphertext on its way out: `output[..used]`, `used <= output.len()`.
pub(crate) struct Outgoing<'s> {
    output: &'s mut Vec<u8>,
    used: usize,
}

/// What is to be sealed.
#[derive(Clone, Copy)]
pub(crate) enum Sealing<'b> {
    Clear(&'b [u8]),
    CloseNotify,
}

impl Connection {
    /// Takes in all whole records of `input`. Clear bytes go to `sink`, answers of the protocol to `out`;
    /// behind a fault that is the alert.
    pub(crate) fn advance(
        &mut self,
        input: &mut [u8],
        out: &mut Outgoing<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Advance, SideFault> {
        match self {
            Self::Server(connection) => advance(&mut **connection, input, out, sink),
            Self::Client(connection) => advance(&mut **connection, input, out, sink),
        }
    }

    /// Seals clear bytes or `close_notify` into `out`, behind whatever the protocol has to say first.
    /// `unfinished` is what earlier steps left of their input.
    pub(crate) fn seal(
        &mut self,
        unfinished: &mut [u8],
        sealing: Sealing<'_>,
        out: &mut Outgoing<'_>,
    ) -> Result<Advance, SideFault> {
        match self {
            Self::Server(connection) => seal(&mut **connection, unfinished, sealing, out),
            Self::Client(connection) => seal(&mut **connection, unfinished, sealing, out),
        }
    }

    pub(crate) fn state(&self) -> &CommonState {
        match self {
            Self::Server(connection) => connection,
            Self::Client(connection) => connection,
        }
    }
}

impl<'s> Outgoing<'s> {
    pub(crate) fn new(output: &'s mut Vec<u8>) -> Self {
        Self { output, used: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.output.get(..self.used).unwrap_or_default()
    }

    /// Lets `fill` write behind what is there, with as much room as it turns out to need.
    fn append(&mut self, mut fill: impl FnMut(&mut [u8]) -> Filled) -> Result<(), SideFault> {
        loop {
            let room = self.output.get_mut(self.used..).unwrap_or_default();
            match fill(room) {
                Filled::Bytes(length) => {
                    self.used += length;
                    return Ok(());
                }
                Filled::Needs(bytes) if room.len() < bytes && self.used + bytes <= FLIGHT_BYTES_MAX => {
                    self.output.resize(self.used + bytes, 0);
                }
                Filled::Needs(_) => return Err(SideFault::Tls(FLIGHT_TOO_LARGE.to_owned())),
                Filled::Never(words) => return Err(SideFault::Tls(words.to_owned())),
            }
        }
    }
}

enum Filled {
    Bytes(usize),
    Needs(usize),
    Never(&'static str),
}

trait Steps {
    type Data;
    const OTHER: OtherEnd;
    fn step<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
    fn state(&self) -> &CommonState;
}

impl Steps for UnbufferedConnectionCommon<ServerConnectionData> {
    type Data = ServerConnectionData;
    const OTHER: OtherEnd = OtherEnd::Client;
    fn step<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(input)
    }
    fn state(&self) -> &CommonState {
        self
    }
}

impl Steps for UnbufferedConnectionCommon<ClientConnectionData> {
    type Data = ClientConnectionData;
    const OTHER: OtherEnd = OtherEnd::Server;
    fn step<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(input)
    }
    fn state(&self) -> &CommonState {
        self
    }
}

fn advance<C: Steps>(
    connection: &mut C,
    input: &mut [u8],
    out: &mut Outgoing<'_>,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Advance, SideFault> {
    let mut done = Advance::default();
    loop {
        let rest = input.get_mut(done.consumed..).unwrap_or_default();
        let UnbufferedStatus { mut discard, state } = connection.step(rest);
        let mut is_last = false;
        match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(|error| fault_of(&error, C::OTHER, true))?;
                    discard += record.discard;
                    sink(record.payload);
                }
            }
            Ok(ConnectionState::EncodeTlsData(message)) => encode(message, out)?,
            Ok(ConnectionState::TransmitTlsData(message)) => message.done(),
            Ok(ConnectionState::PeerClosed) => done.is_closed = true,
            Ok(ConnectionState::Closed) => (done.is_closed, is_last) = (true, true),
            Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => is_last = true,
            Ok(_) => return Err(unforeseen()),
            Err(error) => {
                done.consumed += discard;
                alert(connection, input.get_mut(done.consumed..).unwrap_or_default(), out);
                return Err(fault_of(&error, C::OTHER, connection.state().protocol_version().is_some()));
            }
        }
        done.consumed += discard;
        if is_last {
            return Ok(done);
        }
    }
}

/// Fetches the alert that rustls has queued behind a fault, and nothing more: a further step would take up
/// the faulty input again.
fn alert<C: Steps>(connection: &mut C, rest: &mut [u8], out: &mut Outgoing<'_>) {
    let mut discarded = 0;
    while connection.state().wants_write() {
        let status = connection.step(rest.get_mut(discarded..).unwrap_or_default());
        let Ok(ConnectionState::EncodeTlsData(message)) = status.state else { return };
        if encode(message, out).is_err() {
            return;
        }
        discarded += status.discard;
    }
}

fn seal<C: Steps>(
    connection: &mut C,
    unfinished: &mut [u8],
    sealing: Sealing<'_>,
    out: &mut Outgoing<'_>,
) -> Result<Advance, SideFault> {
    let mut done = Advance::default();
    loop {
        let rest = unfinished.get_mut(done.consumed..).unwrap_or_default();
        let UnbufferedStatus { discard, state } = connection.step(rest);
        done.consumed += discard;
        match state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                out.append(|room| filled(encrypt(&mut traffic, sealing, room)))?;
                return Ok(done);
            }
            Ok(ConnectionState::EncodeTlsData(message)) => encode(message, out)?,
            Ok(ConnectionState::TransmitTlsData(message)) => message.done(),
            Ok(ConnectionState::PeerClosed) => done.is_closed = true,
            Ok(ConnectionState::BlockedHandshake) => {
                return Err(SideFault::Tls("nothing can be sent before the handshake is done".to_owned()));
            }
            Ok(_) => return Err(unforeseen()),
            Err(error) => return Err(fault_of(&error, C::OTHER, true)),
        }
    }
}

fn encode<D>(mut message: EncodeTlsData<'_, D>, out: &mut Outgoing<'_>) -> Result<(), SideFault> {
    out.append(|room| match message.encode(room) {
        Ok(length) => Filled::Bytes(length),
        Err(EncodeError::InsufficientSize(size)) => Filled::Needs(size.required_size),
        Err(EncodeError::AlreadyEncoded) => Filled::Never("a message was to be sent twice"),
    })
}

fn encrypt<D>(
    traffic: &mut WriteTraffic<'_, D>,
    sealing: Sealing<'_>,
    room: &mut [u8],
) -> Result<usize, EncryptError> {
    match sealing {
        Sealing::Clear(bytes) => traffic.encrypt(bytes, room),
        Sealing::CloseNotify => traffic.queue_close_notify(room),
    }
}

fn filled(outcome: Result<usize, EncryptError>) -> Filled {
    match outcome {
        Ok(length) => Filled::Bytes(length),
        Err(EncryptError::InsufficientSize(size)) => Filled::Needs(size.required_size),
        Err(EncryptError::EncryptExhausted) => Filled::Never("the session's keys are worn out"),
    }
}

const FLIGHT_TOO_LARGE: &str = "more than 256 KiB in one flight";

/// Early data is never accepted and whole records never stay behind, so the states left over cannot occur.
fn unforeseen() -> SideFault {
    SideFault::Tls("the TLS library is in a state that was not foreseen".to_owned())
}
