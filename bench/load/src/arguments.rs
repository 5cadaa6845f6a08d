//! The numbers in a client's commands: the size of a literal, and which parts a FETCH asks for.

use std::ops::RangeInclusive;

/// The size in `{5}` or `{5+}` at the line's end, and whether the client awaits a continuation.
pub fn literal_size(line: &[u8], bytes_max: usize) -> Option<(usize, bool)> {
    let inside = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    let digits = inside.get(open + 1..)?;
    let (digits, is_awaited) = digits.strip_suffix(b"+").map_or((digits, true), |digits| (digits, false));
    let size: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    // A larger one is no literal to this stub: the line then ends the command, and is refused as such.
    (size <= bytes_max).then_some((size, is_awaited))
}

/// The messages and the size in `1:64 (BODY.PEEK[]<0.16384>)`. RFC 9051 section 6.4.5: a part of a message
/// is `<offset.size>`; the answer is bounded by `bytes_max` in all.
pub fn parts_wanted(arguments: &[u8], bytes_max: usize) -> Option<(RangeInclusive<u32>, usize)> {
    let (messages, part) = std::str::from_utf8(arguments).ok()?.split_once(' ')?;
    let (first, last) = messages.split_once(':')?;
    let messages: RangeInclusive<u32> = first.parse().ok()?..=last.parse().ok()?;
    let size = part.strip_prefix("(BODY.PEEK[]<0.")?.strip_suffix(">)")?.parse::<usize>().ok()?;
    let count = usize::try_from(messages.end().checked_sub(*messages.start())?).ok()? + 1;
    (count.checked_mul(size)? <= bytes_max && *messages.start() > 0).then_some((messages, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_range_of_parts_within_the_bound_is_wanted() {
        for (arguments, expected) in [
            ("1:64 (BODY.PEEK[]<0.16384>)", Some((1..=64, 16384))),
            ("1:1 (BODY.PEEK[]<0.1048576>)", Some((1..=1, 1 << 20))),
            ("1:1 (BODY.PEEK[]<0.1048577>)", None),
            ("1:65 (BODY.PEEK[]<0.16384>)", None),
            ("0:1 (BODY.PEEK[]<0.1>)", None),
            ("2:1 (BODY.PEEK[]<0.1>)", None),
            ("1 (BODY.PEEK[]<0.1>)", None),
            ("1:2 BODY.PEEK[]", None),
            ("1:4294967295 (BODY.PEEK[]<0.18446744073709551615>)", None),
        ] {
            assert_eq!(parts_wanted(arguments.as_bytes(), 1 << 20), expected, "{arguments}");
        }
    }

    #[test]
    fn a_literal_keeps_to_its_bound_at_both_ends() {
        for (line, expected) in [
            ("x {5}", Some((5, true))),
            ("x {9+}\r", Some((9, false))),
            ("x {10+}", None),
            ("x {}", None),
            ("x {5} ", None),
        ] {
            assert_eq!(literal_size(line.as_bytes(), 9), expected, "{line}");
        }
    }
}
