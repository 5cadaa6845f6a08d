//! The mailbox table: which mailbox a login name means, and which database holds it. Parsed from a file's
//! lines, swapped in whole, and read without locks.
//!
//! A line is `key[,key...] database`: no white space inside the keys; `#` at the beginning of a line or
//! behind white space starts a comment. Keys are not kept, only their keyed hashes: a million take 34 MB at
//! most. Two keys with one hash would be taken for one; with a million keys that is one chance in 37 million.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, Read};
use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A line with its end. A mailbox with a hundred aliases fits.
pub const DIRECTORY_LINE_BYTES_MAX: usize = 8 * 1024;
/// RFC 5321 allows an address of 254 bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// An Exchange database's name has at most 64 characters.
pub const DATABASE_NAME_BYTES_MAX: usize = 256;
/// Half a gigabyte of table: who has more asks a directory over the network.
pub const KEYS_MAX: usize = 16_000_000;

/// What the table knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The mailbox's identity: the hash of its line's first key, else of the key itself.
    pub mailbox: u64,
    /// None: not in the directory.
    pub database: Option<u16>,
}

/// Why a file is no directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseFault {
    pub path: String,
    /// From 1.
    pub line: u64,
    pub what: String,
}

/// Open addressing with linear probing. `keys <= 4/5 * hashes.len()`, and all three arrays are equally long.
pub struct Mailboxes {
    seed: u64,
    /// 0 is a free slot.
    hashes: Vec<u64>,
    identities: Vec<u64>,
    databases: Vec<u16>,
    keys: usize,
    mailboxes: usize,
}

/// The form of a key that is looked up: without white space around, in lower case, letters composed (NFC), so
/// that `JÖRG` finds `jörg` whichever way a client writes the umlaut. `None` for what is no key: empty, over
/// 256 bytes in either form, or with white space, a control character, a byte order mark or a comma in it.
#[must_use]
pub fn canonical_key(raw: &str) -> Option<Cow<'_, str>> {
    let key = raw.trim_matches(|letter: char| letter.is_ascii_whitespace());
    if key.is_empty() || key.len() > KEY_BYTES_MAX || key.contains(is_foreign_to_keys) {
        return None;
    }
    if !key.is_ascii() {
        // Composed again: some letters have one code in lower case only (ẗ, ǰ).
        let lower = key.nfc().collect::<String>().to_lowercase();
        let canonical: String = lower.nfc().collect();
        return (canonical.len() <= KEY_BYTES_MAX).then_some(Cow::Owned(canonical));
    }
    Some(match key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(key.to_ascii_lowercase()),
        false => Cow::Borrowed(key),
    })
}

fn is_foreign_to_keys(letter: char) -> bool {
    // Nobody sees a byte order mark: it comes from two files put together, and no client ever sends it.
    matches!(letter, ',' | '\u{feff}') || letter.is_control() || letter.is_whitespace()
}

impl Mailboxes {
    /// The table of a directory that is not there.
    #[must_use]
    pub fn empty(seed: u64) -> Self {
        Self { seed, hashes: vec![], identities: vec![], databases: vec![], keys: 0, mailboxes: 0 }
    }

    /// Reads a directory. `intern` gives a database's name its index, `None` when there are too many; `seed`
    /// keys the hashes and must stay the same while identities are to stay.
    ///
    /// # Errors
    /// The first line that is wrong, or that could not be read; `path_name` is for the words only.
    pub fn parse(
        reader: impl BufRead,
        intern: &mut dyn FnMut(&str) -> Option<u16>,
        seed: u64,
        path_name: &str,
    ) -> Result<Self, ParseFault> {
        let mut building = Building::new(seed);
        match building.read(reader, intern) {
            Ok(()) => Ok(building.table),
            Err(what) => Err(ParseFault { path: path_name.to_owned(), line: building.line, what }),
        }
    }

