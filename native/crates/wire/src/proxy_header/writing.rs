//! Writes headers for servers: who the client is, as the server would have seen it without us.

use std::net::{IpAddr, SocketAddr};

use super::canonical;
use super::v2::{FIXED_BYTES, LOCAL, PROXY, SIGNATURE, TCP_OVER_IPV4, TCP_OVER_IPV6, UNSPECIFIED, VERSION};

/// The two forms of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// What a server is told of a client. Texts of more than 255 bytes are left out: no name, no mechanism and
/// no id of a session is so long.
#[derive(Debug, Clone, Copy)]
pub struct Introduction<'a> {
    /// The client's address.
    pub from: SocketAddr,
    /// The one that it connected to.
    pub to: SocketAddr,
    /// None: it speaks in clear, or the server is not told.
    pub tls: Option<TlsFacts<'a>>,
    /// By which the logs of both sides find the session.
    pub session: &'a str,
}

/// What TLS with the client agreed on.
#[derive(Debug, Clone, Copy)]
pub struct TlsFacts<'a> {
    pub version: &'a str,
    pub cipher_suite: &'a str,
    pub server_name: Option<&'a str>,
    pub alpn: Option<&'a str>,
}

/// The header of a client's connection. Version 1 has room for its addresses alone.
#[must_use]
pub fn write_header(version: Version, client: &Introduction<'_>) -> Vec<u8> {
    let (from, to) = (canonical(client.from), canonical(client.to));
    match version {
        Version::V1 => line(from, to),
        Version::V2 => block(from, to, client),
    }
}

/// The header of a connection of our own, such as a probe's. Version 1 has no word for it that every server
/// takes (Postfix 3.7 refuses UNKNOWN): there it is the connection's addresses, which is as true.
#[must_use]
pub fn write_own_header(version: Version, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    match version {
        Version::V1 => line(canonical(from), canonical(to)),
        Version::V2 => with_length([SIGNATURE, &[VERSION << 4 | LOCAL, UNSPECIFIED, 0, 0]].concat()),
    }
}

/// Section 2.1. Addresses of two families are nothing that the line can say: UNKNOWN is better than a lie.
fn line(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let family = match (from.ip(), to.ip()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => "TCP4",
        (IpAddr::V6(_), IpAddr::V6(_)) => "TCP6",
        _ => return UNKNOWN.to_vec(),
    };
    format!("PROXY {family} {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port()).into_bytes()
}

fn block(from: SocketAddr, to: SocketAddr, client: &Introduction<'_>) -> Vec<u8> {
    let mut header = [SIGNATURE, &[VERSION << 4 | PROXY]].concat();
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            header.extend([TCP_OVER_IPV4, 0, 0].into_iter().chain(from.octets()).chain(to.octets()));
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            header.extend([TCP_OVER_IPV6, 0, 0].into_iter().chain(from.octets()).chain(to.octets()));
        }
        _ => header.extend([UNSPECIFIED, 0, 0]),
    }
    if header.len() > FIXED_BYTES {
        header.extend(from.port().to_be_bytes().into_iter().chain(to.port().to_be_bytes()));
    }
    if let Some(tls) = &client.tls {
        put_extension(&mut header, ALPN, tls.alpn.unwrap_or_default().as_bytes());
        put_extension(&mut header, AUTHORITY, tls.server_name.unwrap_or_default().as_bytes());
        put_extension(&mut header, SSL, &tls_facts(tls));
    }
    put_extension(&mut header, UNIQUE_ID, client.session.as_bytes());
    with_length(header)
}

/// Section 2.2.6. The client has shown no certificate, and none was verified.
fn tls_facts(tls: &TlsFacts<'_>) -> Vec<u8> {
    let mut facts = vec![CLIENT_HAS_TLS];
    facts.extend(NOT_VERIFIED.to_be_bytes());
    put_extension(&mut facts, SSL_VERSION, tls.version.as_bytes());
    put_extension(&mut facts, SSL_CIPHER, tls.cipher_suite.as_bytes());
    facts
}

fn put_extension(to: &mut Vec<u8>, kind: u8, value: &[u8]) {
    let Ok(length) = u8::try_from(value.len()) else { return };
    if length > 0 {
        to.extend([kind, 0, length]);
        to.extend(value);
    }
}

