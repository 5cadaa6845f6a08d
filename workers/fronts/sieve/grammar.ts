/**
 * ManageSieve's grammar as far as a client may speak it before its login: text to command, or a syntax error
 * with its column. RFC 5804 section 4. What a command is for is preamble.ts's.
 */
import { type Parsed, type ParsedPiece, endOf, fault, parseEnd, parseString } from '../syntax.ts';

/** A command's name. `at` is the index behind it. */
export interface Head {
  /** Upper case. */
  readonly name: string;
  readonly at: number;
}

/** RFC 5804 section 4: commands are words, in any case. */
export function parseHead(line: string): Parsed<Head> {
  const end = endOf(line, 0, isNameCharacter);
  return end === 0 ? fault(0, 'a command') : { value: { name: line.slice(0, end).toUpperCase(), at: end } };
}

export interface AuthenticateArguments {
  /** As the client wrote it. */
  readonly mechanism: string;
  /** Base64; undefined where the client sent none. Not decoded. */
  readonly initialResponse: string | undefined;
}

/** RFC 5804 section 2.1: AUTHENTICATE, a string with the mechanism, and perhaps one with a response. */
export function parseAuthenticate(text: string, at: number): Parsed<AuthenticateArguments> {
  const mechanism = parseArgument(text, at);
  if ('fault' in mechanism) return mechanism;
  if (mechanism.at === text.length) {
    return { value: { mechanism: mechanism.value, initialResponse: undefined } };
  }
  const initial = parseLastArgument(text, mechanism.at);
  if ('fault' in initial) return initial;
  return { value: { mechanism: mechanism.value, initialResponse: initial.value } };
}

/** RFC 5804 section 2.13: NOOP, and perhaps a string that the answer repeats. */
export function parseNoop(text: string, at: number): Parsed<string | undefined> {
  return at === text.length ? { value: undefined } : parseLastArgument(text, at);
}

/** RFC 5804 section 2.1: what a client answers to a challenge is a string alone on its line. */
export function parseResponse(text: string): Parsed<string> {
  return parseLast(text, parseString(text, 0));
}

function parseLastArgument(text: string, at: number): Parsed<string> {
  return parseLast(text, parseArgument(text, at));
}

function parseLast(text: string, piece: ParsedPiece): Parsed<string> {
  if ('fault' in piece) return piece;
  const end = parseEnd(text, piece.at);
  return 'fault' in end ? end : { value: piece.value };
}

function parseArgument(text: string, at: number): ParsedPiece {
  return text[at] === ' ' ? parseString(text, at + 1) : fault(at, 'a space and a string');
}

function isNameCharacter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
