/**
 * All that we may say to an IMAP client by ourselves: the table, and nothing else. Words are generic; what
 * really happened is in the log. Every reply ends in CRLF, every session's last words are a BYE.
 */
import { type Farewells, engineWordsIn, lastWordsIn } from '../last-words.ts';

export const replies = {
  greeting: (capabilities: string, hostname: string) =>
    `* OK [CAPABILITY ${capabilities}] ${hostname} ready\r\n`,
  capability: (tag: string, capabilities: string) =>
    `* CAPABILITY ${capabilities}\r\n${tag} OK CAPABILITY completed\r\n`,
  // RFC 2971 section 3.2: NIL tells nothing, which is what a stranger needs.
  id: (tag: string) => `* ID NIL\r\n${tag} OK ID completed\r\n`,
  noop: (tag: string) => `${tag} OK NOOP completed\r\n`,
  logout: (tag: string) => `* BYE Logging out\r\n${tag} OK LOGOUT completed\r\n`,
  startTls: (tag: string) => `${tag} OK Begin TLS negotiation now\r\n`,
  tlsActive: (tag: string) => `${tag} BAD TLS is active already\r\n`,
  invitation: '+ Ready for literal data\r\n',
  challenge: (prompt: string) => `+ ${prompt}\r\n`,
  cancelled: (tag: string) => `${tag} BAD Authentication cancelled\r\n`,
  badBase64: (tag: string) => `${tag} BAD Invalid base64\r\n`,
  // RFC 5530: PRIVACYREQUIRED means "not without encryption". It invites nobody to send the password again.
  privacyRequired: (tag: string) => `${tag} NO [PRIVACYREQUIRED] Log in after STARTTLS only\r\n`,
  authenticationFailed: (tag: string) => `${tag} NO [AUTHENTICATIONFAILED] Authentication failed\r\n`,
  unsupportedMechanism: (tag: string) => `${tag} NO [CANNOT] Unsupported authentication mechanism\r\n`,
  refused: (tag: string, code: string, text: string) => `${tag} NO [${code}] ${text}\r\n`,
  tooBig: (tag: string) => `${tag} BAD [TOOBIG] Too long an argument\r\n`,
  logInFirst: (tag: string) => `${tag} BAD Log in first\r\n`,
  unknownCommand: (tag: string) => `${tag} BAD Unknown command\r\n`,
  tooManyErrors: '* BYE Too many errors\r\n',
  syntax: (tag: string, column: number, wanted: string) =>
    `${tag} BAD Syntax error at column ${column}: expected ${wanted}\r\n`,
} as const;

const farewells: Farewells = {
  loggedOut: '* BYE Logging out\r\n',
  // RFC 5530: UNAVAILABLE is temporary, and mail programs do not ask for the password again after a BYE.
  temporary: '* BYE [UNAVAILABLE] Temporary failure, try again later\r\n',
  idle: '* BYE Idle for too long\r\n',
  tooManyConnections: '* BYE [UNAVAILABLE] Too many connections, try again later\r\n',
  tooManyFromAddress: '* BYE [LIMIT] Too many connections from your address\r\n',
  tooManyForMailbox: '* BYE [LIMIT] Too many sessions of this mailbox\r\n',
  tlsRequired: '* BYE Log in after STARTTLS only\r\n',
  syntax: '* BAD Not IMAP\r\n* BYE Too many errors\r\n',
  wrongProtocol: '* BAD Not IMAP\r\n* BYE This is an IMAP server\r\n',
  lineTooLong: '* BAD [TOOBIG] Too long a line\r\n* BYE Too long a line\r\n',
  literalTooLong: '* BAD [TOOBIG] Too long a literal\r\n* BYE Too long a literal\r\n',
  preambleTooLong: '* BYE Too many bytes before a login\r\n',
  preambleTimeout: '* BYE No login for too long\r\n',
  tooManyFailures: '* BYE Too many failures\r\n',
  moved: '* BYE [UNAVAILABLE] The mailbox has moved, connect again\r\n',
  drained: '* BYE [UNAVAILABLE] The server goes out of service, connect again\r\n',
  kicked: '* BYE Ended by the operator\r\n',
  restarting: '* BYE [UNAVAILABLE] The service is restarting, connect again\r\n',
};

/** The last words by end reason; '' where no word could be understood, or none is owed. */
export const lastWords = lastWordsIn(farewells);

/** What the engine says where it ends a session by itself. */
export const imapEngineWords = engineWordsIn(farewells);
