//! CRC32c (RFC 3720 appendix B.4), bit by bit: few headers carry one, and none is longer than a page.

/// Of all parts, one behind the other.
pub(super) fn crc32c(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    !bytes.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| match sum & 1 {
            1 => sum >> 1 ^ POLYNOMIAL,
            _ => sum >> 1,
        })
    })
}

/// Castagnoli's, its bits turned round.
const POLYNOMIAL: u32 = 0x82f6_3b78;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720 appendix B.4; its table shows the sum's bytes in the order of the wire.
    #[test]
    fn the_published_examples_come_out() {
        let rising: Vec<u8> = (0..32).collect();
        for (bytes, sum) in [
            (&b"123456789"[..], 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&rising, 0x46dd_794e),
        ] {
            assert_eq!(crc32c(&[bytes]), sum, "{bytes:02x?}");
            let (head, tail) = bytes.split_at(bytes.len() / 3);
            assert_eq!(crc32c(&[head, &[], tail]), sum, "in parts");
        }
    }
}