    /// Finds a login name's mailbox. Takes any text: what is no key is not in the directory.
    #[must_use]
    pub fn lookup(&self, key: &str) -> Found {
        let canonical = canonical_key(key);
        let hash = self.hash(canonical.as_deref().unwrap_or(key));
        match self.slot(hash) {
            Slot::Taken(at) if canonical.is_some() => Found {
                mailbox: self.identities.get(at).copied().unwrap_or(hash),
                database: self.databases.get(at).copied(),
            },
            _ => Found { mailbox: hash, database: None },
        }
    }

    #[must_use]
    pub fn len_keys(&self) -> usize {
        self.keys
    }

    #[must_use]
    pub fn len_mailboxes(&self) -> usize {
        self.mailboxes
    }

    /// What the table takes of the memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let arrays =
            8 * self.hashes.capacity() + 8 * self.identities.capacity() + 2 * self.databases.capacity();
        arrays + size_of::<Self>()
    }

    /// Never 0, which marks a free slot.
    fn hash(&self, key: &str) -> u64 {
        xxh3_64_with_seed(key.as_bytes(), self.seed).max(1)
    }

    fn slot(&self, hash: u64) -> Slot {
        // The upper half of the product: spreads a hash over any number of slots, without a division.
        let mut at = usize::try_from((u128::from(hash) * self.hashes.len() as u128) >> 64).unwrap_or(0);
        for _ in 0..=self.hashes.len() {
            match self.hashes.get(at) {
                None => at = 0,
                Some(0) => return Slot::Free(at),
                Some(&taken) if taken == hash => return Slot::Taken(at),
                Some(_) => at += 1,
            }
        }
        Slot::None
    }
}

enum Slot {
    Free(usize),
    Taken(usize),
    /// Only of a table without slots.
    None,
}

/// A table that is being read. `lines.len() == table.hashes.len()`
struct Building {
    table: Mailboxes,
    /// By slot: the line that its key stands on, for the words about a key that comes twice.
    lines: Vec<u32>,
    line: u64,
    keys_max: usize,
}

impl Building {
    fn new(seed: u64) -> Self {
        Self { table: Mailboxes::empty(seed), lines: Vec::new(), line: 0, keys_max: KEYS_MAX }
    }

    fn read(
        &mut self,
        mut reader: impl BufRead,
        intern: &mut dyn FnMut(&str) -> Option<u16>,
    ) -> Result<(), String> {
        let mut bytes = Vec::new();
        loop {
            self.line += 1;
            bytes.clear();
            let mut bounded = reader.by_ref().take(DIRECTORY_LINE_BYTES_MAX as u64 + 1);
            match bounded.read_until(b'\n', &mut bytes) {
                Ok(0) => return Ok(()),
                Ok(read) if read > DIRECTORY_LINE_BYTES_MAX => {
                    return Err(format!("a line of more than {DIRECTORY_LINE_BYTES_MAX} bytes"));
                }
                Ok(_) => {}
                Err(error) => return Err(format!("cannot be read: {error}")),
            }
            let text = std::str::from_utf8(&bytes).map_err(|_| "not UTF-8".to_owned())?;
            // Editors on Windows put a byte order mark before the first line.
            let text = if self.line == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
            self.add_line(text, intern)?;
        }
    }

    fn add_line(&mut self, text: &str, intern: &mut dyn FnMut(&str) -> Option<u16>) -> Result<(), String> {
        let mut fields = text.split_ascii_whitespace().take_while(|field| !field.starts_with('#'));
        let Some(keys) = fields.next() else { return Ok(()) };
        let Some(name) = fields.next() else {
            return Err(format!("no database behind {}", shown(keys)));
        };
        if let Some(third) = fields.next() {
            return Err(format!("{} behind the database; keys are parted by commas alone", shown(third)));
        }
        let name = database_name(name)?;
        let database = intern(&name).filter(|index| *index != u16::MAX);
        let database = database.ok_or_else(|| format!("one database too many: {}", shown(&name)))?;
        let mut identity = None;
        for raw in keys.split(',') {
            let key = canonical_key(raw).ok_or_else(|| format!("{} is no mailbox key", shown(raw)))?;
            let hash = self.table.hash(&key);
            self.add_key(hash, *identity.get_or_insert(hash), database).map_err(|fault| match fault {
                KeyFault::Twice { line } => format!("{} stands on line {line} already", shown(&key)),
                KeyFault::OneTooMany => format!("more than {} keys", self.keys_max),
            })?;
        }
        self.table.mailboxes += 1;
        Ok(())
    }

