/**
 * What a front is: the code that speaks one protocol until the user is known. Here are the words that all
 * fronts share with the pages that run them (login-session.ts); the protocols are in the folders beside.
 *
 * PURE: a front sees a conversation, not an engine; it never knows where a session is routed to.
 */
import type { EndReason } from '#model/end-reason';
import type { ServerProtocolRoute } from '#model/routing-table';
import type { Login } from './sasl.ts';

/** A protocol in which a user logs in: IMAP; POP3, ManageSieve and submission follow the same shape. */
export interface Front {
  /** True where the end of a client's line may announce a literal: IMAP, ManageSieve. */
  readonly hasLiterals: boolean;
  /** Greets, and gives the talk with one client. */
  begin(conversation: Conversation): Preamble;
  /** What the engine must say to the server so that it stands where the client believes it stands. */
  handoff(login: Login, server: ServerProtocolRoute, client: ClientFacts): HandoffPlan;
  /** What to tell the client of a server's refusal, given the server's line (clean, at most 512 bytes). */
  refusalOf(login: Login, serverLine: string): Refusal;
  /** The last words to a client whose session ends for this reason; empty where none would be understood. */
  lastWords(reason: EndReason): string;
}

/** What every preamble is made from. */
export interface PreambleSettings {
  readonly hostname: string;
  /** What is offered besides what every frontend of the protocol gives; upper case, as in offer.ts. */
  readonly baseline: readonly string[];
  /** True where a clear connection may be turned to TLS. */
  readonly hasStartTls: boolean;
}

/** How long a handoff waits for a server's line. */
export interface HandoffTimeouts {
  readonly greetingTimeoutMs: number;
  readonly loginTimeoutMs: number;
}

/** The talk with one client. `converse` is called again after a refused login. */
export interface Preamble {
  converse(): Promise<Conversed>;
}

export type Conversed =
  | { readonly is: 'login'; readonly login: Login }
  /** The client left, or had to go. The last words have not been said yet. */
  | { readonly is: 'over'; readonly reason: EndReason; readonly lastWords: string };

export type HandoffPlan =
  | { readonly is: 'script'; readonly script: Uint8Array }
  /**
   * The client chose a mechanism that the server does not take; `reply` tells it so, and it may choose
   * another.
   */
  | { readonly is: 'unsupported'; readonly reply: string }
  /** The server offers no way in. That is temporary trouble for the client, and `why` is for the log. */
  | { readonly is: 'impossible'; readonly why: string }
  /** Nobody has asked the server yet what it takes, and the login depends on it. It will be known soon. */
  | { readonly is: 'unknown' };

export type Refusal =
  | { readonly is: 'reply'; readonly text: string }
  /**
   * The server could not judge the login now: that must not look like a wrong password. `why` is for the
   * operator, where there is something to mend; `lastWords` are in place of the usual ones, where the server
   * has told more.
   */
  | { readonly is: 'temporary'; readonly why?: string; readonly lastWords?: string };

/**
 * What a front may do with its client. Text is latin-1, one character a byte, in both directions.
 * Nothing throws: a session that is over answers every wait with a `Stopped`.
 */
export interface Conversation {
  readonly client: ClientFacts;
  /** The next line without its end. A literal that nobody asked for is dropped. */
  readLine(): Promise<string | Stopped>;
  /**
   * The literal that the last line announced. `continuation` invites it (`{n}`); it is empty where the client
   * does not wait for leave (`{n+}`). Reading a line instead refuses the literal.
   */
  readLiteral(size: number, continuation: string): Promise<string | Stopped>;
  reply(text: string): void;
  /** Undefined: TLS stands, and all that the client said before it is forgotten. */
  startTls(reply: string): Promise<undefined | Stopped>;
}

/** Why there is nothing more to read. After a fault something can still be said; an ended session is gone. */
export interface Stopped {
  readonly is: 'fault' | 'ended';
  readonly reason: EndReason;
}

/** What is known of the client. `tls` is undefined while the connection is clear. */
export interface ClientFacts {
  readonly clientIp: string;
  readonly clientPort: string;
  readonly localIp: string;
  readonly localPort: string;
  readonly tls: TlsFacts | undefined;
  /** As logs show it: 14 hexadecimal digits. */
  readonly sessionId: string;
  /** It comes from a worker that died after the greeting. */
  readonly isGreeted: boolean;
}

/** What the handshake agreed on; `-` where the client gave no ALPN or SNI. */
export interface TlsFacts {
  readonly version: string;
  readonly cipher: string;
  readonly alpn: string;
  readonly sni: string;
}

/** A literal that the end of a line announces (RFC 9051 section 4.3, RFC 7888). */
export interface AnnouncedLiteral {
  readonly size: number;
  /** True for `{n}`: the client waits to be invited. */
  readonly isWaiting: boolean;
}

/**
 * The literal announced at the end of a line, by the same rule as the engine's framer: any `{n}` or `{n+}`
 * there.
 */
export function announcedLiteral(line: string): AnnouncedLiteral | undefined {
  if (!line.endsWith('}')) return undefined;
  const open = line.lastIndexOf('{');
  const isWaiting = !line.endsWith('+}');
  const digits = line.slice(open + 1, isWaiting ? -1 : -2);
  if (open < 0 || !literalSize.test(digits)) return undefined;
  return { size: Number(digits), isWaiting };
}

/** Ten digits hold every 32-bit number; the engine lets no line with a longer one through. */
const literalSize = /^[0-9]{1,10}$/;
