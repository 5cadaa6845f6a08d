//! What must hold of the framer for any input: the fuzz target and the tests call it.

use postern_wire::framer::{Fault, Framed, Framer, FramerLimits};

/// The first byte chooses the customs and the worker's word on `{n}`, the rest is what a client sends.
pub fn check(input: &[u8]) {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let limits = FramerLimits {
        line_bytes_max: 48,
        literal_bytes_max: 32,
        literals: choice & 1 == 0,
        bare_lf_ends_line: choice & 2 == 0,
    };
    let takes_literals = choice & 4 == 0;
    let expected = read_slowly(limits, takes_literals, bytes);
    for stride in [bytes.len().max(1), 1, 2, 3, 5, 17] {
        assert_eq!(frame(limits, takes_literals, bytes, stride), expected, "cut at every {stride}");
    }
}

/// All pieces of `bytes`, shown `stride` more bytes at a time; ends with what the framer says last.
fn frame(limits: FramerLimits, takes_literals: bool, bytes: &[u8], stride: usize) -> Vec<Framed> {
    let mut framer = Framer::new(limits);
    let (mut framed, mut from, mut shown, mut announced) = (Vec::new(), 0, stride.min(bytes.len()), 0);
    loop {
        let piece = framer.next(&bytes[from..shown]);
        match piece {
            Framed::Incomplete if shown < bytes.len() => {
                shown = (shown + stride).min(bytes.len());
                continue;
            }
            Framed::Incomplete | Framed::Fault(_) => {
                assert_eq!(framer.next(&bytes[from..shown]), piece, "asked twice");
                framed.push(piece);
                return framed;
            }
            Framed::Blocked => {
                assert!(!framer.expect_literal(announced + 1), "another length than announced");
                match takes_literals {
                    true => assert!(framer.expect_literal(announced)),
                    false => framer.expect_line(),
                }
            }
            Framed::Line { text, length } => {
                assert!(text < length && length <= limits.line_bytes_max && from + length <= shown);
                announced = announcement(&bytes[from..from + text]).map_or(0, |(length, _)| length);
                from += length;
                framed.push(piece);
            }
            Framed::Literal { length } => {
                assert!(length <= limits.literal_bytes_max && from + length <= shown);
                from += length;
                framed.push(piece);
            }
        }
    }
}

/// The same in another way: byte for byte, with all of them at hand.
fn read_slowly(limits: FramerLimits, takes_literals: bool, bytes: &[u8]) -> Vec<Framed> {
    let (mut framed, mut from) = (Vec::new(), 0);
    loop {
        let rest = &bytes[from..];
        let line = match rest {
            [0x16, 3, ..] if from == 0 => Framed::Fault(Fault::TlsHello),
            _ => read_line(limits, rest),
        };
        let Framed::Line { text, length } = line else {
            framed.push(line);
            return framed;
        };
        let literal = announcement(&rest[..text]).filter(|_| limits.literals);
        if literal.is_some_and(|(length, _)| length > limits.literal_bytes_max) {
            framed.push(Framed::Fault(Fault::LiteralTooLong));
            return framed;
        }
        framed.push(line);
        from += length;
        let Some((length, _)) = literal.filter(|(_, at_once)| *at_once || takes_literals) else { continue };
        let rest = &bytes[from..];
        let there = &rest[..length.min(rest.len())];
        if there.contains(&0) || there.len() < length {
            let has_nul = there.contains(&0);
            framed.push(if has_nul { Framed::Fault(Fault::Nul) } else { Framed::Incomplete });
            return framed;
        }
        framed.push(Framed::Literal { length });
        from += length;
    }
}

fn read_line(limits: FramerLimits, bytes: &[u8]) -> Framed {
    for at in 0..limits.line_bytes_max {
        match (bytes.get(at), bytes.get(at + 1)) {
            (None, _) => return Framed::Incomplete,
            (Some(0), _) => return Framed::Fault(Fault::Nul),
            (Some(b'\n'), _) if limits.bare_lf_ends_line => return Framed::Line { text: at, length: at + 1 },
            (Some(b'\n'), _) => return Framed::Fault(Fault::BareLf),
            // No room for the end that must follow.
            (Some(b'\r'), _) if at + 1 == limits.line_bytes_max => break,
            (Some(b'\r'), None) => return Framed::Incomplete,
            (Some(b'\r'), Some(b'\n')) => return Framed::Line { text: at, length: at + 2 },
            (Some(b'\r'), Some(_)) => return Framed::Fault(Fault::BareCr),
            _ => {}
        }
    }
    Framed::Fault(Fault::LineTooLong)
}

/// The literal that a line announces by `{n}` or `{n+}`, read forwards from the last brace: its length, at
/// most `usize::MAX`, and whether it comes at once.
fn announcement(line: &[u8]) -> Option<(usize, bool)> {
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = line[open + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, behind) = line[open + 1..].split_at(digits);
    let is_at_once = match behind {
        b"}" => false,
        b"+}" => true,
        _ => return None,
    };
    let number = std::str::from_utf8(number).ok().filter(|number| !number.is_empty())?;
    let is_in_range = number.len() <= 10 && number.parse::<u32>().is_ok();
    Some((if is_in_range { number.parse().ok()? } else { usize::MAX }, is_at_once))
}
