//! What must hold of the framer for any input: the fuzz target and the tests call it.

use postern_wire::framer::{Framed, Framer, FramerLimits};

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
    let whole = frame(limits, takes_literals, bytes, bytes.len().max(1));
    for stride in [1, 2, 3, 5, 17] {
        assert_eq!(frame(limits, takes_literals, bytes, stride), whole, "cut at every {stride}");
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
                framed.push(piece);
                return framed;
            }
            Framed::Blocked if takes_literals => assert!(framer.expect_literal(announced)),
            Framed::Blocked => framer.expect_line(),
            Framed::Line { text, length } => {
                assert!(text < length && length <= limits.line_bytes_max && from + length <= shown);
                announced = last_number(&bytes[from..from + text]);
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

/// The number in braces that a line ends in, read in another way than the framer does: forwards.
fn last_number(line: &[u8]) -> usize {
    let text = String::from_utf8_lossy(line);
    let inner = text.rsplit('{').next().unwrap_or_default();
    inner.trim_end_matches('}').trim_end_matches('+').parse().unwrap_or(0)
}
