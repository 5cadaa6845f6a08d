//! Says in words for an operator what OpenSSL found wrong: the same words as for rustls (`fault_words.rs`)
//! where it is the same fault.

use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::ssl::Error;
use openssl::x509::{X509, X509VerifyResult};
use postern_wire::tls_offer::Profile;
use rustls::CertificateError;
use rustls_pki_types::{ServerName, UnixTime};

use crate::fault_words::{OtherEnd, alert_fault, certificate_words, foreign_words};
use crate::shown::{ShownCertificate, dns_names};
use crate::side::SideFault;

/// A certificate that was not believed, and for whose name it was asked.
pub(crate) struct Doubt<'d> {
    pub(crate) certificate: &'d [u8],
    pub(crate) name: &'d ServerName<'static>,
    pub(crate) result: X509VerifyResult,
}

/// `opening`: the first bytes of the other end, during the handshake.
pub(crate) fn fault_of(
    error: &Error,
    other: OtherEnd,
    (opening, profile): (Option<&[u8]>, Profile),
    doubt: Option<Doubt<'_>>,
) -> SideFault {
    if let Some(doubt) = doubt {
        return SideFault::Untrusted {
            words: doubt_words(&doubt),
            shown: Box::new(ShownCertificate::of(doubt.certificate)),
        };
    }
    if opening.is_some_and(is_foreign) {
        return SideFault::Tls(foreign_words(other).to_owned());
    }
    let first = error.ssl_error().and_then(|stack| stack.errors().first());
    let Some(first) = first else {
        return match error.io_error() {
            Some(fault) => SideFault::Tls(fault.to_string()),
            None => SideFault::Tls(format!("TLS of the {}: {error}", other.word())),
        };
    };
    let reason = first.reason_code();
    if let Ok(alert) = u8::try_from(reason - ALERTS) {
        return alert_fault(alert.into(), other).seen_in(opening.unwrap_or_default());
    }
    let who = other.word();
    match reason {
        NO_APPLICATION_PROTOCOL if other == OtherEnd::Client => SideFault::WrongProtocol,
        UNSUPPORTED_PROTOCOL | WRONG_SSL_VERSION | VERSION_TOO_LOW | VERSION_TOO_HIGH => incompatible(
            &format!("the {who} speaks no version of TLS that the {} profile has", profile.name()),
            other,
        ),
        NO_SHARED_CIPHER | WRONG_CIPHER_RETURNED | UNKNOWN_CIPHER_RETURNED => incompatible(
            &format!("the {who} has no cipher suite in common with the {} profile", profile.name()),
            other,
        ),
        DECRYPTION_FAILED | BAD_MAC => {
            SideFault::Tls(format!("a record of the {who} could not be decrypted"))
        }
        _ => SideFault::Tls(format!("TLS of the {who}: {}", first.reason().unwrap_or("unknown fault"))),
    }
    .seen_in(opening.unwrap_or_default())
}

fn incompatible(words: &str, other: OtherEnd) -> SideFault {
    match other {
        OtherEnd::Server => SideFault::Incompatible { words: words.to_owned(), offer: None },
        OtherEnd::Client => SideFault::Tls(words.to_owned()),
    }
}

/// What does not begin as a record of TLS does: its type, and the version's first half.
fn is_foreign(opening: &[u8]) -> bool {
    match opening {
        [] => false,
        [kind] => !(20..=23).contains(kind),
        [kind, major, ..] => !(20..=23).contains(kind) || *major != 3,
    }
}

fn doubt_words(doubt: &Doubt<'_>) -> String {
    let parsed = X509::from_der(doubt.certificate);
    let now = UnixTime::now();
    let time_of = |time: Option<&openssl::asn1::Asn1TimeRef>| {
        let since = Asn1Time::from_unix(0).ok()?.diff(time?).ok()?;
        let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
    };
    let certificate = parsed.as_ref().ok();
    let fault = match doubt.result.as_raw() {
        EXPIRED => match time_of(certificate.map(|certificate| certificate.not_after())) {
            Some(not_after) => CertificateError::ExpiredContext { time: now, not_after },
            None => CertificateError::Expired,
        },
        NOT_YET_VALID => match time_of(certificate.map(|certificate| certificate.not_before())) {
            Some(not_before) => CertificateError::NotValidYetContext { time: now, not_before },
            None => CertificateError::NotValidYet,
        },
        NAME_MISMATCH | ADDRESS_MISMATCH => CertificateError::NotValidForNameContext {
            expected: doubt.name.clone(),
            presented: dns_names(doubt.certificate),
        },
        ISSUER_UNKNOWN | ISSUER_UNKNOWN_LOCALLY | SELF_SIGNED | SELF_SIGNED_IN_CHAIN | LEAF_UNVERIFIABLE => {
            CertificateError::UnknownIssuer
        }
        SIGNATURE_WRONG => CertificateError::BadSignature,
        PURPOSE_WRONG => CertificateError::InvalidPurpose,
        _ => {
            let words = doubt.result.error_string();
            return format!("the server's certificate is not acceptable: {words}");
        }
    };
    certificate_words(&fault)
}

/// sslerr.h: an alert's reason is its number behind this one.
const ALERTS: i32 = 1000;
const NO_APPLICATION_PROTOCOL: i32 = 235;
const UNSUPPORTED_PROTOCOL: i32 = 258;
const WRONG_SSL_VERSION: i32 = 266;
const VERSION_TOO_HIGH: i32 = 166;
const VERSION_TOO_LOW: i32 = 396;
const NO_SHARED_CIPHER: i32 = 193;
const WRONG_CIPHER_RETURNED: i32 = 261;
const UNKNOWN_CIPHER_RETURNED: i32 = 248;
const DECRYPTION_FAILED: i32 = 281;
const BAD_MAC: i32 = 147;

/// x509_vfy.h.
const ISSUER_UNKNOWN: i32 = 2;
const SIGNATURE_WRONG: i32 = 7;
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
const SELF_SIGNED: i32 = 18;
const SELF_SIGNED_IN_CHAIN: i32 = 19;
const ISSUER_UNKNOWN_LOCALLY: i32 = 20;
const LEAF_UNVERIFIABLE: i32 = 21;
const PURPOSE_WRONG: i32 = 26;
const NAME_MISMATCH: i32 = 62;
const ADDRESS_MISMATCH: i32 = 64;
