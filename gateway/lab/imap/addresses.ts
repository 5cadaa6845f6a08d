/** Address lists of headers (RFC 5322 section 3.4) as IMAP's ENVELOPE shows them (RFC 3501 section 7.4.2). */
import { nstring } from './words.ts';

export interface Address {
  readonly name: string | undefined;
  readonly mailbox: string | undefined;
  readonly host: string | undefined;
}

/**
 * A group is its name, its members, and an address of nothing. What can't be read is a mailbox without a
 * host.
 */
export function parseAddresses(text: string): Address[] {
  const addresses: Address[] = [];
  let words = newWords();
  const flush = () => {
    const address = addressOf(words);
    if (address !== undefined) addresses.push(address);
    words = newWords();
  };
  for (const { kind, text: token } of tokensOf(text)) {
    if (kind === 'special' && token === ',') flush();
    else if (kind === 'special' && token === ':' && words.angle === undefined) {
      addresses.push({ name: undefined, mailbox: joined(words.before), host: undefined });
      words = newWords();
    } else if (kind === 'special' && token === ';') {
      flush();
      addresses.push(nothing);
    } else if (kind === 'angle') words.angle = token;
    else if (kind === 'comment') words.comment = token;
    else words.before.push({ kind, text: token });
  }
  flush();
  return addresses;
}

/**
 * `((name route mailbox host)...)`, NIL for no addresses. The route is always NIL: RFC 5322 lets us ignore
 * it.
 */
export function formatAddresses(addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'NIL';
  const shown = addresses.map(
    ({ name, mailbox, host }) => `(${nstring(name)} NIL ${nstring(mailbox)} ${nstring(host)})`,
  );
  return `(${shown.join('')})`;
}

type Kind = 'word' | 'quoted' | 'special' | 'angle' | 'comment';

interface Token {
  readonly kind: Kind;
  readonly text: string;
}

interface Words {
  readonly before: Token[];
  angle: string | undefined;
  comment: string | undefined;
}

const nothing: Address = { name: undefined, mailbox: undefined, host: undefined };

function newWords(): Words {
  return { before: [], angle: undefined, comment: undefined };
}

function addressOf({ before, angle, comment }: Words): Address | undefined {
  if (angle !== undefined)
    return { name: before.length > 0 ? joined(before) : undefined, ...splitAddress(angle) };
  if (before.length === 0) return undefined;
  // `ann @ demo . test` is an address with spaces that mean nothing.
  return { name: comment, ...splitAddress(before.map((token) => token.text).join('')) };
}

function splitAddress(text: string): { mailbox: string; host: string | undefined } {
  const bare = text.replace(/^\s*@[^:]*:/, '').trim();
  const at = bare.lastIndexOf('@');
  if (at < 0) return { mailbox: unquoted(bare), host: undefined };
  return { mailbox: unquoted(bare.slice(0, at).trim()), host: bare.slice(at + 1).trim() };
}

function joined(tokens: readonly Token[]): string {
  return tokens.map((token) => token.text).join(' ');
}

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

function* tokensOf(text: string): Generator<Token> {
  for (const match of text.matchAll(anyToken)) {
    const [, quoted, angle, comment, special, word] = match;
    if (quoted !== undefined) yield { kind: 'quoted', text: quoted.replace(/\\(.)/g, '$1') };
    else if (angle !== undefined) yield { kind: 'angle', text: angle };
    else if (comment !== undefined) yield { kind: 'comment', text: comment.trim() };
    else if (special !== undefined) yield { kind: special === '@' ? 'word' : 'special', text: special };
    else if (word !== undefined) yield { kind: 'word', text: word };
  }
}

/**
 * A quoted string, an address in angles, a comment, a special, a word. Each is closed by the end, if by
 * nothing else.
 */
const anyToken = new RegExp(
  [
    /"((?:[^"\\]|\\.)*)"?/,
    /<((?:"(?:[^"\\]|\\.)*"|[^>"])*)>?/,
    /\(((?:[^()\\]|\\.)*)\)?/,
    /([,;:@])/,
    /([^\s"<(,;:@]+)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);
