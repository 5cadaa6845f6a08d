//! The bounds of this crate, each with its reason.

/// Read at once by an IO thread. Below 32 KiB each byte costs measurably more. All of it, and a record begun,
/// stays with a session whose reader takes nothing any more, and that is to be 64 KiB at most (F11).
pub(crate) const INPUT_BYTES: usize = 48 * 1024;

/// Clear bytes sealed at once: four full records, so at most this waits as ciphertext for a slow reader.
pub(crate) const CLEAR_BYTES_MAX: usize = 64 * 1024;

/// Clear bytes in one record (RFC 8446 section 5.1).
pub(crate) const RECORD_CLEAR_BYTES_MAX: usize = 16 * 1024;

/// Header 5, explicit nonce 8 (TLS 1.2), tag 16, content type 1 (TLS 1.3), rounded up.
const RECORD_OVERHEAD_BYTES: usize = 32;

/// Room for a key update or an alert ahead of the clear bytes' own records.
const PROTOCOL_BYTES: usize = 256;

/// One scratch of ciphertext: what `CLEAR_BYTES_MAX` becomes at most.
pub(crate) const OUTPUT_BYTES: usize =
    CLEAR_BYTES_MAX + (CLEAR_BYTES_MAX / RECORD_CLEAR_BYTES_MAX) * RECORD_OVERHEAD_BYTES + PROTOCOL_BYTES;

/// What one pass may produce. A handshake flight is a certificate chain (at most 64 KiB, and real ones
/// less than 10) and little more; beyond this something loops.
pub(crate) const FLIGHT_BYTES_MAX: usize = 256 * 1024;

/// Bytes kept of an unfinished record or message before a client has finished its handshake: one record at
/// its largest (RFC 5246 section 6.2.3). No client's flight is larger, and strangers get no more memory.
pub(crate) const STRANGER_BYTES_MAX: usize = 5 + RECORD_CLEAR_BYTES_MAX + 2048;

/// Kept of a server's first words: its hello up to the suite, though each byte come in a record of its own.
pub(crate) const ANSWER_BYTES_MAX: usize = 2048;

/// Sessions that a listener of an old profile remembers, about a kilobyte each. OpenSSL keeps them for two
/// hours, or until others take their places.
#[cfg(feature = "openssl")]
pub(crate) const RESUMABLE_SESSIONS_MAX: i32 = 4096;

/// Certificates of one frontend, and names of one certificate: far more than any mail domain has, few enough
/// that a mistake in a settings file cannot fill the memory.
pub(crate) const CERTIFICATES_MAX: usize = 256;
pub(crate) const NAMES_MAX: usize = 1024;

/// Certificates in one chain or roots file: system-wide root files hold about 150.
pub(crate) const CHAIN_MAX: usize = 16;
pub(crate) const ROOTS_MAX: usize = 2048;

/// Server names whose sessions a client setup remembers; rustls keeps 8 tickets for each.
pub(crate) const RESUMABLE_NAMES_MAX: usize = 32;

const _: () = assert!(STRANGER_BYTES_MAX < INPUT_BYTES && OUTPUT_BYTES < FLIGHT_BYTES_MAX);
