/**
 * All that we may say to a ManageSieve client by ourselves: the table, and nothing else. Words are generic;
 * what really happened is in the log. Refusals carry their response code where RFC 5804 section 1.3 has one.
 */
import { type Farewells, engineWordsIn, lastWordsIn } from '../last-words.ts';

export const replies = {
  greeting: (capabilities: string, hostname: string) =>
    `${capabilities}OK ${quoted(`${hostname} ready`)}\r\n`,
  capability: (capabilities: string) => `${capabilities}OK "CAPABILITY completed"\r\n`,
  startTls: 'OK "Begin TLS negotiation now"\r\n',
  // RFC 5804 section 2.2: the capabilities come anew, unasked, inside TLS.
  tlsReady: (capabilities: string) => `${capabilities}OK "TLS is active"\r\n`,
  tlsActive: 'NO "TLS is active already"\r\n',
  noop: 'OK "NOOP completed"\r\n',
  noopTagged: (tag: string) => `OK (TAG ${string(tag)}) "NOOP completed"\r\n`,
  challenge: (prompt: string) => `"${prompt}"\r\n`,
  cancelled: 'NO "Authentication cancelled"\r\n',
  badBase64: 'NO "Invalid base64"\r\n',
  privacyRequired: 'NO (ENCRYPT-NEEDED) "Log in after STARTTLS only"\r\n',
  // RFC 5804 has no code for a wrong password.
  authenticationFailed: 'NO "Authentication failed"\r\n',
  unsupportedMechanism: 'NO "Unsupported authentication mechanism"\r\n',
  refused: (code: string, text: string) => `NO (${code}) ${quoted(text)}\r\n`,
  tooBig: 'NO "Too long an argument"\r\n',
  logInFirst: 'NO "Log in first"\r\n',
  unknownCommand: 'NO "Unknown command"\r\n',
  tooManyErrors: 'BYE "Too many errors"\r\n',
  syntax: (column: number, wanted: string) =>
    `NO ${quoted(`Syntax error at column ${column}: expected ${wanted}`)}\r\n`,
} as const;

/** RFC 5804 section 4: `\` stands before `"` and `\`. For text without control characters. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A string of any bytes: a literal where quotes could not hold it. A server's literals have no plus. */
function string(bytes: string): string {
  return /^[\x20-\x7e]*$/.test(bytes) ? quoted(bytes) : `{${bytes.length}}\r\n${bytes}`;
}

const farewells: Farewells = {
  loggedOut: 'OK "Logging out"\r\n',
  // RFC 5804 section 1.3: TRYLATER is temporary, and no reason to ask for the password again.
  temporary: 'BYE (TRYLATER) "Temporary failure, try again later"\r\n',
  idle: 'BYE "Idle for too long"\r\n',
  tooManyConnections: 'BYE (TRYLATER) "Too many connections, try again later"\r\n',
  tooManyFromAddress: 'BYE (TRYLATER) "Too many connections from your address"\r\n',
  tooManyForMailbox: 'BYE (TRYLATER) "Too many sessions of this mailbox"\r\n',
  tlsRequired: 'BYE (ENCRYPT-NEEDED) "Log in after STARTTLS only"\r\n',
  syntax: 'BYE "Too many errors"\r\n',
  wrongProtocol: 'BYE "This is a ManageSieve server"\r\n',
  lineTooLong: 'BYE "Too long a line"\r\n',
  literalTooLong: 'BYE "Too long a literal"\r\n',
  preambleTooLong: 'BYE "Too many bytes before a login"\r\n',
  preambleTimeout: 'BYE "No login for too long"\r\n',
  tooManyFailures: 'BYE "Too many failures"\r\n',
  moved: 'BYE (TRYLATER) "The mailbox has moved, connect again"\r\n',
  drained: 'BYE (TRYLATER) "The server goes out of service, connect again"\r\n',
  kicked: 'BYE "Ended by the operator"\r\n',
  restarting: 'BYE (TRYLATER) "The service is restarting, connect again"\r\n',
};

/** The last words by end reason; '' where no word could be understood, or none is owed. */
export const lastWords = lastWordsIn(farewells);

/** What the engine says where it ends a session by itself. */
export const sieveEngineWords = engineWordsIn(farewells);
