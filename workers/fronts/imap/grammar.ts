/**
 * IMAP's grammar as far as a client may speak it before its login: text to command, or a syntax error with
 * its column. RFC 9051 section 9, with RFC 3501's older forms. What a command is for is preamble.ts's.
 *
 * A command is parsed as it stands on the wire, without its last CRLF: behind an announcement `{n}` follow
 * CRLF and the n bytes. No line holds a CR or LF (the engine sees to that), so the form has one reading.
 */

/** A command's first two words. `at` is the index behind the name. */
export interface Head {
  readonly tag: string;
  /** Upper case. */
  readonly name: string;
  readonly at: number;
}

/** `column` counts from 1. */
export interface SyntaxFault {
  readonly column: number;
  readonly wanted: string;
  /** The command's tag, where it had one. */
  readonly tag?: string;
}

export type Parsed<T> = { readonly value: T } | { readonly fault: SyntaxFault };

/** RFC 9051: command = tag SP name. The tag goes to the server as it is, so it must be none but a tag. */
export function parseHead(line: string): Parsed<Head> {
  const tagEnd = endOf(line, 0, isTagCharacter);
  if (tagEnd === 0 || tagEnd > tagBytesMax) return fault(0, `a tag of 1 to ${tagBytesMax} characters`);
  const tag = line.slice(0, tagEnd);
  if (line[tagEnd] !== ' ') return fault(tagEnd, 'a space and a command');
  const nameEnd = endOf(line, tagEnd + 1, isNameCharacter);
  if (nameEnd === tagEnd + 1) return { fault: { column: tagEnd + 2, wanted: 'a command', tag } };
  return { value: { tag, name: line.slice(tagEnd + 1, nameEnd).toUpperCase(), at: nameEnd } };
}

/** For NOOP, CAPABILITY and the like: nothing may follow. */
export function parseEnd(text: string, at: number): Parsed<undefined> {
  return at === text.length ? { value: undefined } : fault(at, 'the end of the command');
}

export interface LoginArguments {
  readonly user: string;
  readonly password: string;
}

/** RFC 9051 section 6.2.3: login = "LOGIN" SP userid SP password, both of them astrings. */
export function parseLogin(text: string, at: number): Parsed<LoginArguments> {
  const user = parseSpaced(text, at, parseAstring);
  if ('fault' in user) return user;
  const password = parseSpaced(text, user.at, parseAstring);
  if ('fault' in password) return password;
  if (password.at !== text.length) return fault(password.at, 'the end of the command');
  return { value: { user: user.value, password: password.value } };
}

export interface AuthenticateArguments {
  /** As the client wrote it. */
  readonly mechanism: string;
  /** Base64, or `=` for an empty one (RFC 4959); undefined where the client sent none. Not decoded. */
  readonly initialResponse: string | undefined;
}

/** RFC 9051 section 6.2.2 with the initial response of RFC 4959. */
export function parseAuthenticate(text: string, at: number): Parsed<AuthenticateArguments> {
  const mechanism = parseSpaced(text, at, parseAtom);
  if ('fault' in mechanism) return mechanism;
  if (mechanism.at === text.length)
    return { value: { mechanism: mechanism.value, initialResponse: undefined } };
  const initial = text.slice(mechanism.at + 1);
  if (text[mechanism.at] !== ' ' || initial === '' || initial.includes(' ')) {
    return fault(mechanism.at, 'a space and an initial response');
  }
  return { value: { mechanism: mechanism.value, initialResponse: initial } };
}

/**
 * RFC 2971 section 3: NIL, or a list of at most 30 pairs. We check its bounds (V30) and keep nothing of
 * it.
 */
export function parseId(text: string, at: number): Parsed<undefined> {
  const nil = parseNil(text, at + 1);
  if (text[at] === ' ' && nil !== undefined) return parseEnd(text, nil);
  if (text.slice(at, at + 2) !== ' (') return fault(at, 'NIL or a list');
  let next = at + 2;
  for (let pairs = 0; text[next] !== ')'; pairs++) {
    if (pairs === idPairsMax) return fault(next, `at most ${idPairsMax} pairs`);
    if (pairs > 0 && text[next] !== ' ') return fault(next, 'a space or )');
    const pair = parseIdPair(text, pairs === 0 ? next : next + 1);
    if ('fault' in pair) return pair;
    next = pair.at;
  }
  return parseEnd(text, next + 1);
}

