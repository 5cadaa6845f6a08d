//! The handoff: dials a server and plays a worker's script on it, until the server stands where the client
//! believes it stands. It does not touch the client, and does not decide what a refusal means (preamble.rs).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use postern_tls::{AnySide, Handshake, PlainSide, ReadOutcome, Side, SideFault, TlsFacts};
use postern_wire::customs::server_literals;
use postern_wire::proxy_header::write_own_header;
use postern_wire::script::Script;
use postern_wire::script_run::{LineVerdict, Move, ScriptRun};
use postern_wire::server_lines::{SERVER_LINE_BYTES_MAX, ServerFramed, ServerLines, clean_line};
use rustix::io::Errno;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::config::{Endpoint, EndpointTls};
use crate::end_reason::EndReason;
use crate::io_thread::Io;
use crate::look::TlsTrouble;
use crate::net::{Net, is_out_of_descriptors};
use crate::source_addresses::is_unusable_source;

/// A server that stands where the client believes it stands.
pub struct OpenServer {
    pub net: Net,
    pub side: AnySide,
    /// For the client, first of all: what the script kept, and what the server said beyond it.
    pub words: Vec<u8>,
}

pub enum Outcome {
    Open(OpenServer),
    /// The server judged the login. Its line is clean and short.
    Refused {
        step: u32,
        line: Vec<u8>,
    },
    Failed(Failure),
}

/// The server could not be brought there. `is_untouched`: no login was sent, so another server may be tried.
#[derive(Debug)]
pub struct Failure {
    pub reason: EndReason,
    pub detail: String,
    pub is_untouched: bool,
    /// Of a handshake that failed.
    pub tls: Option<TlsTrouble>,
}

/// Dials, sends the PROXY header if there is one, and plays. A handoff that is dropped closes its connection.
pub async fn open(io: &Io, endpoint: &Endpoint, header: &[u8], script: Script) -> Outcome {
    match connect(io, endpoint, Some(header)).await {
        Ok(talk) => talk.play(ScriptRun::new(script)).await,
        Err(failure) => Outcome::Failed(failure),
    }
}

/// What a probe brings home.
pub struct Asked {
    /// What went wrong, if anything.
    pub failure: Option<Failure>,
    /// The lines that the script kept until then.
    pub lines: Vec<String>,
    /// How the connection stood; `None` where there was none, or its first handshake failed.
    pub standing: Option<Standing>,
}

/// Facts of a connection to a server.
#[derive(Debug)]
pub struct Standing {
    pub local: Option<SocketAddr>,
    pub tls: Option<TlsFacts>,
    /// The server's own, as it came: DER.
    pub certificate: Option<Vec<u8>>,
}

/// Dials and plays, for a probe.
pub async fn ask(io: &Io, endpoint: &Endpoint, script: Script) -> Asked {
    let mut talk = match connect(io, endpoint, None).await {
        Ok(talk) => talk,
        Err(failure) => return Asked { failure: Some(failure), lines: Vec::new(), standing: None },
    };
    let mut run = ScriptRun::new(script);
    let failure = match talk.run_script(&mut run).await {
        Ok(None) => None,
        Ok(Some(line)) => {
            let detail = String::from_utf8_lossy(&line).into_owned();
            Some(Failure { reason: EndReason::ServerUnexpected, detail, is_untouched: false, tls: None })
        }
        Err(failure) => Some(failure),
    };
    let standing = Standing {
        local: talk.net.stream.local_addr().ok(),
        tls: talk.side.facts(),
        certificate: talk.side.peer_certificate(),
    };
    Asked { failure, lines: run.captured(), standing: Some(standing) }
}

/// A connection to a server in the middle of its script.
struct Talk<'a> {
    io: &'a Io,
    endpoint: &'a Endpoint,
    net: Net,
    side: AnySide,
    lines: ServerLines,
    /// What the server said and no step has looked at.
    received: Vec<u8>,
    greeted: bool,
}

/// `header`: what a client's session sends first; a connection of our own says that it is.
async fn connect<'a>(io: &'a Io, endpoint: &'a Endpoint, header: Option<&[u8]>) -> Result<Talk<'a>, Failure> {
    let limit = Duration::from_millis(io.engine.config.limits.connect_timeout_ms);
    let net = match timeout(limit, dial(io, endpoint)).await {
        Ok(Ok(net)) => net,
        Ok(Err(error)) => return Err(dial_failure(endpoint, &error)),
        Err(_) => {
            let detail = format!("{} took no connection within {} ms", endpoint.address, limit.as_millis());
            return Err(untouched(EndReason::ConnectTimeout, detail));
        }
    };
    let side = AnySide::from(PlainSide::new());
    let (lines, received) = (ServerLines::new(server_literals(endpoint.protocol)), Vec::new());
    let mut talk = Talk { io, endpoint, net, side, lines, received, greeted: false };
    match header {
        Some([]) => {}
        Some(header) => talk.send_within(limit, header).await?,
        None => talk.send_own_header(limit).await?,
    }
    if let EndpointTls::Implicit(_) = endpoint.tls {
        talk.start_tls().await?;
    }
    Ok(talk)
}

