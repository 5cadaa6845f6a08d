#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
use super::*;
use crate::interner::{Interner, NAMES_MAX};
use std::time::Instant;

fn parse(text: impl AsRef<[u8]>) -> Result<Mailboxes, ParseFault> {
    let interner = Interner::new();
    Mailboxes::parse(text.as_ref(), &mut |name| interner.intern(name), 42, "mailboxes")
}

#[test]
fn a_key_has_one_form_whatever_its_case_and_the_white_space_around() {
    for (raw, key) in [
        ("ann", Some("ann")),
        (" Ann@Demo.TEST\t\r\n", Some("ann@demo.test")),
        ("DEMO\\ann", Some("demo\\ann")),
        ("Änn@demo.test", Some("änn@demo.test")),
        ("GRÜSSE", Some("grüsse")),
        ("jo\u{308}rg", Some("jörg")),
        ("JO\u{308}RG", Some("jörg")),
        ("", None),
        (" \t", None),
        ("a b", None),
        ("a\tb", None),
        ("a,b", None),
        ("a\0b", None),
        ("a\u{7f}", None),
        ("a\u{85}b", None),
        ("a\u{a0}b", None),
        ("a\u{2028}b", None),
    ] {
        assert_eq!(canonical_key(raw).as_deref(), key, "{raw:?}");
    }
    assert!(matches!(canonical_key("ann"), Some(Cow::Borrowed(_))), "nothing is copied without need");
}

#[test]
fn a_key_may_have_256_bytes() {
    let longest = "k".repeat(256);
    assert_eq!(canonical_key(&format!("  {longest} ")).as_deref(), Some(&longest[..]));
    assert_eq!(canonical_key(&"k".repeat(257)), None);
    assert_eq!(canonical_key(&"ü".repeat(129)), None, "bytes, not letters");
    // One code of two bytes is composed of two such; the name that is kept is the one that is bounded.
    assert_eq!(canonical_key(&"\u{344}".repeat(64)).map(|key| key.len()), Some(256));
    assert_eq!(canonical_key(&"\u{344}".repeat(65)), None);
    assert_eq!(parse(format!("{longest} db1")).unwrap().len_keys(), 1);
    assert!(parse(format!("{longest}k db1")).unwrap_err().what.ends_with("... is no mailbox key"));
}

#[test]
fn a_directory_is_read_with_all_that_may_stand_in_it() {
    let table = parse(
        "\u{feff}# mailbox  database\r\n\r\n  \t\nann@demo.test,Ann,DEMO\\ann\tDB1\r\n\
         bob@demo.test   db2 # on leave\n\t# another\n cid#x@demo.test db1#old\ndan DB2",
    )
    .unwrap();
    assert_eq!((table.len_keys(), table.len_mailboxes()), (6, 4));
    let ann = table.lookup("ann@demo.test");
    assert_eq!(ann.database, Some(0));
    assert!(["ANN", " demo\\Ann "].iter().all(|key| table.lookup(key) == ann));
    assert_eq!((table.lookup("bob@demo.test").database, table.lookup("dan").database), (Some(1), Some(1)));
    assert_eq!(table.lookup("cid#x@demo.test").database, Some(2), "# within a word is part of it");
}

#[test]
fn an_identity_is_the_first_keys_and_stays_over_reloads() {
    let before = parse("ann@demo.test,ann db1\nbob db1\n").unwrap();
    let behind = parse("bob db2\nann@demo.test,ann,annie db2\n").unwrap();
    assert_eq!(before.lookup("ann").mailbox, before.lookup("ANN@demo.test").mailbox);
    assert_eq!(before.lookup("ann").mailbox, behind.lookup("annie").mailbox);
    assert_ne!(before.lookup("ann").mailbox, before.lookup("bob").mailbox);
    // A mailbox that is not in the directory has the identity that it will have there as a first key.
    assert_eq!(Mailboxes::empty(42).lookup(" Ann@demo.test").mailbox, before.lookup("ann").mailbox);
    assert_ne!(
        Mailboxes::empty(43).lookup("ann@demo.test").mailbox,
        before.lookup("ann").mailbox,
        "the seed keys it"
    );
}

