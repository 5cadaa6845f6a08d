//! Version 2: a binary block. What the extensions behind the addresses say is of no use here, so they are
//! passed over; their lengths must add up all the same, and a checksum among them must be right: a header
//! that is wrong in one place is not believed in another.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::checksum::crc32c;
use super::{Client, HEADER_BYTES_MAX, Refusal, Verdict, canonical};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
pub(super) const FIXED_BYTES: usize = 16;
pub(super) const VERSION: u8 = 2;
pub(super) const LOCAL: u8 = 0;
pub(super) const PROXY: u8 = 1;
pub(super) const UNSPECIFIED: u8 = 0x00;
pub(super) const TCP_OVER_IPV4: u8 = 0x11;
pub(super) const TCP_OVER_IPV6: u8 = 0x21;
pub(super) const CHECKSUM: u8 = 0x03;

/// `bytes` begin like the signature.
pub(super) fn parse(bytes: &[u8]) -> Verdict {
    let Some(&fixed) = bytes.first_chunk::<FIXED_BYTES>() else {
        return Verdict::Incomplete;
    };
    let [.., version_and_command, family, high, low] = fixed;
    let announced = u16::from_be_bytes([high, low]);
    let length = FIXED_BYTES + usize::from(announced);
    if let Some(refusal) = refusal_of(version_and_command, announced) {
        return Verdict::Refused(refusal);
    }
    let Some(header) = bytes.get(..length) else {
        return Verdict::Incomplete;
    };
    let client = match (version_and_command & 0x0f, family) {
        // Section 2.2: whatever stands behind these two, the receiver must not look at it.
        (LOCAL, _) | (_, UNSPECIFIED) => Ok(Client::Local),
        _ => forwarded(family, header),
    };
    client.map_or_else(Verdict::Refused, |client| Verdict::Header { client, length })
}

/// What can be told before the rest is there.
fn refusal_of(version_and_command: u8, announced: u16) -> Option<Refusal> {
    match (version_and_command >> 4, version_and_command & 0x0f) {
        (VERSION, LOCAL | PROXY) if usize::from(announced) > HEADER_BYTES_MAX - FIXED_BYTES => {
            Some(Refusal::TooLong(announced))
        }
        (VERSION, LOCAL | PROXY) => None,
        (VERSION, command) => Some(Refusal::Command(command)),
        (version, _) => Some(Refusal::Version(version)),
    }
}

fn forwarded(family: u8, header: &[u8]) -> Result<Client, Refusal> {
    let addresses_bytes = match family {
        TCP_OVER_IPV4 | UDP_OVER_IPV4 => 12,
        TCP_OVER_IPV6 | UDP_OVER_IPV6 => 36,
        UNIX_STREAM | UNIX_DATAGRAM => 216,
        // Section 2.2: they must be rejected as invalid.
        _ => return Err(Refusal::FamilyCode(family)),
    };
    let extensions_at = FIXED_BYTES + addresses_bytes;
    let addresses = header.get(FIXED_BYTES..extensions_at).ok_or(Refusal::AddressCutShort)?;
    check_extensions(header, extensions_at)?;
    match family {
        TCP_OVER_IPV4 => pair(addresses, |octets: [u8; 4]| Ipv4Addr::from(octets).into()),
        TCP_OVER_IPV6 => pair(addresses, |octets: [u8; 16]| Ipv6Addr::from(octets).into()),
        // A receiver that does not know the family uses the connection's own addresses.
        _ => Ok(Client::Local),
    }
}

/// The client's address, ours, the client's port, ours.
fn pair<const OCTETS: usize>(block: &[u8], ip: fn([u8; OCTETS]) -> IpAddr) -> Result<Client, Refusal> {
    let cut_short = Refusal::AddressCutShort;
    let (&from, block) = block.split_first_chunk::<OCTETS>().ok_or(cut_short)?;
    let (&to, block) = block.split_first_chunk::<OCTETS>().ok_or(cut_short)?;
    let &[from_high, from_low, to_high, to_low] = block.first_chunk().ok_or(cut_short)?;
    let address = |octets, port| canonical(SocketAddr::new(ip(octets), u16::from_be_bytes(port)));
    Ok(Client::Forwarded { from: address(from, [from_high, from_low]), to: address(to, [to_high, to_low]) })
}

