//! What a side over OpenSSL knows until its handshake is done: what the other end said first, whom we
//! believe, and the certificate that was not believed.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use openssl::error::ErrorStack;
use openssl::ssl::{Error, SslRef, SslVerifyMode};
use openssl::x509::verify::X509CheckFlags;
use postern_wire::tls_offer::Profile;
use rustls_pki_types::ServerName;

use crate::fault_words::{OtherEnd, UNPINNED};
use crate::limits::{ANSWER_BYTES_MAX, STRANGER_BYTES_MAX};
use crate::openssl_words::{Doubt, fault_of};
use crate::shown::ShownCertificate;
use crate::side::SideFault;
use crate::trust::Pin;

/// A certificate that was not believed, put there by OpenSSL's verification.
pub(crate) type Doubted = Arc<OnceLock<Box<[u8]>>>;

pub(crate) struct Handshaking {
    /// The first bytes of the other end, for words about it.
    opening: Vec<u8>,
    /// All that the other end has sent so far.
    read_bytes: usize,
    pub(crate) pins: Option<Box<[Pin]>>,
    pub(crate) doubted: Doubted,
    pub(crate) name: Option<ServerName<'static>>,
    profile: Profile,
}

impl Handshaking {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { opening: Vec::new(), read_bytes: 0, pins: None, doubted: Arc::default(), name: None, profile }
    }

    /// Called with all that comes of the other end.
    pub(crate) fn note(&mut self, bytes: &[u8]) {
        self.read_bytes += bytes.len();
        let room = ANSWER_BYTES_MAX.saturating_sub(self.opening.len());
        self.opening.extend(bytes.iter().take(room));
    }

    /// OpenSSL would take a hello of 128 KiB from anyone; no client's whole part in a handshake is larger
    /// than a record.
    pub(crate) fn check_stranger(&self, other: OtherEnd) -> Result<(), SideFault> {
        match other == OtherEnd::Client && self.read_bytes > STRANGER_BYTES_MAX {
            true => Err(SideFault::Tls("the client's handshake message is too large".to_owned())),
            false => Ok(()),
        }
    }

    /// Pins are compared here, before a byte is given or taken: the handshake has proven that the server
    /// holds the certificate's key.
    pub(crate) fn judge(&self, ssl: &SslRef) -> Result<(), SideFault> {
        let Some(pins) = &self.pins else { return Ok(()) };
        let shown = certificate_of(ssl).unwrap_or_default();
        match pins.contains(&Pin::of(&shown)) {
            true => Ok(()),
            false => Err(SideFault::Untrusted {
                words: UNPINNED.to_owned(),
                shown: Box::new(ShownCertificate::of(&shown)),
            }),
        }
    }

    pub(crate) fn fault(&self, fault: &Error, other: OtherEnd, ssl: &SslRef) -> SideFault {
        let doubt = self.doubted.get().zip(self.name.as_ref());
        let result = ssl.verify_result();
        let doubt = doubt.map(|(certificate, name)| Doubt { certificate, name, result });
        fault_of(fault, other, (Some(&self.opening), self.profile), doubt)
    }
}

/// The certificate of the other end, DER.
pub(crate) fn certificate_of(ssl: &SslRef) -> Option<Vec<u8>> {
    ssl.peer_certificate()?.to_der().ok()
}

/// The certificate must hold the name, as the modern profile wants it: among its alternative names.
pub(crate) fn demand(ssl: &mut SslRef, name: &ServerName<'_>, doubted: Doubted) -> Result<(), ErrorStack> {
    let wanted = ssl.param_mut();
    wanted.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT);
    match name {
        ServerName::DnsName(name) => wanted.set_host(name.as_ref())?,
        ServerName::IpAddress(address) => wanted.set_ip(IpAddr::from(*address))?,
        _ => {}
    }
    ssl.set_verify_callback(SslVerifyMode::PEER, move |is_good, found| {
        let leaf = found.chain().and_then(|chain| chain.get(0));
        if !is_good && let Some(Ok(leaf)) = leaf.map(|leaf| leaf.to_der()) {
            let _ = doubted.set(leaf.into());
        }
        is_good
    });
    Ok(())
}
