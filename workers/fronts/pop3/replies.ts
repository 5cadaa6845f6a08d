/**
 * All that we may say to a POP3 client by ourselves: the table, and nothing else. Words are generic; what
 * really happened is in the log. Refusals carry their response code (RFC 2449 section 8, RFC 3206).
 */
import { type Farewells, engineWordsIn, lastWordsIn } from '../last-words.ts';

export const replies = {
  // V38: no `<...>` in it, which would be the timestamp of APOP: its digest can't be handed to a server.
  greeting: (hostname: string) => `+OK ${hostname} ready\r\n`,
  capabilities: (lines: readonly string[]) => `+OK Capabilities follow\r\n${listed(lines)}`,
  mechanisms: (names: readonly string[]) => `+OK Mechanisms follow\r\n${listed(names)}`,
  startTls: '+OK Begin TLS negotiation now\r\n',
  tlsActive: '-ERR TLS is active already\r\n',
  nameTaken: '+OK Send the password\r\n',
  nameFirst: '-ERR Send USER first\r\n',
  challenge: (prompt: string) => `+ ${prompt}\r\n`,
  cancelled: '-ERR Authentication cancelled\r\n',
  badBase64: '-ERR Invalid base64\r\n',
  // RFC 3206 section 3: SYS/PERM is no wrong password, and needs another configuration.
  privacyRequired: '-ERR [SYS/PERM] Log in after STLS only\r\n',
  authenticationFailed: '-ERR [AUTH] Authentication failed\r\n',
  unsupportedMechanism: '-ERR [SYS/PERM] Unsupported authentication mechanism\r\n',
  refused: (code: string, text: string) => `-ERR [${code}] ${text}\r\n`,
  tooBig: '-ERR Too long an argument\r\n',
  logInFirst: '-ERR Log in first\r\n',
  unknownCommand: '-ERR Unknown command\r\n',
  tooManyErrors: '-ERR Too many errors\r\n',
  syntax: (column: number, wanted: string) => `-ERR Syntax error at column ${column}: expected ${wanted}\r\n`,
} as const;

/** RFC 1939 section 3: a multi-line response ends in a line with a dot alone. */
function listed(lines: readonly string[]): string {
  return `${lines.map((line) => `${line}\r\n`).join('')}.\r\n`;
}

const farewells: Farewells = {
  loggedOut: '+OK Logging out\r\n',
  // RFC 3206 section 3: SYS/TEMP is temporary, and no reason to ask for the password again.
  temporary: '-ERR [SYS/TEMP] Temporary failure, try again later\r\n',
  idle: '-ERR Idle for too long\r\n',
  tooManyConnections: '-ERR [SYS/TEMP] Too many connections, try again later\r\n',
  tooManyFromAddress: '-ERR [SYS/TEMP] Too many connections from your address\r\n',
  // RFC 2449 section 8.1.2: the password was right, and nobody is to be asked for it again.
  tooManyForMailbox: '-ERR [IN-USE] Too many sessions of this mailbox\r\n',
  tlsRequired: '-ERR [SYS/PERM] Log in after STLS only\r\n',
  syntax: '-ERR Too many errors\r\n',
  wrongProtocol: '-ERR This is a POP3 server\r\n',
  lineTooLong: '-ERR Too long a line\r\n',
  literalTooLong: '-ERR Too long a line\r\n',
  preambleTooLong: '-ERR Too many bytes before a login\r\n',
  preambleTimeout: '-ERR No login for too long\r\n',
  tooManyFailures: '-ERR [AUTH] Too many failures\r\n',
  moved: '-ERR [SYS/TEMP] The mailbox has moved, connect again\r\n',
  drained: '-ERR [SYS/TEMP] The server goes out of service, connect again\r\n',
  kicked: '-ERR Ended by the operator\r\n',
  restarting: '-ERR [SYS/TEMP] The service is restarting, connect again\r\n',
};

/** The last words by end reason; '' where no word could be understood, or none is owed. */
export const lastWords = lastWordsIn(farewells);

/** What the engine says where it ends a session by itself. */
export const pop3EngineWords = engineWordsIn(farewells);
