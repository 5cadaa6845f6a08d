//! What must hold of a server's lines for any input: the fuzz target and the tests call it.

use postern_wire::server_lines::{SERVER_LINE_BYTES_MAX, ServerFramed, ServerLines, clean_line};

/// The first byte says whether the protocol has literals, and how much a line may be cut to.
pub fn check(input: &[u8]) {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let literals = choice & 1 == 0;
    let whole = frame(literals, bytes, bytes.len().max(1));
    for stride in [1, 2, 3, 17] {
        assert_eq!(frame(literals, bytes, stride), whole, "cut at every {stride}");
    }
    let max = usize::from(choice);
    let clean = String::from_utf8(clean_line(bytes, max)).expect("clean lines are UTF-8");
    assert!(clean.len() <= max && !clean.contains(char::is_control));
    assert_eq!(clean_line(clean.as_bytes(), max), clean.as_bytes(), "clean is clean");
}

fn frame(literals: bool, bytes: &[u8], stride: usize) -> Vec<ServerFramed> {
    let mut reader = ServerLines::new(literals);
    let (mut framed, mut from, mut shown) = (Vec::new(), 0, stride.min(bytes.len()));
    loop {
        let piece = reader.next(&bytes[from..shown]);
        match piece {
            ServerFramed::Incomplete if shown < bytes.len() => {
                shown = (shown + stride).min(bytes.len());
                continue;
            }
            ServerFramed::Line { text, length } => {
                assert!(
                    text < length && length <= SERVER_LINE_BYTES_MAX && bytes[from + length - 1] == b'\n'
                );
                from += length;
            }
            ServerFramed::Incomplete | ServerFramed::Fault(_) => {}
        }
        framed.push(piece);
        if !matches!(piece, ServerFramed::Line { .. }) {
            return framed;
        }
    }
}
