//! What differs between the protocols before the login, as far as the engine must know it: what ends a line,
//! and who may announce literals. The codes are those of `gateway/model/protocol.ts`.

use crate::framer::FramerLimits;
use crate::server_lines::ServerLiterals;

/// How a client's bytes are cut up in the protocol of this code, within these bounds.
#[must_use]
pub const fn client_framing(protocol: u8, line_bytes_max: usize, literal_bytes_max: usize) -> FramerLimits {
    FramerLimits {
        line_bytes_max,
        literal_bytes_max,
        // RFC 9051 section 4.3; RFC 5804 section 1.6, where a client has only `{n+}`.
        literals: matches!(protocol, IMAP | SIEVE),
        // People type IMAP, POP3 and ManageSieve by hand. RFC 5321 section 2.3.8: in SMTP an LF alone ends
        // nothing, and two servers that disagree about it can be deceived.
        bare_lf_ends_line: matches!(protocol, IMAP | POP3 | SIEVE),
    }
}

/// What a literal in a server's answers means in the protocol of this code.
#[must_use]
pub const fn server_literals(protocol: u8) -> ServerLiterals {
    match protocol {
        IMAP => ServerLiterals::Refused,
        SIEVE => ServerLiterals::Joined,
        _ => ServerLiterals::None,
    }
}

const IMAP: u8 = 1;
const POP3: u8 = 2;
const SIEVE: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_line_ends_and_its_literals() {
        for (protocol, literals, bare_lf_ends_line, server) in [
            (1, true, true, ServerLiterals::Refused),
            (2, false, true, ServerLiterals::None),
            (3, true, true, ServerLiterals::Joined),
            (4, false, false, ServerLiterals::None),
            (5, false, false, ServerLiterals::None),
            (6, false, false, ServerLiterals::None),
            // Of a protocol that nobody knows the strictest is believed.
            (0, false, false, ServerLiterals::None),
            (255, false, false, ServerLiterals::None),
        ] {
            let framing = client_framing(protocol, 10, 20);
            assert_eq!((framing.line_bytes_max, framing.literal_bytes_max), (10, 20));
            assert_eq!(
                (framing.literals, framing.bare_lf_ends_line),
                (literals, bare_lf_ends_line),
                "{protocol}"
            );
            assert_eq!(server_literals(protocol), server, "{protocol}");
        }
    }
}
