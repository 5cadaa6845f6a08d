/**
 * The bytes of a whole command -> a Command, or what is wrong with it (RFC 5804 section 4).
 *
 * It does not ask whether the command is allowed now (session.ts), nor what a script says
 * (script-grammar.ts).
 */
import { isUtf8 } from 'node:buffer';
import { type Command, bareNames } from './command.ts';

export type Parsed =
  | { readonly is: 'command'; readonly command: Command }
  | { readonly is: 'bad'; readonly why: string };

type Argument = Buffer | number;

/** Never throws; `bytes` are those of command-reader.ts. */
export function parseCommand(bytes: Buffer): Parsed {
  const word = /^[A-Za-z]{4,13}(?= |$)/.exec(bytes.toString('latin1', 0, 16))?.[0].toUpperCase();
  if (word === undefined) return { is: 'bad', why: 'that is no command' };
  const given = argumentsOf(bytes, word.length);
  if (given === undefined) return { is: 'bad', why: 'strings and numbers are expected, a space before each' };
  const command = commandOf(word, given);
  return typeof command === 'string' ? { is: 'bad', why: command } : { is: 'command', command };
}

/** A response of SASL stands alone on its line. Undefined where it is no string. */
export function parseString(bytes: Buffer): string | undefined {
  const read = readString(bytes, 0);
  return read === undefined || read.end !== bytes.length ? undefined : read.value.toString('latin1');
}

/** What is wrong, in words, where it is no command. */
function commandOf(name: string, given: readonly Argument[]): Command | string {
  const bare = bareNames.find((each) => each === name);
  if (bare !== undefined) return given.length === 0 ? { name: bare } : `${name} takes no argument`;
  const [first, second] = given;
  switch (name) {
    case 'NOOP':
      if (given.length === 0) return { name, tag: undefined };
      return given.length === 1 ? withName(name, first, (tag) => ({ name, tag })) : wrongArguments(name);
    case 'AUTHENTICATE':
      return authenticate(given);
    case 'HAVESPACE':
      if (given.length !== 2 || typeof second !== 'number') return wrongArguments(name);
      return withName(name, first, (script) => ({ name, script, size: second }));
    case 'PUTSCRIPT':
      if (given.length !== 2 || !Buffer.isBuffer(second)) return wrongArguments(name);
      return withName(name, first, (script) => ({ name, script, text: second }));
    case 'CHECKSCRIPT':
      return given.length === 1 && Buffer.isBuffer(first) ? { name, text: first } : wrongArguments(name);
    case 'GETSCRIPT':
    case 'DELETESCRIPT':
    case 'SETACTIVE':
      if (given.length !== 1) return wrongArguments(name);
      return withName(name, first, (script) => ({ name, script }));
    case 'RENAMESCRIPT':
      if (given.length !== 2) return wrongArguments(name);
      return withName(name, second, (to) => withName(name, first, (script) => ({ name, script, to })));
    default:
      return 'that is no command';
  }
}

function authenticate([mechanism, initial, ...more]: readonly Argument[]): Command | string {
  const areStrings = Buffer.isBuffer(mechanism) && (initial === undefined || Buffer.isBuffer(initial));
  if (!areStrings || more.length > 0) return wrongArguments('AUTHENTICATE');
  return {
    name: 'AUTHENTICATE',
    mechanism: mechanism.toString('latin1').toUpperCase(),
    initial: initial?.toString('latin1'),
  };
}

function withName(
  command: string,
  argument: Argument | undefined,
  build: (name: string) => Command | string,
): Command | string {
  if (!Buffer.isBuffer(argument)) return wrongArguments(command);
  return isUtf8(argument) ? build(argument.toString('utf8')) : 'names are UTF-8';
}

function wrongArguments(name: string): string {
  return `these are not the arguments of ${name}`;
}

function argumentsOf(bytes: Buffer, from: number): Argument[] | undefined {
  const found: Argument[] = [];
  let at = from;
  while (at < bytes.length) {
    if (bytes[at] !== space) return undefined;
    const read = readArgument(bytes, at + 1);
    if (read === undefined) return undefined;
    found.push(read.value);
    at = read.end;
  }
  return found;
}

interface Read<Value> {
  readonly value: Value;
  readonly end: number;
}

function readArgument(bytes: Buffer, at: number): Read<Argument> | undefined {
  // RFC 5804 section 4: a number has 32 bits.
  const number = /^\d{1,10}/.exec(bytes.toString('latin1', at, at + 10))?.[0];
  return number === undefined ? readString(bytes, at) : { value: Number(number), end: at + number.length };
}

function readString(bytes: Buffer, at: number): Read<Buffer> | undefined {
  if (bytes[at] === quote) return readQuoted(bytes, at + 1);
  const head = /^\{(\d{1,10})\+?\}\r?\n/.exec(bytes.toString('latin1', at, at + 16));
  if (head === null) return undefined;
  const [start, size] = [at + head[0].length, Number(head[1])];
  if (start + size > bytes.length) return undefined;
  return { value: bytes.subarray(start, start + size), end: start + size };
}

function readQuoted(bytes: Buffer, from: number): Read<Buffer> | undefined {
  const value: number[] = [];
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) return { value: Buffer.from(value), end: at + 1 };
    if (byte === backslash) {
      at += 1;
      const escaped = bytes[at];
      if (escaped !== quote && escaped !== backslash) return undefined;
      value.push(escaped);
    } else value.push(byte);
  }
  return undefined;
}

const [space, quote, backslash] = [0x20, 0x22, 0x5c];
