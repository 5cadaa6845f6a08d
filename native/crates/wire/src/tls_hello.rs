//! Asks a server what TLS it offers, and understands the first words of its answer, without a TLS library:
//! one that refuses old servers can't say what they speak. Nothing is agreed on: after the answer the
//! connection is closed.

use crate::tls_offer::{Offer, SUITES, TLS12, TLS13};

/// What the first bytes of a server amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Not enough yet.
    Incomplete,
    /// A ServerHello: this is what it chose.
    Offer(Offer),
    /// An alert, by its number.
    Alert(u8),
    /// No TLS.
    Foreign,
}

/// The hello of the most lenient client that there could be, up to TLS 1.2: what a server chooses of it is
/// the best that it has. `random` may be any bytes, `name` the one to send as SNI, if it is a DNS name.
#[must_use]
pub fn asking_hello(random: &[u8; 32], name: Option<&str>) -> Vec<u8> {
    let mut body = TLS12.to_be_bytes().to_vec();
    body.extend_from_slice(random);
    body.push(0); // No session to take up again.
    let old = SUITES.iter().map(|suite| suite.number).filter(|number| number >> 8 != 0x13);
    let suites: Vec<u8> = old.flat_map(u16::to_be_bytes).collect();
    body.extend(counted16(&suites));
    body.extend([1, 0]); // No compression.
    body.extend(counted16(&extensions(name)));
    let mut message = vec![CLIENT_HELLO, 0];
    message.extend(counted16(&body));
    // RFC 5246 appendix E.1: old servers want TLS 1.0 in the record's own version.
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend(counted16(&message));
    record
}

/// Reads an answer to a hello, from its first byte.
#[must_use]
pub fn read_answer(bytes: &[u8]) -> Answer {
    let mut rest = bytes;
    let mut message = Vec::with_capacity(HELLO_BYTES_MAX);
    loop {
        let Some((&kind, behind)) = rest.split_first() else { return Answer::Incomplete };
        if !matches!(kind, ALERT | HANDSHAKE) || behind.first().is_some_and(|major| *major != 3) {
            return Answer::Foreign;
        }
        let Some((&[_, _, high, low], behind)) = behind.split_first_chunk::<4>() else {
            return Answer::Incomplete;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let payload = behind.get(..length).unwrap_or(behind);
        if kind == ALERT {
            return payload.get(1).map_or(Answer::Incomplete, |alert| Answer::Alert(*alert));
        }
        message.extend(payload.iter().take(HELLO_BYTES_MAX - message.len()));
        if let Some(answer) = read_hello(&message) {
            return answer;
        }
        // An empty handshake record is none (RFC 5246 section 6.2.1): it must not keep us reading.
        if length == 0 || message.len() == HELLO_BYTES_MAX {
            return Answer::Foreign;
        }
        rest = behind.get(length..).unwrap_or_default();
    }
}

/// `None`: not whole yet. RFC 5246 section 7.4.1.3: version, random, session id, suite.
fn read_hello(message: &[u8]) -> Option<Answer> {
    if *message.first()? != SERVER_HELLO {
        return Some(Answer::Foreign);
    }
    let (version, behind) = message.get(4..)?.split_first_chunk::<2>()?;
    let session = usize::from(*behind.get(RANDOM_BYTES)?);
    let suite = behind.get(RANDOM_BYTES + 1 + session..)?.first_chunk::<2>()?;
    let (version, suite) = (u16::from_be_bytes(*version), u16::from_be_bytes(*suite));
    // RFC 8446 section 4.1.3: TLS 1.3 says in an extension what it is; its suites are its own.
    let is_tls13 = version == TLS12 && suite >> 8 == 0x13;
    Some(Answer::Offer(Offer { version: if is_tls13 { TLS13 } else { version }, suite }))
}

fn extensions(name: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some(name) = name {
        let entry = [&[0][..], &counted16(name.as_bytes())].concat();
        all.extend(extension(0, &counted16(&entry)));
    }
    // X25519, P-256, P-384, P-521; uncompressed points.
    all.extend(extension(10, &counted16(&[0, 0x1d, 0, 0x17, 0, 0x18, 0, 0x19])));
    all.extend(extension(11, &[1, 0]));
    // ECDSA, RSA-PSS and RSA with SHA-2, then RSA and ECDSA with SHA-1.
    let schemes = [4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1, 2, 1, 2, 3];
    all.extend(extension(13, &counted16(&schemes)));
    // RFC 5746 section 3.4: this is no renegotiation.
    all.extend(extension(0xff01, &[0]));
    all
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &counted16(content)].concat()
}

/// All of ours are far below 64 KiB: the longest name has 255 bytes (RFC 1035 section 2.3.4).
fn counted16(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.get(..usize::from(u16::MAX)).unwrap_or(bytes);
    let count = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&count.to_be_bytes()[..], bytes].concat()
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const RANDOM_BYTES: usize = 32;
/// Up to the suite: header 4, version 2, random 32, session id 1 and 32 at most, suite 2.
const HELLO_BYTES_MAX: usize = 4 + 2 + RANDOM_BYTES + 1 + 255 + 2;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn server_hello(version: [u8; 2], session: usize, suite: [u8; 2]) -> Vec<u8> {
        let body = [&version[..], &[7; 32], &[session as u8], &vec![5; session], &suite, &[0]].concat();
        [&[2, 0, 0, body.len() as u8][..], &body].concat()
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        message
            .chunks(size)
            .flat_map(|piece| [&[22, 3, 1, 0, piece.len() as u8][..], piece].concat())
            .collect()
    }

    #[test]
    fn what_a_server_chose_is_read_however_its_hello_is_cut() {
        for (version, suite, told) in [
            ([3, 1], [0, 0x2f], (0x0301, 0x002f)),
            ([3, 3], [0xc0, 0x27], (0x0303, 0xc027)),
            ([3, 3], [0x13, 1], (0x0304, 0x1301)),
        ] {
            for session in [0, 32] {
                for size in [1, 3, 200] {
                    let bytes = records(&server_hello(version, session, suite), size);
                    let offer = Offer { version: told.0, suite: told.1 };
                    assert_eq!(read_answer(&bytes), Answer::Offer(offer));
                    let until =
                        (0..bytes.len()).take_while(|at| read_answer(&bytes[..*at]) == Answer::Incomplete);
                    assert!(until.count() > 40);
                }
            }
        }
    }

    #[test]
    fn alerts_and_what_is_no_tls_are_told_apart() {
        assert_eq!(read_answer(&[21, 3, 1, 0, 2, 2, 70]), Answer::Alert(70));
        assert_eq!(read_answer(&[21, 3, 1, 0, 2, 2]), Answer::Incomplete);
        for foreign in [
            &b"* OK IMAP4"[..],
            b"220 hello",
            b"HTTP/1.1 400",
            &[22, 2],
            &[22, 3, 3, 0, 0],
            &[22, 3, 3, 0, 1, 1],
        ] {
            assert_eq!(read_answer(foreign), Answer::Foreign, "{foreign:?}");
        }
    }

    #[test]
    fn the_hello_counts_itself_and_names_the_server() {
        let hello = asking_hello(&[9; 32], Some("ex1.corp.example"));
        assert_eq!(hello[..3], [22, 3, 1]);
        assert_eq!(usize::from(hello[3]) * 256 + usize::from(hello[4]), hello.len() - 5);
        assert!(hello.windows(16).any(|piece| piece == b"ex1.corp.example"));
        assert!(hello.windows(2).any(|piece| piece == [0, 0x2f]));
        assert!(asking_hello(&[9; 32], None).len() + 16 + 9 == hello.len());
    }
}
