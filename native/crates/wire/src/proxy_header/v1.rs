//! Version 1: one line of text. Section 2.1 gives every byte of it, so there is one way to write each address
//! and each port, and others are refused: two readers of a lenient number may read two clients.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Client, Refusal, Verdict, canonical};

pub(super) const SIGNATURE: &[u8] = b"PROXY ";
/// Section 2.1: the longest line, `PROXY UNKNOWN` with two IPv6 addresses and two ports, with its CRLF.
pub(super) const LINE_BYTES_MAX: usize = 107;

/// `bytes` begin like the signature.
pub(super) fn parse(bytes: &[u8]) -> Verdict {
    let window = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = window.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return match window.len() < LINE_BYTES_MAX {
            true => Verdict::Incomplete,
            false => Verdict::Refused(Refusal::LineTooLong),
        };
    };
    match (window.get(end), window.get(end + 1)) {
        (Some(b'\r'), None) if window.len() < LINE_BYTES_MAX => Verdict::Incomplete,
        (Some(b'\r'), None) => Verdict::Refused(Refusal::LineTooLong),
        (Some(b'\r'), Some(b'\n')) => {
            let line = window.get(SIGNATURE.len()..end).unwrap_or_default();
            match client(line) {
                Ok(client) => Verdict::Header { client, length: end + 2 },
                Err(refusal) => Verdict::Refused(refusal),
            }
        }
        _ => Verdict::Refused(Refusal::LineEnd),
    }
}

/// What stands behind `PROXY `.
fn client(line: &[u8]) -> Result<Client, Refusal> {
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        // Section 2.1: the receiver must ignore what stands behind it.
        return Ok(Client::Local);
    }
    let line = std::str::from_utf8(line).map_err(|_| Refusal::Family)?;
    let mut words = line.split(' ');
    let address = match words.next() {
        Some("TCP4") => ipv4,
        Some("TCP6") => ipv6,
        _ => return Err(Refusal::Family),
    };
    let mut next = || words.next().ok_or(Refusal::Address);
    let (from, to) = (address(next()?)?, address(next()?)?);
    let (from_port, to_port) = (port(words.next())?, port(words.next())?);
    match words.next() {
        Some(_) => Err(Refusal::Port),
        None => Ok(Client::Forwarded {
            from: canonical(SocketAddr::new(from, from_port)),
            to: canonical(SocketAddr::new(to, to_port)),
        }),
    }
}

/// The standard library takes no leading zeros.
fn ipv4(text: &str) -> Result<IpAddr, Refusal> {
    text.parse::<Ipv4Addr>().map(IpAddr::from).map_err(|_| Refusal::Address)
}

fn ipv6(text: &str) -> Result<IpAddr, Refusal> {
    text.parse::<Ipv6Addr>().map(IpAddr::from).map_err(|_| Refusal::Address)
}

/// Section 2.1: 0 to 65535 without leading zeros. The standard library would take `+1` and `007`.
fn port(text: Option<&str>) -> Result<u16, Refusal> {
    let text = text.ok_or(Refusal::Port)?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain).ok_or(Refusal::Port)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::super::parse;
    use super::*;

    fn forwarded(from: &str, to: &str) -> Client {
        Client::Forwarded { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn a_line_gives_both_addresses_and_leaves_what_follows() {
        for (line, client) in [
            ("TCP4 192.0.2.1 203.0.113.5 54321 993", forwarded("192.0.2.1:54321", "203.0.113.5:993")),
            ("TCP4 0.0.0.0 255.255.255.255 0 65535", forwarded("0.0.0.0:0", "255.255.255.255:65535")),
            ("TCP6 2001:db8::1 2001:DB8::2 1 2", forwarded("[2001:db8::1]:1", "[2001:db8::2]:2")),
            ("TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 1 2", forwarded("192.0.2.1:1", "198.51.100.1:2")),
            ("UNKNOWN", Client::Local),
            ("UNKNOWN ffff::1 \0 whatever", Client::Local),
        ] {
            let header = format!("PROXY {line}\r\n");
            let bytes = [header.as_bytes(), b"a1 NOOP\r\n"].concat();
            assert_eq!(parse(&bytes), Verdict::Header { client, length: header.len() }, "{line}");
            for end in 0..header.len() {
                assert_eq!(parse(&bytes[..end]), Verdict::Incomplete, "{line} cut at {end}");
            }
        }
    }

    #[test]
    fn v51_what_is_written_in_any_other_way_is_refused() {
        for (line, refusal) in [
            ("GET / HTTP/1.1\r\n", Refusal::NoSignature),
            ("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Refusal::NoSignature),
            ("PROXX", Refusal::NoSignature),
            ("PROXY\r\n", Refusal::NoSignature),
            ("PROXY \r\n", Refusal::Family),
            ("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", Refusal::Family),
            ("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", Refusal::Family),
            ("PROXY UNKNOWNS\r\n", Refusal::Family),
            ("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Refusal::Family),
            ("PROXY TCP4\r\n", Refusal::Address),
            ("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", Refusal::Address),
            ("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", Refusal::Address),
            ("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", Refusal::Address),
            ("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", Refusal::Address),
            ("PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n", Refusal::Address),
            ("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", Refusal::Address),
            ("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", Refusal::Address),
            ("PROXY TCP6 [::1] ::1 1 2\r\n", Refusal::Address),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 00\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\t\r\n", Refusal::Port),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", Refusal::LineEnd),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n", Refusal::LineEnd),
            ("PROXY TCP4 192.0.2.1\r\0", Refusal::LineEnd),
        ] {
            assert_eq!(parse(line.as_bytes()), Verdict::Refused(refusal), "{line:?}");
        }
    }

    #[test]
    fn a_line_may_have_107_bytes_with_its_end_and_not_one_more() {
        for (length, fits) in [(107, true), (108, false)] {
            let line = format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
            assert_eq!(line.len(), length);
            let verdict = parse(line.as_bytes());
            assert_eq!(verdict != Verdict::Refused(Refusal::LineTooLong), fits, "{length}");
        }
        let endless = [SIGNATURE, &[b'x'; 200]].concat();
        assert_eq!(parse(&endless[..106]), Verdict::Incomplete);
        assert_eq!(parse(&endless[..107]), Verdict::Refused(Refusal::LineTooLong));
    }
}