function parseIdPair(text: string, at: number): Piece | { readonly fault: SyntaxFault } {
  const key = parseString(text, at);
  if ('fault' in key) return key;
  if (key.value.length > idKeyBytesMax) return fault(at, `a key of at most ${idKeyBytesMax} bytes`);
  if (text[key.at] !== ' ') return fault(key.at, 'a space and a value');
  const nil = parseNil(text, key.at + 1);
  if (nil !== undefined) return { value: '', at: nil };
  const value = parseString(text, key.at + 1);
  if ('fault' in value) return value;
  if (value.value.length > idValueBytesMax)
    return fault(key.at + 1, `a value of at most ${idValueBytesMax} bytes`);
  return value;
}

/** A piece of a command and the index behind it. */
interface Piece {
  readonly value: string;
  readonly at: number;
}
type ParsedPiece = Piece | { readonly fault: SyntaxFault };

function parseSpaced(
  text: string,
  at: number,
  parse: (text: string, at: number) => ParsedPiece,
): ParsedPiece {
  return text[at] === ' ' ? parse(text, at + 1) : fault(at, 'a space and an argument');
}

/** RFC 9051: astring = 1*ASTRING-CHAR / string. */
function parseAstring(text: string, at: number): ParsedPiece {
  const first = text[at];
  return first === '"' || first === '{' ? parseString(text, at) : parseAtom(text, at);
}

function parseAtom(text: string, at: number): ParsedPiece {
  const end = endOf(text, at, isAstringCharacter);
  return end === at ? fault(at, 'an argument') : { value: text.slice(at, end), at: end };
}

function parseString(text: string, at: number): ParsedPiece {
  if (text[at] === '"') return parseQuoted(text, at);
  if (text[at] === '{') return parseLiteral(text, at);
  return fault(at, 'a string');
}

/** RFC 9051: a quoted string holds no CR or LF, and `\` stands before `"` and `\` only. */
function parseQuoted(text: string, at: number): ParsedPiece {
  let value = '';
  let from = at + 1;
  for (let next = from; next < text.length; next++) {
    const character = text[next];
    if (character === '"') return { value: value + text.slice(from, next), at: next + 1 };
    if (character === '\r' || character === '\n') return fault(next, 'a closing quote');
    if (character !== '\\') continue;
    const escaped = text[next + 1];
    if (escaped !== '"' && escaped !== '\\') return fault(next + 1, '" or \\ behind \\');
    value += text.slice(from, next) + escaped;
    from = next + 2;
    next++;
  }
  return fault(text.length, 'a closing quote');
}

/**
 * RFC 9051 section 4.3: `{n}` or `{n+}`, CRLF, n bytes. A literal that was not taken in ends the text
 * here.
 */
function parseLiteral(text: string, at: number): ParsedPiece {
  const close = text.indexOf('}', at);
  const announced = close < 0 ? null : /^\{([0-9]{1,10})\+?\}$/.exec(text.slice(at, close + 1));
  const start = close + 3;
  const end = start + Number(announced?.[1]);
  if (!announced || text.slice(close + 1, start) !== '\r\n' || end > text.length)
    return fault(at, 'a literal');
  return { value: text.slice(start, end), at: end };
}

function parseNil(text: string, at: number): number | undefined {
  return text.slice(at, at + 3).toUpperCase() === 'NIL' ? at + 3 : undefined;
}

function endOf(text: string, at: number, belongs: (code: number) => boolean): number {
  let end = at;
  while (end < text.length && belongs(text.charCodeAt(end))) end++;
  return end;
}

/** RFC 9051: tag = 1*<any ASTRING-CHAR except "+">. */
function isTagCharacter(code: number): boolean {
  return code > 0x20 && code < 0x7f && !tagSpecials.has(code);
}

/**
 * ASTRING-CHAR and more: `*`, `%`, `\` and bytes beyond ASCII are taken too, since people and programs write
 * `LOGIN ann*owner` and `LOGIN CORP\ann`. Nothing rests on it: a server gets the value as a literal.
 */
function isAstringCharacter(code: number): boolean {
  return code > 0x20 && code !== 0x7f && !astringSpecials.has(code);
}

function isNameCharacter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function fault(at: number, wanted: string): { readonly fault: SyntaxFault } {
  return { fault: { column: at + 1, wanted } };
}

const tagSpecials: ReadonlySet<number> = new Set(Buffer.from('(){%*"\\+', 'latin1'));
const astringSpecials: ReadonlySet<number> = new Set(Buffer.from('(){"', 'latin1'));

/** The RFC names no bound. A handoff's rules hold a tag in a text of at most 255 bytes. */
export const tagBytesMax = 128;

/** RFC 2971 section 3.3. */
const idPairsMax = 30;
const idKeyBytesMax = 30;
const idValueBytesMax = 1024;