#[test]
fn what_is_no_key_is_not_found_and_still_has_an_identity() {
    let table = parse("ann db1").unwrap();
    for key in ["", "a b", "ann,", "ann\0", &"k".repeat(1000)] {
        assert_eq!(table.lookup(key).database, None, "{key:?}");
    }
    assert_ne!(table.lookup("a b").mailbox, table.lookup("a c").mailbox);
    assert_eq!(Mailboxes::empty(1).lookup("ann").database, None);
}

#[test]
fn each_fault_names_the_line_and_what_is_wrong_with_it() {
    for (text, line, what) in [
        ("ann db1\n\n#x\nbob", 4, "no database behind \"bob\""),
        ("ann # db1", 1, "no database behind \"ann\""),
        ("ann, bob db1", 1, "\"db1\" behind the database; keys are parted by commas alone"),
        ("ann ,bob", 1, "\",bob\" is no database's name"),
        ("ann,,bob db1", 1, "\"\" is no mailbox key"),
        ("ann, db1", 1, "\"\" is no mailbox key"),
        ("a\0n db1", 1, "\"a\\0n\" is no mailbox key"),
        ("ann d\u{7f}b", 1, "\"d\\u{7f}b\" is no database's name"),
        ("ann db1\nbob db1\nx,ANN db2", 3, "\"ann\" stands on line 1 already"),
        ("ann,Ann db1", 1, "\"ann\" stands on line 1 already"),
    ] {
        let fault = ParseFault { path: "mailboxes".into(), line, what: what.into() };
        assert_eq!(parse(text).unwrap_err(), fault);
        assert_eq!(fault.to_string(), format!("mailboxes line {line}: {what}"));
    }
    assert_eq!(parse(b"ann db1\n\xff db1\n").unwrap_err().to_string(), "mailboxes line 2: not UTF-8");
}

/// J with a caron is two codes in upper case and one in lower case: composed before lower case only, the two
/// spellings were two names, and whoever typed the capital was not found. Found by the fuzzer.
#[test]
fn a_letter_that_composes_in_lower_case_alone_is_found_by_its_capital() {
    let table = parse("\u{1f0}an db1\nxt\u{344} db2").unwrap();
    assert_eq!(table.lookup("J\u{30c}AN").database, Some(0));
    assert_eq!(table.lookup("j\u{30c}an").database, Some(0));
    assert_eq!(table.lookup("XT\u{344}").database, Some(1));
}

/// Two files put together leave the second one's byte order mark in the middle: its first name had an
/// invisible letter in front and was never found, and nothing said so. Found by the fuzzer.
#[test]
fn a_byte_order_mark_anywhere_but_at_the_very_start_is_refused() {
    for (text, line) in
        [("\u{feff}\u{feff}ann db1", 1), ("ann db1\n\u{feff}bob db1", 2), ("a,\u{feff}# db1", 1)]
    {
        let fault = parse(text).unwrap_err();
        assert_eq!(fault.line, line);
        assert!(
            fault.what.starts_with("\"\\u{feff}") && fault.what.ends_with("is no mailbox key"),
            "{fault}"
        );
    }
    assert!(parse("\u{feff}ann db1").is_ok() && parse("ann d\u{feff}b1").is_err());
    assert_eq!(parse("ann db1").unwrap().lookup("\u{feff}ann").database, None);
}

#[test]
fn a_duplicate_is_told_from_its_line_after_the_table_has_grown_too() {
    let text: String = (1..=1000).map(|number| format!("user{number} db1\n")).collect();
    let fault = parse(format!("{text}User17 db2\n")).unwrap_err();
    assert_eq!((fault.line, &fault.what[..]), (1001, "\"user17\" stands on line 17 already"));
}

