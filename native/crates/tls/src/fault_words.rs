//! Says in words for an operator what rustls found wrong, and whose doing it was. No secrets are in its
//! errors; text that the other end chose (names in a certificate) is bounded and cleaned here.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};
use rustls_pki_types::{ServerName, UnixTime};

use crate::shown::{self, NAMES_SHOWN_MAX, clean};
use crate::side::SideFault;

/// Who is at the other end of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherEnd {
    Client,
    Server,
}

/// `has_hello`: whether a hello has been understood, so that what came was TLS at least at first.
pub(crate) fn fault_of(error: &Error, other: OtherEnd, has_hello: bool) -> SideFault {
    let words = match error {
        Error::NoApplicationProtocol if other == OtherEnd::Client => return SideFault::WrongProtocol,
        Error::InvalidMessage(fault) if !has_hello && is_foreign(*fault) => foreign_words(other).to_owned(),
        Error::AlertReceived(alert) => return alert_fault(*alert, other),
        Error::InvalidCertificate(fault) => {
            let words = certificate_words(fault);
            return match shown::take() {
                Some(shown) => SideFault::Untrusted { words, shown: Box::new(shown) },
                None => SideFault::Tls(words),
            };
        }
        Error::PeerIncompatible(fault) if other == OtherEnd::Server => {
            return SideFault::Incompatible { words: incompatible_words(fault, other), offer: None };
        }
        Error::PeerIncompatible(fault) => incompatible_words(fault, other),
        Error::DecryptError => format!("a record of the {} could not be decrypted", other.word()),
        _ => format!("TLS of the {}: {error}", other.word()),
    };
    SideFault::Tls(words)
}

/// For what does not begin as TLS does.
pub(crate) fn foreign_words(other: OtherEnd) -> &'static str {
    match other {
        OtherEnd::Client => "the client did not speak TLS",
        OtherEnd::Server => "the server did not answer with TLS",
    }
}

/// A server that finds nothing in common with our hello says so by one of these.
pub(crate) fn alert_fault(alert: AlertDescription, other: OtherEnd) -> SideFault {
    let words = alert_words(alert, other);
    let is_of_hello = matches!(
        alert,
        AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity
    );
    match other {
        OtherEnd::Server if is_of_hello => SideFault::Incompatible { words, offer: None },
        OtherEnd::Server | OtherEnd::Client => SideFault::Tls(words),
    }
}

impl OtherEnd {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// What clear text looks like to a TLS reader at its first five bytes.
fn is_foreign(fault: InvalidMessage) -> bool {
    matches!(
        fault,
        InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload
    )
}

fn alert_words(alert: AlertDescription, other: OtherEnd) -> String {
    let who = other.word();
    match alert {
        AlertDescription::UnknownCA => {
            format!("the {who} does not trust the issuer of our certificate (alert unknown_ca)")
        }
        AlertDescription::BadCertificate => {
            format!("the {who} does not accept our certificate (alert bad_certificate)")
        }
        AlertDescription::CertificateUnknown => {
            format!("the {who} does not accept our certificate (alert certificate_unknown)")
        }
        AlertDescription::CertificateExpired => {
            format!("the {who} says that our certificate has expired (alert certificate_expired)")
        }
        AlertDescription::CertificateRequired => {
            format!("the {who} wants a certificate from us (alert certificate_required)")
        }
        AlertDescription::ProtocolVersion => {
            format!("the {who} speaks neither TLS 1.2 nor TLS 1.3 (alert protocol_version)")
        }
        AlertDescription::HandshakeFailure => {
            format!("the {who} found no cipher suite or key exchange in common (alert handshake_failure)")
        }
        AlertDescription::UnrecognisedName => {
            format!("the {who} does not know the name that was asked for (alert unrecognized_name)")
        }
        _ => format!("the {who} ended the handshake or session with alert {alert:?}"),
    }
}

pub(crate) fn certificate_words(fault: &CertificateError) -> String {
    match fault {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("the server's certificate expired {} ago", span(*not_after, *time))
        }
        CertificateError::Expired => "the server's certificate has expired".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("the server's certificate becomes valid only in {}", span(*time, *not_before))
        }
        CertificateError::NotValidYet => "the server's certificate is not valid yet".to_owned(),
        CertificateError::UnknownIssuer => {
            "the server's certificate was issued by nobody among the configured authorities".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => name_words(expected, presented),
        CertificateError::NotValidForName => "the server's certificate is for another name".to_owned(),
        CertificateError::BadSignature => {
            "the signature on the server's certificate or handshake is wrong (an \
             authority of the same name with another key?)"
                .to_owned()
        }
        CertificateError::BadEncoding => "the server's certificate cannot be read".to_owned(),
        CertificateError::ApplicationVerificationFailure => UNPINNED.to_owned(),
        CertificateError::Revoked => "the server's certificate has been revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not meant for servers (extended key usage)".to_owned()
        }
        _ => format!("the server's certificate is not acceptable: {fault}"),
    }
}

fn name_words(expected: &ServerName<'_>, presented: &[String]) -> String {
    let expected = expected.to_str();
    if presented.is_empty() {
        return format!("the server's certificate holds no name at all, {expected} was expected");
    }
    let names: Vec<String> = presented.iter().take(NAMES_SHOWN_MAX).map(|name| shown_name(name)).collect();
    let more = match presented.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("the server's certificate is for {}{more}, not for {expected}", names.join(", "))
}

/// rustls gives a name as `DnsName("a.example")`.
fn shown_name(presented: &str) -> String {
    clean(presented.split('"').nth(1).unwrap_or(presented))
}

fn incompatible_words(fault: &PeerIncompatible, other: OtherEnd) -> String {
    let who = other.word();
    match fault {
        PeerIncompatible::NoCipherSuitesInCommon => {
            format!("the {who} has no cipher suite in common with the modern profile")
        }
        PeerIncompatible::NoKxGroupsInCommon => {
            format!("the {who} has none of the key exchange groups X25519, P-256 and P-384")
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            format!("the {who} accepts no signature that our certificates can make")
        }
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            format!("the {who} speaks neither TLS 1.2 nor TLS 1.3")
        }
        _ => format!("the {who}'s TLS does not fit the modern profile: {fault:?}"),
    }
}

/// A length of time in the largest unit that is not 0.
fn span(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    let (count, unit) = match seconds {
        ..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

pub(crate) const UNPINNED: &str = "the server's certificate is none of those pinned";
