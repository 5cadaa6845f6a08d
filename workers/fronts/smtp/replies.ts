/**
 * All that we may say to a submission client by ourselves: the table, and nothing else. Words are generic;
 * what really happened is in the log. Every reply but the greeting, an EHLO's and a 3xx has its enhanced
 * status code (RFC 2034, RFC 3463), and a session's last words are a 421 where they are no answer to a
 * command.
 */
import { type Farewells, engineWordsIn, lastWordsIn } from '../last-words.ts';

export const replies = {
  greeting: (hostname: string) => `220 ${hostname} ESMTP ready\r\n`,
  /** RFC 5321 section 4.1.1.1: the name, then a keyword a line. */
  ehlo: (hostname: string, offer: readonly string[]) => {
    const lines = [hostname, ...offer];
    return lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('');
  },
  helo: (hostname: string) => `250 ${hostname}\r\n`,
  startTls: '220 2.0.0 Ready to start TLS\r\n',
  challenge: (prompt: string) => `334 ${prompt}\r\n`,
  // RFC 4954 section 4: whoever cancels by "*" is answered with 501.
  cancelled: '501 5.7.0 Authentication cancelled\r\n',
  badBase64: '501 5.5.2 Invalid base64\r\n',
  authSyntax: '501 5.5.4 Syntax: AUTH mechanism [initial-response]\r\n',
  unsupportedMechanism: '504 5.5.4 Unrecognized authentication type\r\n',
  // RFC 4954 section 6 has this code for a mechanism; here it is for all of them.
  tlsForAuth: '538 5.7.11 Encryption required for authentication: STARTTLS first\r\n',
  tlsFirst: '530 5.7.0 Must issue a STARTTLS command first\r\n',
  loginFirst: '530 5.7.0 Authentication required\r\n',
  authenticationFailed: '535 5.7.8 Authentication credentials invalid\r\n',
  authTooLong: '500 5.5.6 Authentication exchange line is too long\r\n',
  ehloFirst: '503 5.5.1 Send EHLO first\r\n',
  notAscii: '500 5.5.2 Not a command\r\n',
  unknownCommand: '500 5.5.2 Command not recognized\r\n',
  notImplemented: '502 5.5.1 Command not implemented\r\n',
  tooManyErrors: '421 4.7.0 Too many errors\r\n',
} as const;

/**
 * What to say to a command that the dialogue has judged with a code. The client's line is never repeated:
 * what came in clear may be a password.
 */
export function replyTo(verb: string, code: number): string {
  if (code === 500 && unofferedVerbs.has(verb)) return replies.notImplemented;
  const own = repliesByVerb[verb]?.[code];
  return own ?? repliesByCode[code] ?? `${code} ${Math.floor(code / 100)}.0.0 ${plainWords(code)}\r\n`;
}

function plainWords(code: number): string {
  return code < 400 ? 'Ok' : 'Command refused';
}

/** RFC 5321 section 4.3.2: the codes that each command may have; the rest is in `repliesByCode`. */
const repliesByVerb: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  HELO: { 501: '501 5.5.4 Syntax: HELO hostname\r\n' },
  EHLO: { 501: '501 5.5.4 Syntax: EHLO hostname\r\n' },
  HELP: { 214: '214 2.0.0 Log in, then send mail: RFC 6409\r\n' },
  // RFC 5321 section 7.3: this tells nobody who has a mailbox.
  VRFY: { 252: '252 2.0.0 Send some mail, and it will be tried\r\n' },
  STARTTLS: { 503: '503 5.5.1 TLS is active already\r\n' },
};

const repliesByCode: Readonly<Record<number, string>> = {
  220: replies.startTls,
  221: '221 2.0.0 Bye\r\n',
  250: '250 2.0.0 Ok\r\n',
  421: replies.tooManyErrors,
  500: replies.unknownCommand,
  501: '501 5.5.4 Syntax error in arguments\r\n',
  502: replies.notImplemented,
  503: replies.ehloFirst,
  530: replies.loginFirst,
};

/**
 * Commands that are known and not for a client before its login. V23: XCLIENT and XFORWARD are for servers
 * that trust one another, and nobody outside is trusted here.
 */
const unofferedVerbs: ReadonlySet<string> = new Set([
  'XCLIENT',
  'XFORWARD',
  'LHLO',
  'EXPN',
  'ETRN',
  'TURN',
  'ATRN',
  'BURL',
  'SEND',
  'SOML',
  'SAML',
]);

// RFC 5321 section 3.8: 421 is for any moment, and mail programs do not ask for the password again after it.
const farewells: Farewells = {
  loggedOut: '221 2.0.0 Bye\r\n',
  temporary: '421 4.3.0 Temporary failure, try again later\r\n',
  idle: '421 4.4.2 Idle for too long\r\n',
  tooManyConnections: '421 4.3.2 Too many connections, try again later\r\n',
  tooManyFromAddress: '421 4.7.0 Too many connections from your address\r\n',
  tooManyForMailbox: '421 4.7.0 Too many sessions of this mailbox\r\n',
  tlsRequired: '421 4.7.0 Log in after STARTTLS only\r\n',
  syntax: `500 5.5.2 Not SMTP\r\n${replies.tooManyErrors}`,
  wrongProtocol: '421 4.7.0 This is a mail submission server\r\n',
  lineTooLong: `${replies.authTooLong}421 4.7.0 Too long a line\r\n`,
  // SMTP has no literals: the engine never ends a session for one.
  literalTooLong: '',
  preambleTooLong: '421 4.7.0 Too many bytes before a login\r\n',
  preambleTimeout: '421 4.4.2 No login for too long\r\n',
  tooManyFailures: '421 4.7.0 Too many failures\r\n',
  moved: '421 4.3.2 The mailbox has moved, connect again\r\n',
  drained: '421 4.3.2 The server goes out of service, connect again\r\n',
  kicked: '421 4.3.2 Ended by the operator\r\n',
  restarting: '421 4.3.2 The service is restarting, connect again\r\n',
};

/** The last words by end reason; '' where no word could be understood, or none is owed. */
export const lastWords = lastWordsIn(farewells);

/** What the engine says where it ends a session by itself. */
export const submissionEngineWords = engineWordsIn(farewells);
