/**
 * What a client is told as the last of its session, for every end reason: which reasons share their words,
 * and which have none. The words themselves are each protocol's (replies.ts).
 */
import { type EndReason, endReasons } from '#model/end-reason';

/** A protocol's last words, each a whole line or more with its end. */
export interface Farewells {
  readonly loggedOut: string;
  /** Trouble of ours or of a server: it must not look like a wrong password. */
  readonly temporary: string;
  readonly idle: string;
  readonly tooManyConnections: string;
  readonly tooManyFromAddress: string;
  /** Nor must this. */
  readonly tooManyForMailbox: string;
  readonly tlsRequired: string;
  /** Too many mistakes, none of which was answered yet. */
  readonly syntax: string;
  readonly wrongProtocol: string;
  readonly lineTooLong: string;
  readonly literalTooLong: string;
  readonly preambleTooLong: string;
  readonly preambleTimeout: string;
  readonly tooManyFailures: string;
  readonly moved: string;
  readonly drained: string;
  readonly kicked: string;
  readonly restarting: string;
}

/** The last words by end reason; '' where no word could be understood, or none is owed. */
export function lastWordsIn(farewells: Farewells): (reason: EndReason) => string {
  return (reason) => {
    const kind = kinds[reason];
    return kind === 'silence' ? '' : farewells[kind];
  };
}

/** What the engine says where it ends a session by itself: by code of the end reason, 0 for all others. */
export function engineWordsIn(farewells: Farewells): { reason: number; text: string }[] {
  const wordsOf = lastWordsIn(farewells);
  const rows = (Object.keys(kinds) as EndReason[]).map((reason) => ({
    reason: endReasons[reason].code,
    text: wordsOf(reason),
  }));
  return [{ reason: 0, text: farewells.temporary }, ...rows];
}

const kinds: Readonly<Record<EndReason, keyof Farewells | 'silence'>> = {
  client_closed: 'silence',
  server_closed: 'silence',
  client_logout: 'loggedOut',
  client_quit: 'silence',
  idle_timeout: 'idle',
  too_many_connections: 'tooManyConnections',
  too_many_from_address: 'tooManyFromAddress',
  worker_overloaded: 'temporary',
  worker_died: 'temporary',
  tls_timeout: 'silence',
  tls_failed: 'silence',
  tls_wrong_protocol: 'silence',
  tls_required: 'tlsRequired',
  // V01: whoever stands between may have written those bytes. It gets no answer.
  starttls_injection: 'silence',
  syntax: 'syntax',
  wrong_protocol: 'wrongProtocol',
  line_too_long: 'lineTooLong',
  literal_too_long: 'literalTooLong',
  preamble_too_long: 'preambleTooLong',
  preamble_timeout: 'preambleTimeout',
  too_many_failures: 'tooManyFailures',
  unknown_mailbox: 'temporary',
  directory_unavailable: 'temporary',
  no_active_copy: 'temporary',
  database_conflict: 'temporary',
  database_dismounted: 'temporary',
  held_too_long: 'temporary',
  server_down: 'temporary',
  connect_refused: 'temporary',
  connect_timeout: 'temporary',
  connect_failed: 'temporary',
  server_tls_failed: 'temporary',
  greeting_timeout: 'temporary',
  server_unexpected: 'temporary',
  login_timeout: 'temporary',
  copy_moved: 'moved',
  drained: 'drained',
  kicked: 'kicked',
  shutdown: 'restarting',
  client_reset: 'silence',
  server_reset: 'temporary',
  internal_error: 'temporary',
  server_left: 'temporary',
  held_elsewhere: 'temporary',
  tls_truncated: 'silence',
  too_many_for_mailbox: 'tooManyForMailbox',
  // V51: whoever it is does not speak the protocol to us yet.
  proxy_untrusted: 'silence',
  proxy_header_bad: 'silence',
};
