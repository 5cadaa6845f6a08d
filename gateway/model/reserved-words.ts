/**
 * Words that no baseline may add to what is offered before the login: the fronts leave them out of it
 * (workers/fronts/offer.ts), and the settings refuse them, since the probe would ask servers for what clients
 * are never told.
 *
 * They are a front's own, depend on the state of the connection or on who asks (V23), or bring commands for
 * before the login that would have to reach a server (RFC 6856). UNAUTHENTICATE would lead to another user's
 * mailbox on the first one's server.
 */
import type { LoginProtocol } from './protocol.ts';

/** In every protocol; of AUTH only the bare word. */
const everywhere = ['AUTH', 'STARTTLS', 'STLS', 'SASL', 'XCLIENT', 'XFORWARD', 'UNAUTHENTICATE'];

/** By protocol, upper case. LITERAL- excludes LITERAL+ (RFC 7888), which the front says. */
export const reservedWords: Readonly<Record<LoginProtocol, ReadonlySet<string>>> = {
  imap: new Set([
    ...everywhere,
    'IMAP4REV1',
    'IMAP4REV2',
    'LOGINDISABLED',
    'SASL-IR',
    'LITERAL+',
    'LITERAL-',
    'ID',
  ]),
  pop3: new Set([...everywhere, 'IMPLEMENTATION', 'UTF8', 'UTF8=USER', 'LANG']),
  sieve: new Set([...everywhere, 'IMPLEMENTATION', 'VERSION', 'VERSION=1.0', 'OWNER', 'SIEVE']),
  submission: new Set(everywhere),
};

/** Words whose values a baseline may add one by one, though the name is the front's. */
const openNames: ReadonlySet<string> = new Set(['AUTH', 'SIEVE']);

/** True for a reserved word, and for one with a value of its own: `XCLIENT=NAME`. */
export function isReserved(protocol: LoginProtocol, word: string): boolean {
  const [name = word] = word.split('=', 1);
  const reserved = reservedWords[protocol];
  return reserved.has(word) || (reserved.has(name) && !openNames.has(name));
}
