//! The one TLS that a comparison speaks: TLS 1.3, X25519, AES-128-GCM with SHA-256, full handshakes only.
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
    CertificateError, CipherSuite, DigitallySignedStruct, Error, HandshakeKind, NamedGroup, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What the checked handshakes were, in the words of the result line.
pub const NEGOTIATED: &str = "TLS 1.3, X25519, TLS_AES_128_GCM_SHA256, full";

/// A client that accepts only the certificate in `folder/cert.pem`.
pub fn connector(folder: &Path) -> Result<TlsConnector, String> {
    let verifier = Pinned { certificate: certificate(folder)? };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A server with the certificate and key in `folder`; the tickets are as rustls sends them by itself.
pub fn acceptor(folder: &Path) -> Result<TlsAcceptor, String> {
    let path = folder.join("key.pem");
    let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let chain = vec![certificate(folder)?];
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| error.to_string())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Says what differs from the agreed parameters, if anything does.
pub fn check(connection: &ClientConnection) -> Result<(), String> {
    let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
    let group = connection.negotiated_key_exchange_group().map(|group| group.name());
    let kind = connection.handshake_kind();
    let agreed = suite == Some(CipherSuite::TLS13_AES_128_GCM_SHA256)
        && group == Some(NamedGroup::X25519)
        && kind == Some(HandshakeKind::Full);
    if agreed { Ok(()) } else { Err(format!("negotiated {suite:?}, {group:?}, {kind:?}")) }
}

/// The name sent as SNI.
pub fn server_name() -> ServerName<'static> {
    // A constant that is a valid name; the address stands in only because this cannot be said in the type.
    ServerName::try_from("localhost").unwrap_or(ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()))
}

fn certificate(folder: &Path) -> Result<CertificateDer<'static>, String> {
    let path = folder.join("cert.pem");
    CertificateDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
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
        Err(Error::General("TLS 1.2 is not offered".to_owned()))
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
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
