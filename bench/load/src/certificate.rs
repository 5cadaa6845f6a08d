//! Makes the certificates that every server of a comparison shows: self-signed leaves for localhost (P-256)
//! and rsa.localhost (RSA, 2048 bits), valid for as long as rcgen's default. Nothing trusts them: the client
//! pins a file's exact bytes.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Which of the two certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    P256,
    Rsa,
}

impl KeyKind {
    /// What the client asks for as SNI: a server with both chooses by it.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "localhost",
            Self::Rsa => "rsa.localhost",
        }
    }

    pub fn file(self, name: &str) -> String {
        match self {
            Self::P256 => name.to_owned(),
            Self::Rsa => format!("rsa-{name}"),
        }
    }
}

/// Writes `cert.pem`, `key.pem`, and `both.pem` (certificate, then key: the shape HAProxy reads) into
/// `folder`, and the same with `rsa-` before the name.
pub fn make(folder: &Path) -> Result<(), String> {
    let failed = |error: rcgen::Error| format!("no certificate: {error}");
    // rcgen's default key is ECDSA on P-256 with SHA-256, which is what the comparison wants.
    let p256 = rcgen::KeyPair::generate().map_err(failed)?;
    let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    for (kind, key) in [(KeyKind::P256, p256), (KeyKind::Rsa, rsa.map_err(failed)?)] {
        let names = vec![kind.name().to_owned(), "127.0.0.1".to_owned()];
        let certificate = rcgen::CertificateParams::new(names)
            .and_then(|params| params.self_signed(&key))
            .map_err(failed)?;
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        write(&folder.join(kind.file("cert.pem")), &certificate)?;
        write(&folder.join(kind.file("key.pem")), &key)?;
        write(&folder.join(kind.file("both.pem")), &format!("{certificate}{key}"))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("{}: {error}", path.display()))
}
