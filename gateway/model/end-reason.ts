/**
 * Why a session ended: one table for the engine, the fronts, logs, metrics and docs/end-reasons.md.
 *
 * `native/crates/engine/src/end_reason.rs` holds the same codes and names; a test compares the two.
 * A code is never given a new meaning.
 */

/** Whose doing an end was. */
export type Fault = 'client' | 'server' | 'network' | 'operator' | 'gateway' | 'nobody';

export interface EndReasonRow {
  readonly code: number;
  readonly fault: Fault;
  /** True where an operator would want to know. */
  readonly isError: boolean;
  readonly text: string;
}

const rows = {
  client_closed: row(1, 'nobody', false, 'the client closed the spliced session'),
  server_closed: row(2, 'nobody', false, 'the server closed the spliced session'),
  client_logout: row(3, 'nobody', false, 'the client said goodbye before it logged in'),
  client_quit: row(4, 'client', false, 'the client left before it logged in'),
  idle_timeout: row(5, 'nobody', false, 'no byte moved either way for the idle timeout'),
  too_many_connections: row(6, 'gateway', true, 'the gateway holds as many connections as it may'),
  too_many_from_address: row(7, 'client', true, 'this client address holds as many connections as it may'),
  worker_overloaded: row(8, 'gateway', true, 'no worker could take the session'),
  worker_died: row(9, 'gateway', true, 'the worker that spoke to the client died during the preamble'),
  tls_timeout: row(10, 'client', false, 'the TLS handshake with the client took too long'),
  tls_failed: row(11, 'client', false, 'the TLS handshake with the client failed'),
  tls_wrong_protocol: row(12, 'client', false, 'the client asked by ALPN for another protocol'),
  tls_required: row(13, 'client', false, 'the client kept on trying to log in without TLS'),
  starttls_injection: row(14, 'client', true, 'bytes came behind STARTTLS before the handshake'),
  syntax: row(15, 'client', false, 'too many commands that are no commands'),
  wrong_protocol: row(16, 'client', false, 'the client spoke another protocol, such as HTTP'),
  line_too_long: row(17, 'client', false, 'a line over the limit'),
  literal_too_long: row(18, 'client', false, 'a literal over the limit'),
  preamble_too_long: row(19, 'client', false, 'too many bytes before a login'),
  preamble_timeout: row(20, 'client', false, 'no login within the preamble timeout'),
  too_many_failures: row(21, 'client', false, 'as many refused logins as one connection may have'),
  unknown_mailbox: row(
    22,
    'operator',
    true,
    'the directory does not know the mailbox, and there is no default',
  ),
  directory_unavailable: row(23, 'operator', true, 'the directory could not be asked'),
  no_active_copy: row(24, 'server', true, 'no source says where the active copy of the database is'),
  database_conflict: row(25, 'server', true, 'two servers claim the active copy'),
  database_dismounted: row(26, 'server', true, 'the database is dismounted on its server'),
  held_too_long: row(27, 'server', true, 'the database was still moving when the hold ended'),
  server_down: row(28, 'server', true, 'the server with the active copy is down'),
  connect_refused: row(29, 'server', true, 'the server refused the connection'),
  connect_timeout: row(30, 'server', true, 'the server did not take the connection in time'),
  connect_failed: row(31, 'network', true, 'the server could not be reached'),
  server_tls_failed: row(32, 'server', true, 'the TLS handshake with the server failed'),
  greeting_timeout: row(33, 'server', true, 'the server sent no greeting in time'),
  server_unexpected: row(34, 'server', true, 'the server answered the handoff with something unexpected'),
  login_timeout: row(35, 'server', true, 'the server did not answer the login in time'),
  copy_moved: row(36, 'nobody', false, 'the active copy moved to another server'),
  drained: row(37, 'operator', false, 'the server was taken out of service'),
  kicked: row(38, 'operator', false, 'an operator ended the session'),
  shutdown: row(39, 'operator', false, 'the gateway was stopped'),
  client_reset: row(40, 'network', false, 'the connection to the client broke'),
  server_reset: row(41, 'network', true, 'the connection to the server broke'),
  internal_error: row(42, 'gateway', true, 'a fault of the gateway itself'),
  server_left: row(43, 'server', true, 'the server closed the connection during the handoff'),
  held_elsewhere: row(
    44,
    'nobody',
    false,
    'sessions of the mailbox were still open on the server it moved from',
  ),
  tls_truncated: row(45, 'network', false, 'a TLS connection ended without its closing alert'),
  too_many_for_mailbox: row(46, 'client', true, 'the mailbox has as many sessions as it may'),
  proxy_untrusted: row(47, 'client', true, 'no trusted proxy, where each connection must come from one'),
  proxy_header_bad: row(48, 'operator', true, 'a trusted proxy sent no PROXY header, or a bad one'),
} satisfies Record<string, EndReasonRow>;

/** The name of an end reason; it is what logs and metrics show. */
export type EndReason = keyof typeof rows;

/** The table, for metrics and the docs. */
export const endReasons: Readonly<Record<EndReason, EndReasonRow>> = rows;

const nameByCode: ReadonlyMap<number, EndReason> = new Map(
  Object.entries(rows).map(([name, { code }]) => [code, name as EndReason]),
);

/**
 * The end reason of a code that the engine sent. The engine's table is the same, so an unknown code is a
 * fault of our own.
 */
export function endReasonOf(code: number): EndReason {
  return nameByCode.get(code) ?? 'internal_error';
}

/** The code of an end reason, as it crosses to the engine. */
export function codeOf(reason: EndReason): number {
  return endReasons[reason].code;
}

function row(code: number, fault: Fault, isError: boolean, text: string): EndReasonRow {
  return { code, fault, isError, text };
}