#[test]
fn a_line_may_have_8_kib_with_its_end() {
    let line = |bytes: usize| {
        let keys: Vec<String> = (0..100).map(|key| format!("key{key}")).collect();
        let line = format!("{} db1 #", keys.join(","));
        format!("{line}{}\n", "x".repeat(bytes - line.len() - 1))
    };
    assert_eq!(parse(line(DIRECTORY_LINE_BYTES_MAX)).unwrap().len_keys(), 100);
    let fault = parse(format!("ann db1\n{}", line(DIRECTORY_LINE_BYTES_MAX + 1))).unwrap_err();
    assert_eq!((fault.line, &fault.what[..]), (2, "a line of more than 8192 bytes"));
    assert_eq!(parse("x".repeat(100_000)).unwrap_err().line, 1);
}

#[test]
fn a_database_may_have_a_name_of_256_bytes_and_there_may_be_65535() {
    assert!(parse(format!("ann {}", "d".repeat(256))).is_ok());
    assert!(parse(format!("ann {}", "d".repeat(257))).unwrap_err().what.ends_with("is no database's name"));
    let lines = |count: usize| (0..count).map(|at| format!("u{at} d{at}\n")).collect::<String>();
    assert_eq!(parse(lines(NAMES_MAX)).unwrap().lookup("u65534").database, Some(65_534));
    let fault = parse(lines(NAMES_MAX + 1)).unwrap_err();
    assert_eq!((fault.line, &fault.what[..]), (65_536, "one database too many: \"d65535\""));
}

#[test]
fn the_number_of_keys_is_bounded() {
    for (keys_max, result) in [(4, Ok(())), (3, Err("more than 3 keys".to_owned()))] {
        let mut building = Building { keys_max, ..Building::new(1) };
        assert_eq!(building.read(&b"a,b db1\nc,d db1\n"[..], &mut |_| Some(0)), result);
    }
}

#[test]
fn a_file_that_stops_being_readable_is_a_fault() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk gone"))
        }
    }
    let reader = std::io::BufReader::new(b"ann db1\n".chain(Broken));
    let fault = Mailboxes::parse(reader, &mut |_| Some(0), 1, "m").unwrap_err();
    assert_eq!(fault.to_string(), "m line 2: cannot be read: disk gone");
}

/// Shown with `--release -- --nocapture million`; the figures go into the design notes.
#[test]
fn a_million_keys_take_less_than_64_mb_and_are_all_found() {
    const KEYS: usize = 1_000_000;
    let text: String = (0..KEYS).map(|at| format!("user{at}@example.org db{}\n", at % 100)).collect();
    let started = Instant::now();
    let table = parse(&text).unwrap();
    println!("{KEYS} keys: {} bytes, parsed in {:?}", table.bytes(), started.elapsed());
    assert_eq!(table.len_keys(), KEYS);
    assert!(table.bytes() <= 40 << 20, "{}", table.bytes());
    let names: Vec<String> =
        (0..KEYS).step_by(7).map(|at| format!("User{}@example.org", at * 7919 % KEYS)).collect();
    let started = Instant::now();
    let found = names.iter().filter(|name| table.lookup(name).database.is_some()).count();
    println!(
        "{:?} per lookup of a key that is there",
        started.elapsed() / u32::try_from(names.len()).unwrap()
    );
    assert_eq!(found, names.len());
    assert_eq!(table.lookup("user123456@example.org").database, Some(56));
    let started = Instant::now();
    let missing = names.iter().filter(|name| table.lookup(&name[1..]).database.is_none()).count();
    println!("{:?} per lookup of one that is not", started.elapsed() / u32::try_from(names.len()).unwrap());
    assert_eq!(missing, names.len());
}

/// `old + new` while it grows, beside the lines of the keys: 22 bytes a slot.
#[test]
fn a_reload_of_a_million_keys_never_needs_100_mb() {
    let (mut building, mut most) = (Building::new(1), 0);
    for key in 1..=1_000_000_u64 {
        let before = building.lines.len();
        building.line = key;
        assert!(building.add_key(key.wrapping_mul(0x9e37_79b9_7f4a_7c15), key, 0).is_ok());
        let now = building.lines.len();
        most = most.max(22 * if now == before { now } else { now + before });
    }
    println!("at most {most} bytes at once");
    assert!(most <= 100_000_000, "{most}");
}
