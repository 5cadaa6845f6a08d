//! Judges a server's certificate for rustls by what is trusted, and notes what was shown where it refuses.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::shown;
use crate::trust::Pin;

/// One a client setup.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) rule: Rule,
    pub(crate) provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
pub(crate) enum Rule {
    Authorities(Arc<WebPkiServerVerifier>),
    Pins(Box<[Pin]>),
    Anyone,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = match &self.rule {
            Rule::Authorities(inner) => {
                inner.verify_server_cert(certificate, intermediates, name, ocsp_response, now)
            }
            Rule::Pins(pins) if pins.contains(&Pin::of(certificate)) => Ok(ServerCertVerified::assertion()),
            Rule::Pins(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Rule::Anyone => Ok(ServerCertVerified::assertion()),
        };
        if verdict.is_err() {
            shown::note(certificate);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
