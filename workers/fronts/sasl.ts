/**
 * Who the client says it is, and its proof: the SASL mechanisms that every login protocol shares, and the
 * rule that finds the mailbox in a login name.
 *
 * Nothing is verified here, and tokens are not looked into beyond their user (V34): the server judges.
 * Strings are latin-1, one character a byte, except where a comment says that they are text.
 */
import type { SaslMechanism } from '#model/sasl-mechanism';

/** A login, ready to be routed and handed to a server. */
export interface Login {
  /** What the server must hear besides: IMAP's tag, or the name in submission's EHLO. */
  readonly tag: string;
  /** The whole login name, as text; for the log. It holds no control character. */
  readonly user: string;
  /** What the directory looks up, as text: the mailbox to open, in letters that the engine folds. */
  readonly mailboxKey: string;
  readonly proof: Proof;
}

export type Proof =
  | { readonly by: 'password'; readonly user: string; readonly password: string }
  /** SASL PLAIN that acts for another: `authzid` is the mailbox to open, `authcid` owns the password. */
  | { readonly by: 'plain'; readonly authzid: string; readonly authcid: string; readonly password: string }
  /** The server gets exactly this response. */
  | {
      readonly by: 'token';
      readonly user: string;
      readonly mechanism: TokenMechanism;
      readonly response: string;
    };

/** The mechanisms whose proof is a token, which we hand on unread. */
export type TokenMechanism = 'XOAUTH2' | 'OAUTHBEARER';
/** What a client may name behind AUTHENTICATE. */
export type Mechanism = SaslMechanism;

/** The mechanism of that name, in any case; undefined for those we don't speak. */
export function mechanismOf(name: string): Mechanism | undefined {
  const upper = name.toUpperCase();
  return upper in promptsByMechanism ? (upper as Mechanism) : undefined;
}

/** What the server side says before each response, in base64, as RFC 4422 wants it. */
export function promptsOf(mechanism: Mechanism): readonly string[] {
  return promptsByMechanism[mechanism];
}

const promptsByMechanism: Readonly<Record<Mechanism, readonly string[]>> = {
  PLAIN: [''],
  // draft-murchison-sasl-login: "Username:" and "Password:". Some clients compare these very words.
  LOGIN: ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6'],
  XOAUTH2: [''],
  OAUTHBEARER: [''],
};

/**
 * Decodes base64 by RFC 4648 section 4 and nothing else: no space, no tab, no second alphabet, all padding,
 * no stray bits (V31). Undefined for anything that does not come back the same.
 */
export function decodeBase64(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes.toString('latin1') : undefined;
}

/** RFC 4648 section 4, with all padding. */
export function encodeBase64(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('base64');
}

/** A mechanism with its one message, not encoded: how a server gets a proof by SASL. */
export interface SaslMessage {
  readonly mechanism: 'PLAIN' | TokenMechanism;
  readonly message: string;
}

/** What a server gets of a proof: PLAIN by RFC 4616, or the client's own token as it came (V34). */
export function saslMessageOf(proof: Proof): SaslMessage {
  switch (proof.by) {
    case 'password':
      return { mechanism: 'PLAIN', message: `\0${proof.user}\0${proof.password}` };
    case 'plain':
      return { mechanism: 'PLAIN', message: `${proof.authzid}\0${proof.authcid}\0${proof.password}` };
    case 'token':
      return { mechanism: proof.mechanism, message: proof.response };
  }
}

/** The proof in the decoded responses, one for each prompt; undefined where they are no such message. */
export function proofOf(mechanism: Mechanism, responses: readonly string[]): Proof | undefined {
  const [first = '', second = ''] = responses;
  switch (mechanism) {
    case 'PLAIN':
      return plainProof(first);
    case 'LOGIN':
      return { by: 'password', user: first, password: second };
    case 'XOAUTH2':
      return tokenProof('XOAUTH2', first, xoauth2User(first));
    case 'OAUTHBEARER':
      return tokenProof('OAUTHBEARER', first, bearerUser(first));
  }
}

