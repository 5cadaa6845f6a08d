//! What must hold of a server's lines for any input: the fuzz target and the tests call it.

use postern_wire::server_lines::{
    SERVER_LINE_BYTES_MAX, ServerFault, ServerFramed, ServerLines, ServerLiterals, clean_line,
};

/// The first byte says what literals the protocol has, and how much a line may be cut to.
pub fn check(input: &[u8]) {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let literals = match choice & 3 {
        0 => ServerLiterals::Refused,
        2 => ServerLiterals::Joined,
        _ => ServerLiterals::None,
    };
    let whole = frame(literals, bytes, bytes.len().max(1));
    assert_eq!(whole, read_slowly(literals, bytes));
    for stride in [1, 2, 3, 17] {
        assert_eq!(frame(literals, bytes, stride), whole, "cut at every {stride}");
    }
    let max = usize::from(choice);
    let clean = String::from_utf8(clean_line(bytes, max)).expect("clean lines are UTF-8");
    assert!(clean.len() <= max && !clean.contains(char::is_control));
    assert_eq!(clean_line(clean.as_bytes(), max), clean.as_bytes(), "clean is clean");
}

fn frame(literals: ServerLiterals, bytes: &[u8], stride: usize) -> Vec<ServerFramed> {
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

/// The same in another way: line for line, with all bytes at hand.
fn read_slowly(literals: ServerLiterals, bytes: &[u8]) -> Vec<ServerFramed> {
    let (mut framed, mut from) = (Vec::new(), 0);
    loop {
        let next = read_line(literals, &bytes[from..]);
        framed.push(next);
        match next {
            ServerFramed::Line { length, .. } => from += length,
            _ => return framed,
        }
    }
}

fn read_line(literals: ServerLiterals, bytes: &[u8]) -> ServerFramed {
    let mut start = 0;
    loop {
        let end = bytes.iter().skip(start).position(|byte| *byte == b'\n').map(|found| start + found);
        let Some(end) = end.filter(|end| *end < SERVER_LINE_BYTES_MAX) else {
            return match bytes.len() < SERVER_LINE_BYTES_MAX {
                true => ServerFramed::Incomplete,
                false => ServerFramed::Fault(ServerFault::LineTooLong),
            };
        };
        let has_cr = end > start && bytes[end - 1] == b'\r';
        let text = if has_cr { end - 1 } else { end };
        match (literals, announced(&bytes[start..text])) {
            (ServerLiterals::None, _) | (_, None) => return ServerFramed::Line { text, length: end + 1 },
            (ServerLiterals::Refused, Some(_)) => return ServerFramed::Fault(ServerFault::Literal),
            (ServerLiterals::Joined, Some(size)) if size < SERVER_LINE_BYTES_MAX - end - 1 => {
                start = end + 1 + size;
            }
            (ServerLiterals::Joined, Some(_)) => return ServerFramed::Fault(ServerFault::LineTooLong),
        }
    }
}

/// The number in `{n}` or `{n+}` at a line's end, `usize::MAX` for one of more than ten digits.
fn announced(line: &[u8]) -> Option<usize> {
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = std::str::from_utf8(line[open + 1..].strip_suffix(b"}")?).ok()?;
    let digits = digits.strip_suffix('+').unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if digits.len() > 10 { usize::MAX } else { digits.parse().ok()? })
}
