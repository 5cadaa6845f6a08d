//! Base64 (RFC 4648 section 4), for SASL messages.

/// With its padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = bits >> (18 - 6 * place) & 63;
            text.push(if place > group.len() { '=' } else { digit_of(digit) });
        }
    }
    text
}

fn digit_of(value: u32) -> char {
    let (first, start) = match value {
        0..26 => (b'A', 0),
        26..52 => (b'a', 26),
        52..62 => (b'0', 52),
        62 => (b'+', 62),
        _ => (b'/', 63),
    };
    char::from(first.saturating_add(u8::try_from(value - start).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_the_rfc_has_it() {
        // RFC 4648 section 10, and the digits that it doesn't use.
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (b"\0ann\0pw", "AGFubgBwdw=="),
            (b"\xfb\xff\xbf", "+/+/"),
        ] {
            assert_eq!(encode(bytes), text, "{bytes:?}");
        }
    }
}
