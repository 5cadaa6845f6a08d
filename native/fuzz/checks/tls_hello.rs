//! What must hold of a server's first words in TLS for any input: the fuzz target and the tests call it.

use postern_wire::tls_hello::{Answer, read_answer};

/// An answer once understood stays the same, whatever follows; and it is made of its own first bytes.
pub fn check(input: &[u8]) {
    let whole = read_answer(input);
    let mut settled = None;
    for length in 0..=input.len().min(600) {
        let answer = read_answer(&input[..length]);
        if let Some(earlier) = settled {
            assert_eq!(answer, earlier, "changed at {length}");
        } else if answer != Answer::Incomplete {
            settled = Some(answer);
        }
    }
    if let Some(settled) = settled {
        assert_eq!(whole, settled);
    }
    if let Answer::Offer(offer) = whole {
        assert!(!offer.to_string().is_empty());
        let suite = offer.suite.to_be_bytes();
        assert!(suite.iter().all(|byte| input.contains(byte)), "the suite comes from the bytes");
    }
}
