//! What must hold of a PROXY header for any input: the fuzz target and the tests call it.

use postern_wire::proxy_header::{
    Client, HEADER_BYTES_MAX, Introduction, Verdict, Version, parse, write_header,
};

/// The input is the first bytes of a connection.
pub fn check(input: &[u8]) {
    let verdict = parse(input);
    // However it is cut, the same is found, as soon as it can be, and never something else before.
    for end in 0..input.len().min(HEADER_BYTES_MAX + 1) {
        match (parse(&input[..end]), verdict) {
            (Verdict::Incomplete, Verdict::Header { length, .. }) => assert!(end < length, "late, at {end}"),
            (Verdict::Incomplete, _) => {}
            (early, _) => assert_eq!(early, verdict, "at {end} of {}", input.len()),
        }
    }
    match verdict {
        Verdict::Incomplete => assert!(input.len() < HEADER_BYTES_MAX, "it waits for too much"),
        Verdict::Header { client, length } => {
            assert!(0 < length && length <= input.len().min(HEADER_BYTES_MAX));
            check_client(client);
        }
        Verdict::Refused(refusal) => {
            let words = refusal.to_string();
            assert!(!words.is_empty() && words.len() < 100);
        }
    }
}

/// What was read can be written, and reads as the same: where both addresses are of one family.
fn check_client(client: Client) {
    let Client::Forwarded { from, to } = client else { return };
    let introduction = Introduction { from, to, tls: None, session: "s" };
    let expected = if from.is_ipv4() == to.is_ipv4() { client } else { Client::Local };
    for version in [Version::V1, Version::V2] {
        let header = write_header(version, &introduction);
        assert_eq!(parse(&header), Verdict::Header { client: expected, length: header.len() });
    }
}