    fn add_key(&mut self, hash: u64, identity: u64, database: u16) -> Result<(), KeyFault> {
        if (self.table.keys + 1) * 5 > self.table.hashes.len() * 4 {
            self.grow();
        }
        match self.table.slot(hash) {
            Slot::Taken(at) => Err(KeyFault::Twice { line: self.lines.get(at).copied().unwrap_or(0) }),
            Slot::Free(at) if self.table.keys < self.keys_max => {
                let line = u32::try_from(self.line).unwrap_or(u32::MAX);
                self.put(at, (hash, identity, database, line));
                self.table.keys += 1;
                Ok(())
            }
            Slot::Free(_) | Slot::None => Err(KeyFault::OneTooMany),
        }
    }

    /// By half, not by double: the old and the new arrays together are what a reload may take at most.
    fn grow(&mut self) {
        let slots = (self.table.hashes.len() / 2 * 3).max(SLOTS_MIN);
        let old = std::mem::replace(&mut self.table, Mailboxes::empty(0));
        let lines = std::mem::replace(&mut self.lines, vec![0; slots]);
        self.table = Mailboxes {
            hashes: vec![0; slots],
            identities: vec![0; slots],
            databases: vec![0; slots],
            ..Mailboxes::empty(old.seed)
        };
        (self.table.keys, self.table.mailboxes) = (old.keys, old.mailboxes);
        let rows = old.hashes.into_iter().zip(old.identities).zip(old.databases).zip(lines);
        for (((hash, identity), database), line) in rows.filter(|(((hash, _), _), _)| *hash != 0) {
            if let Slot::Free(at) = self.table.slot(hash) {
                self.put(at, (hash, identity, database, line));
            }
        }
    }

    fn put(&mut self, at: usize, (hash, identity, database, line): (u64, u64, u16, u32)) {
        let table = &mut self.table;
        let row = (table.hashes.get_mut(at), table.identities.get_mut(at), table.databases.get_mut(at));
        if let ((Some(to_hash), Some(to_identity), Some(to_database)), Some(to_line)) =
            (row, self.lines.get_mut(at))
        {
            (*to_hash, *to_identity, *to_database, *to_line) = (hash, identity, database, line);
        }
    }
}

enum KeyFault {
    Twice { line: u32 },
    OneTooMany,
}

/// Databases are named in lower case everywhere else. A comma in one is a key list with a blank in it.
fn database_name(raw: &str) -> Result<String, String> {
    let is_name = raw.len() <= DATABASE_NAME_BYTES_MAX && !raw.contains(is_foreign_to_keys);
    if is_name { Ok(raw.to_ascii_lowercase()) } else { Err(format!("{} is no database's name", shown(raw))) }
}

/// Text of a file in an error: quoted, escaped, and not all of a long one.
fn shown(text: &str) -> String {
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(SHOWN_LETTERS_MAX).collect();
    let more = if letters.next().is_some() { "..." } else { "" };
    format!("{start:?}{more}")
}

impl fmt::Display for ParseFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} line {}: {}", self.path, self.line, self.what)
    }
}

impl std::error::Error for ParseFault {}

impl fmt::Debug for Mailboxes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Mailboxes({} keys, {} mailboxes)", self.keys, self.mailboxes)
    }
}

const SLOTS_MIN: usize = 64;
const SHOWN_LETTERS_MAX: usize = 60;

#[cfg(test)]
mod tests;