/// Five texts of 255 bytes, the addresses and the heads: far below what two bytes can count.
fn with_length(mut header: Vec<u8>) -> Vec<u8> {
    let announced = (header.len() - FIXED_BYTES) as u16;
    if let Some(place) = header.get_mut(FIXED_BYTES - 2..FIXED_BYTES) {
        place.copy_from_slice(&announced.to_be_bytes());
    }
    header
}

const UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";
const ALPN: u8 = 0x01;
const AUTHORITY: u8 = 0x02;
const UNIQUE_ID: u8 = 0x05;
const SSL: u8 = 0x20;
const SSL_VERSION: u8 = 0x21;
const SSL_CIPHER: u8 = 0x23;
const CLIENT_HAS_TLS: u8 = 0x01;
const NOT_VERIFIED: u32 = 1;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Client, Verdict, parse};
    use super::*;

    const TLS: TlsFacts<'static> = TlsFacts {
        version: "TLSv1.3",
        cipher_suite: "TLS_AES_128_GCM_SHA256",
        server_name: Some("mail.example.org"),
        alpn: None,
    };

    fn client<'a>(from: &str, to: &str, tls: Option<TlsFacts<'a>>) -> Introduction<'a> {
        Introduction { from: from.parse().unwrap(), to: to.parse().unwrap(), tls, session: "0001" }
    }

    #[test]
    fn what_is_written_is_read_again_and_mapped_addresses_are_ipv4() {
        for (from, to, read) in [
            ("192.0.2.1:5", "192.0.2.2:993", Some(("192.0.2.1:5", "192.0.2.2:993"))),
            ("[2001:db8::1]:5", "[2001:db8::2]:993", Some(("[2001:db8::1]:5", "[2001:db8::2]:993"))),
            ("[::ffff:192.0.2.1]:5", "192.0.2.2:993", Some(("192.0.2.1:5", "192.0.2.2:993"))),
            ("192.0.2.1:5", "[2001:db8::2]:993", None),
            ("[2001:db8::1]:5", "192.0.2.2:993", None),
        ] {
            let client = read.map_or(Client::Local, |(from, to)| Client::Forwarded {
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
            });
            for version in [Version::V1, Version::V2] {
                for tls in [None, Some(TLS)] {
                    let header = write_header(version, &self::client(from, to, tls));
                    let verdict = Verdict::Header { client, length: header.len() };
                    assert_eq!(parse(&header), verdict, "{version:?} {from} {to}");
                }
            }
        }
        let (from, to) = ("192.0.2.1:5".parse().unwrap(), "192.0.2.2:143".parse().unwrap());
        for (version, client) in [(Version::V1, Client::Forwarded { from, to }), (Version::V2, Client::Local)]
        {
            let header = write_own_header(version, from, to);
            assert_eq!(parse(&header), Verdict::Header { client, length: header.len() });
        }
    }

    #[test]
    fn version_1_is_one_line() {
        let header = write_header(Version::V1, &client("192.0.2.1:54321", "203.0.113.5:993", Some(TLS)));
        assert_eq!(header, b"PROXY TCP4 192.0.2.1 203.0.113.5 54321 993\r\n");
    }

    #[test]
    fn version_2_says_what_tls_the_client_has_and_which_session_it_is() {
        let header = write_header(Version::V2, &client("192.0.2.1:54321", "203.0.113.5:993", Some(TLS)));
        let facts = b"\x01\0\0\0\x01\x21\0\x07TLSv1.3\x23\0\x16TLS_AES_128_GCM_SHA256";
        let expected = [
            &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x51\xc0\0\x02\x01\xcb\0\x71\x05\xd4\x31\x03\xe1"[..],
            b"\x02\0\x10mail.example.org",
            &[SSL, 0, facts.len() as u8],
            facts,
            b"\x05\0\x040001",
        ];
        let expected = expected.concat();
        assert_eq!(expected.len(), FIXED_BYTES + 0x51);
        assert_eq!(header, expected);
    }

    #[test]
    fn a_text_that_is_too_long_is_left_out() {
        let name = "x".repeat(256);
        let tls = TlsFacts { server_name: Some(&name), ..TLS };
        let with = write_header(Version::V2, &client("192.0.2.1:5", "192.0.2.2:993", Some(tls)));
        let without = TlsFacts { server_name: None, ..TLS };
        let without = write_header(Version::V2, &client("192.0.2.1:5", "192.0.2.2:993", Some(without)));
        assert_eq!(with, without);
    }
}
