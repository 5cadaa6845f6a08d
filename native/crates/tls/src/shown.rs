//! What a server showed of itself when it could not be believed: enough for an operator to recognise it, and
//! to pin it.
//!
//! A verifier of rustls can only say in rustls's own words what it disliked. What it looked at reaches the
//! session's fault by a cell of the thread, as the name of a hello does (`sni.rs`).

use std::cell::RefCell;
use std::fmt;

use rustls_pki_types::CertificateDer;

use crate::trust::Pin;

/// A server's certificate in the words that it is known by. Its own words are cleaned and cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The DNS names that it is for; where there are none, the common name of its subject.
    pub names: Vec<String>,
    /// The common name of who issued it, else the organisation; empty where it has neither.
    pub issuer: String,
}

impl ShownCertificate {
    /// Never fails: what cannot be read is left out.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        let mut shown =
            Self { sha256: Pin::of(certificate).to_string(), names: Vec::new(), issuer: String::new() };
        let der = CertificateDer::from_slice(certificate);
        if let Ok(parsed) = webpki::EndEntityCert::try_from(&der) {
            shown.names = parsed.valid_dns_names().take(NAMES_SHOWN_MAX).map(clean).collect();
            shown.issuer = name_in(parsed.issuer()).unwrap_or_default();
            if shown.names.is_empty() {
                shown.names.extend(name_in(parsed.subject()));
            }
        }
        shown
    }
}

/// `SHA-256 ab12..., for ex1.corp.example, issued by Corp CA`.
impl fmt::Display for ShownCertificate {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "SHA-256 {}", self.sha256)?;
        if !self.names.is_empty() {
            write!(to, ", for {}", self.names.join(", "))?;
        }
        match self.issuer.is_empty() {
            true => Ok(()),
            false => write!(to, ", issued by {}", self.issuer),
        }
    }
}

/// All DNS names of a certificate.
#[cfg(feature = "openssl")]
pub(crate) fn dns_names(certificate: &[u8]) -> Vec<String> {
    let der = CertificateDer::from_slice(certificate);
    let parsed = webpki::EndEntityCert::try_from(&der);
    parsed.map(|parsed| parsed.valid_dns_names().map(str::to_owned).collect()).unwrap_or_default()
}

thread_local! {
    static SHOWN: RefCell<Option<ShownCertificate>> = const { RefCell::new(None) };
}

/// Called by the verifier that refuses.
pub(crate) fn note(certificate: &[u8]) {
    SHOWN.set(Some(ShownCertificate::of(certificate)));
}

/// Called where that refusal is put in words. Leaves none for the next session.
pub(crate) fn take() -> Option<ShownCertificate> {
    SHOWN.take()
}

/// Of a Name (RFC 5280 section 4.1.2.4): the most specific common name, else the organisation.
fn name_in(name: &[u8]) -> Option<String> {
    let (mut common, mut organisation) = (None, None);
    let mut rest = name;
    for _ in 0..ATTRIBUTES_MAX {
        let Some((_, set, behind)) = element(rest) else { break };
        rest = behind;
        let Some((_, attribute, _)) = element(set) else { break };
        let Some((_, kind, value)) = element(attribute) else { break };
        let Some((encoding, text, _)) = element(value) else { break };
        match kind {
            COMMON_NAME => common = Some(text_of(encoding, text)),
            ORGANISATION => organisation = Some(text_of(encoding, text)),
            _ => {}
        }
    }
    common.or(organisation)
}

fn text_of(encoding: u8, text: &[u8]) -> String {
    if encoding != BMP_STRING {
        return clean(&String::from_utf8_lossy(text));
    }
    let units = text.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
    clean(&char::decode_utf16(units).map(|letter| letter.unwrap_or('?')).collect::<String>())
}

/// One element of DER: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], behind) = bytes.split_first_chunk::<2>()?;
    let (length, behind) = match length {
        0..=0x7f => (usize::from(length), behind),
        0x81 => behind.split_first().map(|(length, behind)| (usize::from(*length), behind))?,
        0x82 => behind
            .split_first_chunk::<2>()
            .map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest))?,
        _ => return None,
    };
    let (content, behind) = behind.split_at_checked(length)?;
    Some((tag, content, behind))
}

/// Text that the other end chose, for a log.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(NAME_LETTERS_MAX).collect()
}

/// Enough to recognise a certificate by.
pub(crate) const NAMES_SHOWN_MAX: usize = 8;
const NAME_LETTERS_MAX: usize = 253;
const ATTRIBUTES_MAX: usize = 16;
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];
const BMP_STRING: u8 = 0x1e;
