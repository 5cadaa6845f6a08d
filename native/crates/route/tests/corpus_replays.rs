//! The fuzz checks on the committed corpora and on random files, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../../fuzz/checks/mailboxes.rs"]
mod mailboxes;

use proptest::prelude::*;
use std::path::Path;

#[test]
fn corpus_replays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/mailboxes");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "mailboxes has a corpus");
    for file in files {
        println!("{}", file.display());
        mailboxes::check(&std::fs::read(file).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_a_file_says_is_found_again_or_the_file_is_refused(
        text in "([a-f]{1,3}(,[g-k]{1,3}){0,2}[ \t]{1,2}db[1-3]( #[a-z ]{0,5})?\r?\n|#[a-z ]{0,9}\n|\n){0,12}"
    ) {
        mailboxes::check(text.as_bytes());
    }

    #[test]
    fn no_bytes_at_all_break_the_table(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        mailboxes::check(&bytes);
    }

    #[test]
    fn odd_text_is_refused_in_words_or_found(text in "[\u{feff}aA#, \t\r\n\u{0}ä\u{a0}]{0,60}") {
        mailboxes::check(text.as_bytes());
    }
}
