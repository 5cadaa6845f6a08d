//! What must hold of a worker's records and of the handoffs in them, for any input: the fuzz target and the
//! tests call it.

use postern_queue::records::{BeyondArray, Record, records};
use postern_wire::request::Request;

/// The first byte says how many words of heads follow; the rest is the records' bytes.
pub fn check(input: &[u8]) {
    let Some((&count, rest)) = input.split_first() else { return };
    let (heads, bytes) = rest.split_at((usize::from(count) * 4).min(rest.len()));
    let heads: Vec<u32> = heads.chunks_exact(4).map(|word| word_at(word, 0)).collect();
    let mut used = 0;
    let found: Vec<_> = records(&heads, bytes).collect();
    assert!(found.len() <= heads.len() / 5);
    for (at, found) in found.iter().enumerate() {
        let head = &heads[at * 5..at * 5 + 5];
        match *found {
            Ok(Record { op, session, argument, bytes: payload }) => {
                assert_eq!((op, session.halves(), argument), (head[0], (head[1], head[2]), head[3]));
                assert_eq!(payload.len(), head[4] as usize);
                assert_eq!(payload.as_ptr(), bytes[used..].as_ptr(), "one record's bytes behind the other's");
                used += payload.len();
                check_request(payload);
            }
            Err(BeyondArray { length }) => {
                assert!(length == head[4] && length as usize > bytes.len() - used);
                assert_eq!(at + 1, records(&heads, bytes).count(), "nothing follows a fault");
            }
        }
    }
    let is_whole = found.iter().all(Result::is_ok);
    assert!(!is_whole || found.len() == heads.len() / 5, "every record is given, or a fault");
}

/// What decodes says what stands there; what does not is refused in few words.
fn check_request(bytes: &[u8]) {
    match Request::decode(bytes) {
        Ok(request) => {
            assert_eq!(request.server, word_at(bytes, 0));
            assert_eq!(request.database.unwrap_or(u32::MAX), word_at(bytes, 4));
            assert_eq!(
                request.generation,
                u64::from(word_at(bytes, 12)) << 32 | u64::from(word_at(bytes, 8))
            );
            assert_eq!(request.mailbox, u64::from(word_at(bytes, 20)) << 32 | u64::from(word_at(bytes, 16)));
            assert_eq!(request.is_exclusive, word_at(bytes, 24) % 2 == 1);
        }
        Err(fault) => assert!(fault.to_string().len() < 100),
    }
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(bytes[at])
        | u32::from(bytes[at + 1]) << 8
        | u32::from(bytes[at + 2]) << 16
        | u32::from(bytes[at + 3]) << 24
}