/// Section 2.2.1: type, length of two bytes, value; one behind the other up to the end.
fn check_extensions(header: &[u8], mut at: usize) -> Result<(), Refusal> {
    while let Some(&kind) = header.get(at) {
        let Some(&[high, low]) = header.get(at + 1..).and_then(<[u8]>::first_chunk) else {
            return Err(Refusal::Extension);
        };
        let (from, to) = (at + 3, at + 3 + usize::from(u16::from_be_bytes([high, low])));
        let value = header.get(from..to).ok_or(Refusal::Extension)?;
        if kind == CHECKSUM {
            check_sum(header, from, value)?;
        }
        at = to;
    }
    Ok(())
}

/// Section 2.2.3: CRC32c of the whole header, with zeros in the place of the sum.
fn check_sum(header: &[u8], from: usize, value: &[u8]) -> Result<(), Refusal> {
    let sum: [u8; 4] = value.try_into().map_err(|_| Refusal::Extension)?;
    let before = header.get(..from).unwrap_or_default();
    let behind = header.get(from + sum.len()..).unwrap_or_default();
    match crc32c(&[before, &[0; 4], behind]) == u32::from_be_bytes(sum) {
        true => Ok(()),
        false => Err(Refusal::Checksum),
    }
}

const UDP_OVER_IPV4: u8 = 0x12;
const UDP_OVER_IPV6: u8 = 0x22;
const UNIX_STREAM: u8 = 0x31;
const UNIX_DATAGRAM: u8 = 0x32;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
    use super::super::parse;
    use super::*;

    const IPV4: &[u8] =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xcb\x00\x71\x05\xd4\x31\x03\xe1";

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[VERSION << 4 | command, family], &length, rest].concat()
    }

    fn forwarded(from: &str, to: &str) -> Client {
        Client::Forwarded { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn ipv6_addresses(from: &str, to: &str) -> Vec<u8> {
        let [from, to] = [from, to].map(|text| text.parse::<Ipv6Addr>().unwrap().octets());
        [&from[..], &to[..], &[0, 1, 0, 2]].concat()
    }

    #[test]
    fn a_header_gives_both_addresses_and_leaves_what_follows() {
        let addresses = &IPV4[16..];
        let real = || forwarded("192.0.2.1:54321", "203.0.113.5:993");
        for (name, header, client) in [
            ("IPv4", IPV4.to_vec(), real()),
            (
                "extensions",
                header(PROXY, 0x11, &[addresses, b"\x01\x00\x04imap\x04\x00\x00"].concat()),
                real(),
            ),
            (
                "IPv6",
                header(PROXY, 0x21, &ipv6_addresses("2001:db8::1", "2001:db8::2")),
                forwarded("[2001:db8::1]:1", "[2001:db8::2]:2"),
            ),
            (
                "mapped",
                header(PROXY, 0x21, &ipv6_addresses("::ffff:192.0.2.1", "::ffff:192.0.2.2")),
                forwarded("192.0.2.1:1", "192.0.2.2:2"),
            ),
            ("LOCAL", header(LOCAL, 0, b""), Client::Local),
            ("LOCAL with anything", header(LOCAL, 0x99, b"anything"), Client::Local),
            ("UNSPEC", header(PROXY, 0, b"\xff"), Client::Local),
            ("UDP", header(PROXY, 0x12, addresses), Client::Local),
            ("UDP over IPv6", header(PROXY, 0x22, &[0; 36]), Client::Local),
            ("a socket of the system", header(PROXY, 0x31, &[0; 216]), Client::Local),
        ] {
            let bytes = [&header[..], b"\x16\x03\x01 and more"].concat();
            assert_eq!(parse(&bytes), Verdict::Header { client, length: header.len() }, "{name}");
            for end in 0..header.len() {
                assert_eq!(parse(&bytes[..end]), Verdict::Incomplete, "{name} cut at {end}");
            }
        }
    }

    #[test]
    fn v51_a_header_that_is_wrong_anywhere_is_refused() {
        let with = |rest: &[u8]| header(PROXY, 0x11, &[&IPV4[16..], rest].concat());
        for (name, bytes, refusal) in [
            ("signature", altered(0, b'G'), Refusal::NoSignature),
            ("signature", altered(11, 0), Refusal::NoSignature),
            ("version", altered(12, 0x11), Refusal::Version(1)),
            ("version", altered(12, 0x31), Refusal::Version(3)),
            ("command", altered(12, 0x22), Refusal::Command(2)),
            ("family", altered(13, 0x13), Refusal::FamilyCode(0x13)),
            ("family", altered(13, 0x41), Refusal::FamilyCode(0x41)),
            ("length", altered(14, 0xff), Refusal::TooLong(0xff0c)),
            ("addresses", header(PROXY, 0x11, &IPV4[16..27]), Refusal::AddressCutShort),
            ("addresses", altered(13, 0x21), Refusal::AddressCutShort),
            ("addresses", header(PROXY, 0x31, &[0; 215]), Refusal::AddressCutShort),
            ("extension", with(b"\x01"), Refusal::Extension),
            ("extension", with(b"\x01\0"), Refusal::Extension),
            ("extension", with(b"\x01\0\x01"), Refusal::Extension),
            ("extension", with(b"\x01\0\x00\x02\xff\xffx"), Refusal::Extension),
            ("checksum", with(b"\x03\0\x03abc"), Refusal::Extension),
            ("checksum", with(b"\x03\0\x04abcd"), Refusal::Checksum),
        ] {
            assert_eq!(parse(&bytes), Verdict::Refused(refusal), "{name}: {bytes:02x?}");
        }
    }

    #[test]
    fn a_right_checksum_is_taken_and_one_for_other_bytes_is_not() {
        let mut bytes =
            header(PROXY, 0x11, &[&IPV4[16..], b"\x04\0\x01x\x03\0\x04\0\0\0\0\x01\0\x01y"].concat());
        let at = bytes.len() - 8;
        let sum = crc32c(&[&bytes]).to_be_bytes();
        bytes[at..at + 4].copy_from_slice(&sum);
        assert!(matches!(parse(&bytes), Verdict::Header { .. }), "{:?}", parse(&bytes));
        // At `at - 3` stands what makes it a checksum.
        for place in (16..bytes.len()).filter(|place| *place != at - 3) {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(matches!(parse(&other), Verdict::Refused(_)), "another bit in byte {place}");
        }
    }

    #[test]
    fn a_header_may_have_4096_bytes_and_a_longer_one_is_refused_before_its_bytes() {
        for (length, fits) in [(HEADER_BYTES_MAX, true), (HEADER_BYTES_MAX + 1, false)] {
            for command in [LOCAL, PROXY] {
                let value = length - IPV4.len() - 3;
                let extension =
                    [&[4], &u16::try_from(value).unwrap().to_be_bytes()[..], &vec![0; value]].concat();
                let bytes = header(command, 0x11, &[&IPV4[16..], &extension].concat());
                assert_eq!(bytes.len(), length);
                assert_eq!(matches!(parse(&bytes), Verdict::Header { .. }), fits, "{length}");
                assert_eq!(parse(&bytes[..16]) == Verdict::Incomplete, fits, "{length}");
            }
        }
    }

    fn altered(at: usize, value: u8) -> Vec<u8> {
        let mut bytes = IPV4.to_vec();
        bytes[at] = value;
        bytes
    }
}
