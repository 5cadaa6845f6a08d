/**
 * IMAP's grammar as far as a client may speak it before its login: text to command, or a syntax error with
 * its column. RFC 9051 section 9, with RFC 3501's older forms. What a command is for is preamble.ts's.
 *
 * A command is parsed as it stands on the wire, without its last CRLF: behind an announcement `{n}` follow
 * CRLF and the n bytes. No line holds a CR or LF (the engine sees to that), so the form has one reading.
 */

import {
  type Parsed,
  type ParsedPiece,
  type Piece,
  type SyntaxFault,
  endOf,
  fault,
  parseEnd,
  parseSpaced,
  parseString,
} from '../syntax.ts';

/** A command's first two words. `at` is the index behind the name. */
export interface Head {
  readonly tag: string;
  /** Upper case. */
  readonly name: string;
  readonly at: number;
}

/** A fault in a command's first words, with the tag, where it had one. */
export interface HeadFault extends SyntaxFault {
  readonly tag?: string;
}

/** RFC 9051: command = tag SP name. The tag goes to the server as it is, so it must be none but a tag. */
export function parseHead(line: string): Parsed<Head, HeadFault> {
  const tagEnd = endOf(line, 0, isTagCharacter);
  if (tagEnd === 0 || tagEnd > tagBytesMax) return fault(0, `a tag of 1 to ${tagBytesMax} characters`);
  const tag = line.slice(0, tagEnd);
  if (line[tagEnd] !== ' ') return fault(tagEnd, 'a space and a command');
  const nameEnd = endOf(line, tagEnd + 1, isNameCharacter);
  if (nameEnd === tagEnd + 1) return { fault: { column: tagEnd + 2, wanted: 'a command', tag } };
  return { value: { tag, name: line.slice(tagEnd + 1, nameEnd).toUpperCase(), at: nameEnd } };
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

/** RFC 9051: astring = 1*ASTRING-CHAR / string. */
function parseAstring(text: string, at: number): ParsedPiece {
  const first = text[at];
  return first === '"' || first === '{' ? parseString(text, at) : parseAtom(text, at);
}

function parseAtom(text: string, at: number): ParsedPiece {
  const end = endOf(text, at, isAstringCharacter);
  return end === at ? fault(at, 'an argument') : { value: text.slice(at, end), at: end };
}

function parseNil(text: string, at: number): number | undefined {
  return text.slice(at, at + 3).toUpperCase() === 'NIL' ? at + 3 : undefined;
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

const tagSpecials: ReadonlySet<number> = new Set(Buffer.from('(){%*"\\+', 'latin1'));
const astringSpecials: ReadonlySet<number> = new Set(Buffer.from('(){"', 'latin1'));

/** The RFC names no bound. A handoff's rules hold a tag in a text of at most 255 bytes. */
export const tagBytesMax = 128;

/** RFC 2971 section 3.3. */
const idPairsMax = 30;
const idKeyBytesMax = 30;
const idValueBytesMax = 1024;
