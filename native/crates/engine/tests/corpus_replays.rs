//! The fuzz check of a worker's commands on its committed corpus and on random bytes, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../../fuzz/checks/commands.rs"]
mod commands;

use proptest::prelude::*;
use std::path::Path;

#[test]
fn corpus_replays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/commands");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "commands has a corpus");
    for file in files {
        println!("{}", file.display());
        commands::check(&std::fs::read(file).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_arrays_are_records_up_to_a_fault(
        heads in prop::collection::vec(prop_oneof![Just(0_u32), 0_u32..64, any::<u32>()], 0..32),
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..200),
    ) {
        let heads_bytes: Vec<u8> = heads.iter().flat_map(|word| word.to_le_bytes()).collect();
        commands::check(&[&[heads.len() as u8], &heads_bytes[..], &bytes].concat());
    }
}