/** RFC 4616 section 2: [authzid] NUL authcid NUL passwd. */
function plainProof(message: string): Proof | undefined {
  const parts = message.split('\0');
  const [authzid, authcid, password] = parts;
  if (parts.length !== 3 || authzid === undefined || !authcid || password === undefined) return undefined;
  if (authzid === '' || authzid === authcid) return { by: 'password', user: authcid, password };
  return { by: 'plain', authzid, authcid, password };
}

function tokenProof(
  mechanism: TokenMechanism,
  response: string,
  user: string | undefined,
): Proof | undefined {
  return user === undefined ? undefined : { by: 'token', user, mechanism, response };
}

/** Google's XOAUTH2: `user=NAME ^A auth=Bearer TOKEN ^A ^A`. */
function xoauth2User(response: string): string | undefined {
  if (!response.startsWith('user=') || !response.endsWith('\x01\x01')) return undefined;
  const end = response.indexOf('\x01');
  return hasBearer(response.slice(end)) ? response.slice('user='.length, end) : undefined;
}

/**
 * RFC 7628 section 3.1: a GS2 header (RFC 5801) `n,a=NAME,`, then pairs between ^A. Without a name we
 * can't route.
 */
function bearerUser(response: string): string | undefined {
  const end = response.indexOf('\x01');
  if (end < 0 || !response.endsWith('\x01\x01') || !hasBearer(response.slice(end))) return undefined;
  const name = /^[ny],a=([^,]+),$/.exec(response.slice(0, end))?.[1];
  return name === undefined ? undefined : unescapeSaslName(name);
}

/** RFC 5801 section 4: a comma is `=2C`, an equals sign `=3D`, and no other `=` occurs. */
function unescapeSaslName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function hasBearer(pairs: string): boolean {
  return pairs.toLowerCase().includes('\x01auth=bearer ');
}

/**
 * The login in a proof. Undefined where its name is none: empty, over 256 bytes, no UTF-8, or with control
 * or direction characters (V33, V54), and where the password holds a NUL, which no literal can carry to a
 * server. Such a login is refused before anything looks it up.
 */
export function loginOf(tag: string, proof: Proof): Login | undefined {
  if (proof.by !== 'token' && proof.password.includes('\0')) return undefined;
  const acting = nameText(proof.by === 'plain' ? proof.authzid : proof.user);
  if (acting === undefined) return undefined;
  const mailboxKey = mailboxKeyOf(acting);
  if (proof.by !== 'plain') return { tag, user: acting, mailboxKey, proof };
  const owner = nameText(proof.authcid);
  return owner === undefined ? undefined : { tag, user: acting, mailboxKey, proof };
}

/** RFC 4616 and 3501 leave a name's length open; no mail system has addresses over 254 bytes (RFC 5321). */
export const nameBytesMax = 256;

function nameText(bytes: string): string | undefined {
  if (bytes.length === 0 || bytes.length > nameBytesMax) return undefined;
  if (plainName.test(bytes)) return bytes;
  const raw = Buffer.from(bytes, 'latin1');
  const text = raw.toString('utf8');
  return unsafeInName.test(text) || !Buffer.from(text).equals(raw) ? undefined : text;
}

/** Nearly every name; it is its own UTF-8. */
const plainName = /^[\x20-\x7e]+$/;

// C0, DEL, C1, line and paragraph separators, bidirectional marks, the byte order mark.
const unsafeInName =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/**
 * The mailbox that a login name opens. Letters' case and form are the engine's to fold, for the directory's
 * keys and for names alike.
 * - `user*master`: the owner of a shared secret acts for `user` (Dovecot).
 * - `DOMAIN/user/mailbox`, `DOMAIN\user\mailbox`: the last part is opened (Exchange).
 * Any other name is its own key, also `DOMAIN\user`.
 */
export function mailboxKeyOf(name: string): string {
  return opened(name);
}

function opened(name: string): string {
  const [user, acting, ...more] = name.split('*');
  if (user && acting && more.length === 0) return user;
  return thirdPart(name, '\\') ?? thirdPart(name, '/') ?? name;
}

function thirdPart(name: string, separator: string): string | undefined {
  const parts = name.split(separator);
  return parts.length === 3 && parts.every((part) => part !== '') ? parts[2] : undefined;
}
