//! A peer that speaks one version and one suite: OpenSSL's own stream over bytes in memory.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use postern_tls::{Handshake, Side, SideFault};

use super::authority::Pair;
use super::wire::{NAME, Ours, Wire};

pub struct OldPeer {
    stream: SslStream<Pipe>,
    is_server: bool,
    has_failed: bool,
    pub got: Vec<u8>,
    heard: Vec<u8>,
}

#[derive(Default)]
struct Pipe {
    inward: VecDeque<u8>,
    outward: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.inward.read(into)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            length => Ok(length),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.outward.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OldPeer {
    pub fn server(pair: &Pair, version: u16, suite: &str) -> Self {
        let mut builder = builder_of(SslMethod::tls_server(), version, suite);
        builder.set_certificate(&X509::from_pem(pair.certificate_pem.as_bytes()).unwrap()).unwrap();
        builder.set_private_key(&PKey::private_key_from_pem(pair.key_pem.as_bytes()).unwrap()).unwrap();
        Self::over(Ssl::new(&builder.build()).unwrap(), true)
    }

    pub fn client(version: u16, suite: &str) -> Self {
        let mut ssl = Ssl::new(&builder_of(SslMethod::tls_client(), version, suite).build()).unwrap();
        ssl.set_hostname(NAME).unwrap();
        Self::over(ssl, false)
    }

    fn over(ssl: Ssl, is_server: bool) -> Self {
        let stream = SslStream::new(ssl, Pipe::default()).unwrap();
        Self { stream, is_server, has_failed: false, got: Vec::new(), heard: Vec::new() }
    }

    pub fn is_shaken(&self) -> bool {
        self.stream.ssl().is_init_finished()
    }

    pub fn say(&mut self, wire: &Wire, clear: &[u8]) {
        self.stream.ssl_write(clear).unwrap();
        wire.feed(&std::mem::take(&mut self.stream.get_mut().outward));
    }

    /// Takes in what our side wrote.
    pub fn take(&mut self, wire: &Wire) {
        let bytes = wire.drain();
        self.heard.extend(&bytes);
        self.stream.get_mut().inward.extend(bytes);
        if !self.is_shaken() && !self.has_failed {
            let shaken = if self.is_server { self.stream.accept() } else { self.stream.connect() };
            self.has_failed = shaken.is_err_and(|fault| fault.code() != openssl::ssl::ErrorCode::WANT_READ);
        }
        if self.is_shaken() {
            let mut clear = [0; 16 * 1024];
            while let Ok(length) = self.stream.ssl_read(&mut clear) {
                self.got.extend(&clear[..length]);
            }
        }
        wire.feed(&std::mem::take(&mut self.stream.get_mut().outward));
    }

    pub fn has_only_heard_a_hello(&self) -> bool {
        let length = 5 + usize::from(self.heard[3]) * 256 + usize::from(self.heard[4]);
        self.heard[0] == 22 && self.heard[5] == 1 && self.heard.len() == length
    }
}

fn builder_of(method: SslMethod, version: u16, suite: &str) -> SslContextBuilder {
    let version = match version {
        0x0301 => SslVersion::TLS1,
        0x0302 => SslVersion::TLS1_1,
        _ => SslVersion::TLS1_2,
    };
    let mut builder = SslContext::builder(method).unwrap();
    builder.set_security_level(0);
    builder.set_min_proto_version(Some(version)).unwrap();
    builder.set_max_proto_version(Some(version)).unwrap();
    builder.set_cipher_list(suite).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder
}

/// Drives both to the end of the handshake, or to a fault of ours.
pub fn finish(ours: &mut Ours, peer: &mut OldPeer) -> Result<(), SideFault> {
    for _ in 0..100_000 {
        let outcome = ours.handshake();
        let _ = ours.side.flush(&ours.wire);
        peer.take(&ours.wire);
        if outcome? == Handshake::Done && (peer.is_shaken() || peer.has_failed) {
            return Ok(());
        }
    }
    panic!("the handshake does not end");
}
