//! Why a session ended. The codes and names are those of `gateway/model/end-reason.ts`, which also says
//! whose doing each was; a test compares the two tables. A code is never given a new meaning.

macro_rules! end_reasons {
    ($($variant:ident = $code:literal $name:literal $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum EndReason { $(#[doc = $text] $variant = $code,)* }

        impl EndReason {
            /// Every reason, in the order of the codes.
            pub const ALL: &'static [EndReason] = &[$(EndReason::$variant,)*];

            /// The name that logs and metrics show.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(EndReason::$variant => $name,)* }
            }

            /// The reason of a code that a worker sent; `None` for a code that is not in the table.
            #[must_use]
            pub const fn of(code: u32) -> Option<Self> {
                match code { $($code => Some(EndReason::$variant),)* _ => None }
            }
        }
    };
}

impl EndReason {
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }
}

end_reasons! {
    ClientClosed = 1 "client_closed" "the client closed the spliced session",
    ServerClosed = 2 "server_closed" "the server closed the spliced session",
    ClientLogout = 3 "client_logout" "the client said goodbye before it logged in",
    ClientQuit = 4 "client_quit" "the client left before it logged in",
    IdleTimeout = 5 "idle_timeout" "no byte moved either way for the idle timeout",
    TooManyConnections = 6 "too_many_connections" "the gateway holds as many connections as it may",
    TooManyFromAddress = 7 "too_many_from_address" "this client address holds as many connections as it may",
    WorkerOverloaded = 8 "worker_overloaded" "no worker could take the session",
    WorkerDied = 9 "worker_died" "the worker that spoke to the client died during the preamble",
    TlsTimeout = 10 "tls_timeout" "the TLS handshake with the client took too long",
    TlsFailed = 11 "tls_failed" "the TLS handshake with the client failed",
    TlsWrongProtocol = 12 "tls_wrong_protocol" "the client asked by ALPN for another protocol",
    TlsRequired = 13 "tls_required" "the client kept on trying to log in without TLS",
    StarttlsInjection = 14 "starttls_injection" "bytes came behind STARTTLS before the handshake",
    Syntax = 15 "syntax" "too many commands that are no commands",
    WrongProtocol = 16 "wrong_protocol" "the client spoke another protocol, such as HTTP",
    LineTooLong = 17 "line_too_long" "a line over the limit",
    LiteralTooLong = 18 "literal_too_long" "a literal over the limit",
    PreambleTooLong = 19 "preamble_too_long" "too many bytes before a login",
    PreambleTimeout = 20 "preamble_timeout" "no login within the preamble timeout",
    TooManyFailures = 21 "too_many_failures" "as many refused logins as one connection may have",
    UnknownMailbox = 22 "unknown_mailbox" "the directory does not know the mailbox, and there is no default",
    DirectoryUnavailable = 23 "directory_unavailable" "the directory could not be asked",
    NoActiveCopy = 24 "no_active_copy" "no source says where the active copy of the database is",
    DatabaseConflict = 25 "database_conflict" "two servers claim the active copy",
    DatabaseDismounted = 26 "database_dismounted" "the database is dismounted on its server",
    HeldTooLong = 27 "held_too_long" "the database was still moving when the hold ended",
    ServerDown = 28 "server_down" "the server with the active copy is down",
    ConnectRefused = 29 "connect_refused" "the server refused the connection",
    ConnectTimeout = 30 "connect_timeout" "the server did not take the connection in time",
    ConnectFailed = 31 "connect_failed" "the server could not be reached",
    ServerTlsFailed = 32 "server_tls_failed" "the TLS handshake with the server failed",
    GreetingTimeout = 33 "greeting_timeout" "the server sent no greeting in time",
    ServerUnexpected = 34 "server_unexpected" "the server answered the handoff with something unexpected",
    LoginTimeout = 35 "login_timeout" "the server did not answer the login in time",
    CopyMoved = 36 "copy_moved" "the active copy moved to another server",
    Drained = 37 "drained" "the server was taken out of service",
    Kicked = 38 "kicked" "an operator ended the session",
    Shutdown = 39 "shutdown" "the gateway was stopped",
    ClientReset = 40 "client_reset" "the connection to the client broke",
    ServerReset = 41 "server_reset" "the connection to the server broke",
    InternalError = 42 "internal_error" "a fault of the gateway itself",
    ServerLeft = 43 "server_left" "the server closed the connection during the handoff",
    HeldElsewhere = 44 "held_elsewhere" "sessions of the mailbox were still open on the server it moved from",
    TlsTruncated = 45 "tls_truncated" "a TLS connection ended without its closing alert",
    TooManyForMailbox = 46 "too_many_for_mailbox" "the mailbox has as many sessions as it may",
    ProxyUntrusted = 47 "proxy_untrusted" "no trusted proxy, where each connection must come from one",
    ProxyHeaderBad = 48 "proxy_header_bad" "a trusted proxy sent no PROXY header, or a bad one",
}

/// One more than the highest code: the length of a table that codes index.
pub const CODES: usize = EndReason::ALL.len() + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_run_from_one_without_a_gap() {
        for (place, reason) in EndReason::ALL.iter().enumerate() {
            assert_eq!(reason.code() as usize, place + 1, "{}", reason.name());
            assert_eq!(EndReason::of(reason.code()), Some(*reason));
        }
        assert_eq!((EndReason::of(0), EndReason::of(CODES as u32)), (None, None));
    }
}
