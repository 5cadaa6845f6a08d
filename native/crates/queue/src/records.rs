//! Records as they lie in a worker's two arrays: five words of head each, and its bytes, one record's behind
//! the other's (docs/design/0001-engine-contract.md).

use crate::session_id::SessionId;
use crate::worker_queue::HEAD_WORDS;

/// One command of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub op: u32,
    pub session: SessionId,
    pub argument: u32,
    pub bytes: &'a [u8],
}

/// A record says that it has more bytes than the array: where those of the next ones begin is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeyondArray {
    pub length: u32,
}

/// The records of two arrays, in order; behind a fault there are no more. What is left of `heads` behind the
/// last whole record is no record.
pub fn records<'a>(
    heads: &'a [u32],
    bytes: &'a [u8],
) -> impl Iterator<Item = Result<Record<'a>, BeyondArray>> {
    let (heads, _) = heads.as_chunks::<HEAD_WORDS>();
    let mut rest = Some(bytes);
    heads.iter().map_while(move |&[op, low, high, argument, length]| {
        let (bytes, behind) = match rest?.split_at_checked(length as usize) {
            Some(split) => split,
            None => {
                rest = None;
                return Some(Err(BeyondArray { length }));
            }
        };
        rest = Some(behind);
        Some(Ok(Record { op, session: SessionId::from_halves(low, high), argument, bytes }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_has_its_own_bytes_and_nothing_follows_one_that_is_too_long() {
        let heads = [1, 7, 0, 9, 2, 2, 7, 0, 0, 0, 3, 7, 0, 0, 4, 4, 7, 0, 0, 0, 5];
        let session = SessionId::from_halves(7, 0);
        let record = |op, argument, bytes| Ok(Record { op, session, argument, bytes });
        let found: Vec<_> = records(&heads, b"abcde").collect();
        assert_eq!(found, [record(1, 9, b"ab"), record(2, 0, b""), Err(BeyondArray { length: 4 })]);
        let whole: Vec<_> = records(&heads, b"abcdef").collect();
        assert_eq!(whole.get(2..), Some(&[record(3, 0, b"cdef"), record(4, 0, b"")][..]));
    }
}
