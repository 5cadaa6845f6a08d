//! Makes the certificate that every server of a comparison shows: a self-signed P-256 leaf for localhost,
//! valid for as long as rcgen's default. Nothing trusts it: the client pins the file's exact bytes.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes `cert.pem`, `key.pem`, and `both.pem` (certificate, then key: the shape HAProxy reads) into
/// `folder`.
pub fn make(folder: &Path) -> Result<(), String> {
    let failed = |error: rcgen::Error| format!("no certificate: {error}");
    // rcgen's default key is ECDSA on P-256 with SHA-256, which is what the comparison wants.
    let key = rcgen::KeyPair::generate().map_err(failed)?;
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate =
        rcgen::CertificateParams::new(names).and_then(|params| params.self_signed(&key)).map_err(failed)?;
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    write(&folder.join("cert.pem"), &certificate)?;
    write(&folder.join("key.pem"), &key)?;
    write(&folder.join("both.pem"), &format!("{certificate}{key}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("{}: {error}", path.display()))
}
