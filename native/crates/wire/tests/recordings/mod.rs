//! Recorded sessions of one protocol, followed a byte at a time beside what a parser of the whole talk
//! says.

use crate::reference::{Who, is_between, pieces, saw, stream_of};
use postern_wire::tracker::{Boundary, Tracker};
use std::path::Path;

/// `C: ` and `S: ` begin what each side says; `|` is CRLF.
pub fn after(mut tracker: Tracker, talk: &[&str]) -> Tracker {
    for said in talk.iter().filter(|said| !said.is_empty()) {
        let (who, text) = said.split_at(3);
        let who = if who == "C: " { Who::Client } else { Who::Server };
        saw(&mut tracker, who, text.replace('|', "\r\n").as_bytes());
    }
    tracker
}

pub struct Recording<'a> {
    pub bytes: &'a [u8],
    pieces: Vec<(Who, &'a [u8])>,
}

/// What all that a client has sent until a moment calls for.
pub struct Called {
    pub answers: usize,
    /// It is in the middle of something, though it has all answers.
    pub is_midway: bool,
    /// The last answer is the server's alone.
    pub is_owed: bool,
}

/// What was seen in all recordings: moments between two responses, by what is under way there.
#[derive(Debug, Default)]
pub struct Facts {
    pub sessions: usize,
    pub cuts: usize,
    pub idle: usize,
    pub busy: usize,
    pub owed: usize,
}

pub fn replay(name: &str, check: impl Fn(&Recording<'_>) -> Facts) -> Facts {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut all = Facts::default();
    // What the fuzzer found is named by its hash, and is no traffic.
    for path in files.filter(|path| path.file_name().unwrap().len() < 40) {
        println!("{}", path.display());
        let bytes = std::fs::read(path).unwrap();
        let seen = check(&Recording { bytes: &bytes, pieces: pieces(&bytes) });
        all.sessions += 1;
        all.cuts += seen.cuts;
        all.idle += seen.idle;
        all.busy += seen.busy;
        all.owed += seen.owed;
    }
    all
}

impl Recording<'_> {
    /// What the client gets first.
    pub fn words(&self) -> &[u8] {
        self.pieces[0].1
    }

    /// The server's and the client's.
    pub fn streams(&self) -> (Vec<u8>, Vec<u8>) {
        let (words, pieces) = (self.words(), &self.pieces[1..]);
        (stream_of(Who::Server, words, pieces), stream_of(Who::Client, b"", pieces))
    }

    /// `ends`: where responses end, the login's first. `called` is asked of the client's bytes so far.
    pub fn follow(&self, mut tracker: Tracker, ends: &[usize], called: impl Fn(&[u8]) -> Called) -> Facts {
        let (mut facts, mut client, mut offset) = (Facts::default(), Vec::new(), self.words().len());
        let login = ends.iter().filter(|end| **end <= offset).count();
        let bytes = self.pieces[1..].iter().flat_map(|(who, bytes)| bytes.iter().map(|byte| (*who, *byte)));
        for (who, byte) in bytes {
            saw(&mut tracker, who, &[byte]);
            match who {
                Who::Client => client.push(byte),
                Who::Server => offset += 1,
            }
            facts.cuts += 1;
            assert_ne!(tracker.boundary(), Boundary::Opaque, "at {offset}, {}", client.len());
            let is_owed = tracker.boundary() == Boundary::Owed;
            assert_eq!(is_between(&tracker), ends.contains(&offset) && !is_owed, "at {offset}");
            if !is_between(&tracker) && !is_owed {
                continue;
            }
            let answered = ends.iter().filter(|end| **end <= offset).count() - login;
            let Called { answers, is_midway, is_owed } = called(&client);
            let at = format!("at {offset}, {}: {answered} of {answers}", client.len());
            match tracker.boundary() {
                Boundary::Owed => {
                    assert!(answers > answered && is_owed, "owed {at}");
                    facts.owed += 1;
                }
                Boundary::Between => {
                    assert!(is_midway || answers > answered && !is_owed, "busy {at}");
                    facts.busy += 1;
                }
                _ => {
                    assert!(!is_midway && answers == answered, "idle {at}");
                    facts.idle += 1;
                }
            }
        }
        facts
    }
}
