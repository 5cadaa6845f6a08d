//! Reads a subcommand's options: `--name value` pairs and bare flags. Every number has a range, every address
//! must be a loopback one: this tool makes load, and must not be able to aim it at a foreign machine.
//!
//! What the options mean is left to the subcommands.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// The options of one subcommand, names known, values not yet read.
#[derive(Debug)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Takes the words behind the subcommand; refuses names that it doesn't know, and repeated ones.
    pub fn parse(words: &[String], valued: &[&str], flags: &[&str]) -> Result<Self, String> {
        let mut found = BTreeMap::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("unexpected word: {word}"))?;
            let value = if flags.contains(&name) {
                String::new()
            } else if valued.contains(&name) {
                rest.next().ok_or_else(|| format!("--{name} wants a value"))?.clone()
            } else {
                return Err(format!(
                    "unknown option --{name}; known: {}",
                    [valued, flags].concat().join(" ")
                ));
            };
            if found.insert(name.to_owned(), value).is_some() {
                return Err(format!("--{name} is given twice"));
            }
        }
        Ok(Self(found))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn word(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(name).map(PathBuf::from)
    }

    pub fn path_wanted(&self, name: &str) -> Result<PathBuf, String> {
        self.path(name).ok_or_else(|| format!("--{name} is missing"))
    }

    /// A loopback address with its port.
    pub fn address(&self, name: &str) -> Result<Option<SocketAddr>, String> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let address: SocketAddr =
            text.parse().map_err(|_| format!("--{name} {text}: not an address with a port"))?;
        if !address.ip().is_loopback() {
            return Err(format!("--{name} {text}: only loopback addresses are taken"));
        }
        Ok(Some(address))
    }

    pub fn address_wanted(&self, name: &str) -> Result<SocketAddr, String> {
        self.address(name)?.ok_or_else(|| format!("--{name} is missing"))
    }

    pub fn number(&self, name: &str, default: u32, range: RangeInclusive<u32>) -> Result<u32, String> {
        let Some(text) = self.0.get(name) else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("--{name} {text}: wants {} to {}", range.start(), range.end()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn options(words: &str) -> Result<Options, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words, &["connect", "seconds"], &["plain"])
    }

    #[test]
    fn only_loopback_addresses_are_taken() {
        for (text, taken) in [
            ("127.0.0.1:993", true),
            ("127.255.0.9:1", true),
            ("[::1]:993", true),
            ("192.0.2.1:993", false),
            ("0.0.0.0:993", false),
            ("[::]:993", false),
            ("localhost:993", false),
            ("127.0.0.1", false),
        ] {
            let read = options(&format!("--connect {text}")).unwrap().address("connect");
            assert_eq!(read.is_ok(), taken, "{text}: {read:?}");
        }
    }

    #[test]
    fn a_number_keeps_to_its_range_at_both_ends() {
        for (text, expected) in
            [("0", None), ("1", Some(1)), ("60", Some(60)), ("61", None), ("-1", None), ("x", None)]
        {
            let read = options(&format!("--seconds {text}")).unwrap().number("seconds", 3, 1..=60);
            assert_eq!(read.ok(), expected, "{text}");
        }
        assert_eq!(options("").unwrap().number("seconds", 3, 1..=60), Ok(3));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for words in ["--nonsense 1", "plain", "--seconds", "--plain --plain", "--seconds 1 --seconds 2"] {
            assert!(options(words).is_err(), "{words}");
        }
        assert!(options("--plain --seconds 2").unwrap().has("plain"));
    }
}
