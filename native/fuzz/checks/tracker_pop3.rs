//! What must hold of the goodbye tracker for any POP3 session: a recording as in tracker.rs, compared with a
//! parser that knows all commands and all answers at once.

use super::{Rules, UNKNOWN, check_cuts, line, pieces};
use postern_wire::tracker::Tracker;

pub const POP3: Rules = Rules { begin: Tracker::pop3, ends: answer_ends };

/// The client gets the login's answer first, one whole line: the engine gives a tracker nothing else.
pub fn check(recording: &[u8]) {
    let words = pieces(recording).first().map_or(&[][..], |(_, words)| *words);
    if line(words) == Some(words.len()) {
        check_cuts(recording, 61, &POP3);
    }
}

/// The answer of the login, then one a command. Which commands have text behind `+OK` it has from a list of
/// their forms, written as a person would type them.
pub fn answer_ends(server: &[u8], client: &[u8]) -> Vec<usize> {
    let mut commands = commands(client).into_iter();
    let mut ends = vec![0];
    let mut at = 0;
    while let Some(length) = server.get(at..).and_then(line) {
        let text = String::from_utf8_lossy(&server[at..at + length]).to_ascii_uppercase();
        let is_login = ends.len() == 1;
        if text.starts_with("+ ") || text == "+\r\n" {
            // Which of the client's lines answers it depends on when they came.
            ends.push(UNKNOWN);
            break;
        }
        at += length;
        let has_text = text.starts_with("+OK") && !is_login && commands.next().is_some_and(has_text);
        if text.starts_with("-ERR") && !is_login {
            commands.next();
        }
        if has_text {
            let Some(end) = end_of_text(&server[at..]) else { break };
            at += end;
        }
        ends.push(at);
    }
    ends
}

fn commands(client: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(client).to_ascii_uppercase();
    text.split('\n').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn has_text(command: String) -> bool {
    let words: Vec<&str> = command.split(' ').collect();
    matches!(words[..], ["RETR" | "TOP" | "CAPA", ..] | ["LIST" | "UIDL" | "LANG"])
}

fn end_of_text(text: &[u8]) -> Option<usize> {
    let whole = [b"\r\n", text].concat();
    whole.windows(5).position(|window| window == b"\r\n.\r\n").map(|at| at + 3)
}
