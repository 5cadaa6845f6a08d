//! The TLS that a comparison speaks: 1.3 or 1.2, X25519, AES-128-GCM with SHA-256, an ECDSA P-256 or RSA-2048
//! certificate; full handshakes, or only resumed ones.
//!
//! The client pins the certificate file's bytes and skips the signature: checking it would cost the
//! generator, and change nothing for the server that is measured. What was negotiated is checked on every
//! connection.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    CertificateError, CipherSuite, DigitallySignedStruct, Error, HandshakeKind, NamedGroup, ProtocolVersion,
    ServerConfig, SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::certificate::KeyKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Tls12,
    Tls13,
}

/// How a handshake went, or is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Full,
    Resumed,
}

/// What a client offers: one version, one certificate, and tickets or none.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub version: Version,
    pub key: KeyKind,
    /// Lanes with tickets of their own; 0: nothing is resumed.
    pub lanes: u32,
}

/// The client's side. Every lane has its own tickets: a shared store keeps only 8 a server's name, and
/// connections side by side would take each other's.
pub struct ClientTls {
    wanted: Wanted,
    lanes: Vec<TlsConnector>,
    name: ServerName<'static>,
}

impl ClientTls {
    /// Accepts only the certificate in `folder`.
    pub fn new(folder: &Path, wanted: Wanted) -> Result<Self, String> {
        let name = ServerName::try_from(wanted.key.name()).map_err(|error| error.to_string())?;
        let lanes = (0..wanted.lanes.max(1)).map(|_| connector(folder, wanted)).collect::<Result<_, _>>()?;
        Ok(Self { wanted, lanes, name })
    }

    pub async fn connect(
        &self,
        socket: TcpStream,
        lane: u32,
    ) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let place = lane as usize % self.lanes.len();
        let connector = self.lanes.get(place).ok_or(std::io::ErrorKind::InvalidInput)?;
        connector.connect(self.name.clone(), socket).await
    }

    /// Says what differs from the agreed parameters, if anything does.
    pub fn check(&self, connection: &ClientConnection, wanted: Kind) -> Result<(), String> {
        let version = connection.protocol_version();
        let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
        let group = connection.negotiated_key_exchange_group().map(|group| group.name());
        let kind = connection.handshake_kind();
        let (agreed_version, agreed_suite) = match (self.wanted.version, self.wanted.key) {
            (Version::Tls13, _) => (ProtocolVersion::TLSv1_3, CipherSuite::TLS13_AES_128_GCM_SHA256),
            (Version::Tls12, KeyKind::P256) => {
                (ProtocolVersion::TLSv1_2, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
            }
            (Version::Tls12, KeyKind::Rsa) => {
                (ProtocolVersion::TLSv1_2, CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
            }
        };
        let is_group_agreed = match (self.wanted.version, wanted) {
            // A resumed session of TLS 1.2 exchanges no key.
            (Version::Tls12, Kind::Resumed) => group.is_none(),
            _ => group == Some(NamedGroup::X25519),
        };
        let agreed_kind = match wanted {
            Kind::Full => HandshakeKind::Full,
            Kind::Resumed => HandshakeKind::Resumed,
        };
        let agreed = version == Some(agreed_version)
            && suite == Some(agreed_suite)
            && is_group_agreed
            && kind == Some(agreed_kind);
        if agreed { Ok(()) } else { Err(format!("negotiated {version:?}, {suite:?}, {group:?}, {kind:?}")) }
    }
}

fn connector(folder: &Path, wanted: Wanted) -> Result<TlsConnector, String> {
    let verifier = Pinned { certificate: certificate(folder, wanted.key)? };
    let versions = match wanted.version {
        Version::Tls12 => &[&rustls::version::TLS12],
        Version::Tls13 => &[&rustls::version::TLS13],
    };
    let mut config = ClientConfig::builder_with_provider(provider(wanted.version))
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption =
        if wanted.lanes > 0 { Resumption::in_memory_sessions(TICKETS) } else { Resumption::disabled() };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A server with the certificate and key in `folder`, both versions, and tickets that it keeps no state for,
/// as the gateways do.
pub fn acceptor(folder: &Path, kind: KeyKind) -> Result<TlsAcceptor, String> {
    let path = folder.join(kind.file("key.pem"));
    let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let chain = vec![certificate(folder, kind)?];
    // The widest provider: the client chooses.
    let mut config = ServerConfig::builder_with_provider(provider(Version::Tls12))
        .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| error.to_string())?;
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| error.to_string())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificate(folder: &Path, key: KeyKind) -> Result<CertificateDer<'static>, String> {
    let path = folder.join(key.file("cert.pem"));
    CertificateDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// In TLS 1.2 an ECDSA certificate needs its curve among the client's groups, though the keys are exchanged
/// on the first one.
fn provider(version: Version) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![
        aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];
    provider.kx_groups = match version {
        Version::Tls12 => vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP256R1],
        Version::Tls13 => vec![aws_lc_rs::kx_group::X25519],
    };
    Arc::new(provider)
}

#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if leaf.as_ref() == self.certificate.as_ref() {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]
    }
}

/// A server sends a few with each connection; the newest is used first.
const TICKETS: usize = 4;