async fn dial(io: &Io, endpoint: &Endpoint) -> io::Result<Net> {
    if io.engine.reserve.is_short() {
        return Err(Errno::MFILE.into());
    }
    Ok(Net::new(io.engine.sources.dial(endpoint.address).await?))
}

fn dial_failure(endpoint: &Endpoint, error: &io::Error) -> Failure {
    // Without source addresses of our own it means that all ports towards the server are in use.
    if is_out_of_descriptors(error) || is_unusable_source(error) {
        // It says nothing of the server: a monitor that took it for an answer would end all its sessions.
        return untouched(
            EndReason::InternalError,
            format!("no socket to reach {}: {error}", endpoint.address),
        );
    }
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => EndReason::ConnectRefused,
        io::ErrorKind::TimedOut => EndReason::ConnectTimeout,
        _ => EndReason::ConnectFailed,
    };
    untouched(reason, format!("{}: {error}", endpoint.address))
}

impl Talk<'_> {
    async fn play(mut self, mut run: ScriptRun) -> Outcome {
        match self.run_script(&mut run).await {
            Ok(None) => {
                let mut words = run.last_words();
                words.append(&mut self.received);
                Outcome::Open(OpenServer { net: self.net, side: self.side, words })
            }
            Ok(Some(line)) => Outcome::Refused { step: run.step_index(), line },
            Err(failure) => Outcome::Failed(failure),
        }
    }

    /// Plays to the end. `Some`: the line with which the server refused.
    async fn run_script(&mut self, run: &mut ScriptRun) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            match run.next() {
                Move::Send(bytes) => {
                    let bytes = Zeroizing::new(bytes.to_vec());
                    let limit = Duration::from_millis(self.io.engine.config.limits.connect_timeout_ms);
                    self.send_within(limit, &bytes).await?;
                    run.sent();
                }
                Move::Await { timeout_ms } => {
                    let limit = Duration::from_millis(timeout_ms.into());
                    match timeout(limit, self.await_verdict(run)).await {
                        Ok(Ok(None)) => self.greeted = true,
                        Ok(refusal_or_failure) => return refusal_or_failure,
                        Err(_) => return Err(self.too_slow(timeout_ms)),
                    }
                }
                Move::StartTls => {
                    self.start_tls().await?;
                    run.tls_started();
                }
                Move::Pause { ms } => {
                    tokio::time::sleep(Duration::from_millis(ms.into())).await;
                    run.paused();
                }
                Move::Done => return Ok(None),
            }
        }
    }

    async fn await_verdict(&mut self, run: &mut ScriptRun) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            let line = self.read_line().await?;
            match run.on_line(&line) {
                LineVerdict::More => {}
                LineVerdict::Next => return Ok(None),
                LineVerdict::Refused => return Ok(Some(clean_line(&line, REFUSAL_BYTES_MAX))),
                LineVerdict::Failed(detail) => {
                    return Err(self.failure(EndReason::ServerUnexpected, detail));
                }
            }
        }
    }

    async fn read_line(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            match self.lines.next(&self.received) {
                ServerFramed::Line { text, length } => {
                    let mut line: Vec<u8> = self.received.drain(..length).collect();
                    line.truncate(text);
                    return Ok(line);
                }
                ServerFramed::Incomplete => self.receive().await?,
                ServerFramed::Fault(fault) => {
                    return Err(self.failure(EndReason::ServerUnexpected, fault.words().into()));
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        loop {
            let received = &mut self.received;
            let room = RECEIVED_BYTES_MAX;
            let outcome = self.io.with_read_scratch(|scratch| {
                self.side.read(&self.net, scratch, &mut |bytes| received.extend_from_slice(bytes))
            });
            match outcome {
                Ok(ReadOutcome::Bytes(_)) if self.received.len() > room => {
                    return Err(self.failure(EndReason::ServerUnexpected, "the server talks too much".into()));
                }
                Ok(ReadOutcome::Bytes(0)) => {}
                Ok(ReadOutcome::Bytes(_)) => return Ok(()),
                Ok(ReadOutcome::WouldBlock) => self.readable().await?,
                Ok(ReadOutcome::Closed | ReadOutcome::Truncated) => {
                    let detail = "the server closed the connection".into();
                    return Err(self.failure(EndReason::ServerLeft, detail));
                }
                Err(fault) => return Err(self.side_failure(&fault)),
            }
        }
    }

    async fn send_own_header(&mut self, limit: Duration) -> Result<(), Failure> {
        let (Some(version), Some(local)) = (self.endpoint.proxy, self.net.local()) else { return Ok(()) };
        self.send_within(limit, &write_own_header(version, local, self.endpoint.address)).await
    }

    async fn send_within(&mut self, limit: Duration, bytes: &[u8]) -> Result<(), Failure> {
        match timeout(limit, self.send(bytes)).await {
            Ok(sent) => sent,
            Err(_) => {
                let detail = "the server took none of what was sent".into();
                Err(self.failure(EndReason::LoginTimeout, detail))
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..)
            && !rest.is_empty()
        {
            let taken = self.io.with_write_scratch(|scratch| self.side.write(&self.net, scratch, rest));
            match taken {
                Ok(0) => self.writable().await?,
                Ok(count) => sent += count,
                Err(fault) => return Err(self.side_failure(&fault)),
            }
        }
        while !self.side.flush(&self.net).map_err(|fault| self.side_failure(&fault))? {
            self.writable().await?;
        }
        Ok(())
    }

    /// V02: what the server said before the handshake would be taken for its words inside TLS.
    async fn start_tls(&mut self) -> Result<(), Failure> {
        let (EndpointTls::Implicit(setup) | EndpointTls::StartTls(setup)) = &self.endpoint.tls else {
            return Err(self.failure(EndReason::ServerTlsFailed, "TLS is off for this server".into()));
        };
        if !self.received.is_empty() {
            let detail = "the server sent bytes between its STARTTLS answer and the handshake".into();
            return Err(self.failure(EndReason::ServerTlsFailed, detail));
        }
        let side = setup.side(&self.endpoint.tls_name);
        self.side = side.map_err(|fault| self.side_failure(&fault))?;
        self.lines.reset();
        // As long as a dial: a frozen server takes connections, and says nothing on them (F05).
        let limit = Duration::from_millis(self.io.engine.config.limits.connect_timeout_ms);
        match timeout(limit, self.handshake()).await {
            Ok(done) => done,
            Err(_) => {
                let detail = format!("no TLS handshake within {} ms", limit.as_millis());
                Err(self.failure(EndReason::ServerTlsFailed, detail))
            }
        }
    }

    async fn handshake(&mut self) -> Result<(), Failure> {
        loop {
            match self.io.with_read_scratch(|scratch| self.side.handshake(&self.net, scratch)) {
                Ok(Handshake::Done) => return Ok(()),
                Ok(Handshake::WantRead) => self.readable().await?,
                Ok(Handshake::WantWrite) => self.writable().await?,
                Err(fault) => return Err(self.tls_failure(fault)),
            }
        }
    }

    fn tls_failure(&self, fault: SideFault) -> Failure {
        let address = self.endpoint.address;
        let fault = match (fault, self.io.engine.looks.known(address, self.io.now_ms())) {
            (SideFault::Incompatible { words, offer: None }, Some(known)) => {
                SideFault::Incompatible { words, offer: known }
            }
            (fault, _) => fault,
        };
        let failure = self.failure(EndReason::ServerTlsFailed, fault.to_string());
        Failure { tls: TlsTrouble::of(fault), ..failure }
    }

    async fn readable(&self) -> Result<(), Failure> {
        self.net.stream.readable().await.map_err(|error| self.side_failure(&SideFault::Io(error)))
    }

    async fn writable(&self) -> Result<(), Failure> {
        self.net.stream.writable().await.map_err(|error| self.side_failure(&SideFault::Io(error)))
    }

    fn too_slow(&self, timeout_ms: u32) -> Failure {
        let (reason, what) = match self.greeted {
            true => (EndReason::LoginTimeout, "answer"),
            false => (EndReason::GreetingTimeout, "greeting"),
        };
        self.failure(reason, format!("no {what} from {} within {timeout_ms} ms", self.endpoint.address))
    }

    fn side_failure(&self, fault: &SideFault) -> Failure {
        let reason = match fault {
            SideFault::Io(_) => EndReason::ServerReset,
            _ => EndReason::ServerTlsFailed,
        };
        self.failure(reason, fault.to_string())
    }

    /// Until the greeting is there nothing of the login was sent.
    fn failure(&self, reason: EndReason, detail: String) -> Failure {
        Failure { reason, detail, is_untouched: !self.greeted, tls: None }
    }
}

fn untouched(reason: EndReason, detail: String) -> Failure {
    Failure { reason, detail, is_untouched: true, tls: None }
}

/// V37: one line to the client, no longer than this.
const REFUSAL_BYTES_MAX: usize = 512;
/// A line, and as much again that came behind it.
const RECEIVED_BYTES_MAX: usize = 64 * 1024 + SERVER_LINE_BYTES_MAX;
