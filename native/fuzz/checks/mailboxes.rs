//! What must hold of the mailbox table for any file: the fuzz target and the tests call it.

use postern_route::interner::Interner;
use postern_route::mailboxes::{Mailboxes, canonical_key};

/// The input is a directory's file. What parses is found again, by a reading of our own.
pub fn check(input: &[u8]) {
    let interner = Interner::new();
    let parsed = Mailboxes::parse(input, &mut |name| interner.intern(name), 7, "mailboxes");
    let table = match parsed {
        Ok(table) => table,
        Err(fault) => {
            assert!(
                fault.line >= 1
                    && fault.line <= 1 + input.iter().filter(|byte| **byte == b'\n').count() as u64
            );
            assert!(fault.what.len() < 2048 && !fault.to_string().contains(char::is_control));
            return;
        }
    };
    let text = std::str::from_utf8(input).expect("what parses is UTF-8");
    let (mut keys, mut mailboxes) = (0, 0);
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).split('\n') {
        let mut fields = line.split_ascii_whitespace();
        let Some(list) = fields.next().filter(|first| !first.starts_with('#')) else { continue };
        let database = interner.index_of(&fields.next().expect("a database").to_ascii_lowercase());
        let first = table.lookup(list.split(',').next().unwrap_or_default());
        for key in list.split(',') {
            assert_eq!(table.lookup(&key.to_ascii_uppercase()), first);
            let canonical = canonical_key(key).expect("it was taken");
            assert_eq!(canonical_key(&canonical).as_ref(), Some(&canonical), "canonical is canonical");
            keys += 1;
        }
        assert_eq!(first.database, database);
        mailboxes += 1;
    }
    assert_eq!((table.len_keys(), table.len_mailboxes()), (keys, mailboxes));
}
