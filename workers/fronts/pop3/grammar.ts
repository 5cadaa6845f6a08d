/**
 * POP3's grammar as far as a client may speak it before its login: a line to a command, or a syntax error
 * with its column. RFC 1939 section 3, RFC 2449 section 4. What a command is for is preamble.ts's.
 */
import { type Parsed, endOf, fault } from '../syntax.ts';

export interface Command {
  /** Upper case. */
  readonly name: string;
  /** Everything behind the one space after the name: a password may hold spaces, and begin with them. */
  readonly argument: string | undefined;
}

/** RFC 1939 section 3: a keyword of three or four letters; longer ones exist, and none has other letters. */
export function parseCommand(line: string): Parsed<Command> {
  const nameEnd = endOf(line, 0, isNameCharacter);
  if (nameEnd === 0) return fault(0, 'a command');
  const name = line.slice(0, nameEnd).toUpperCase();
  if (nameEnd === line.length) return { value: { name, argument: undefined } };
  if (line[nameEnd] !== ' ') return fault(nameEnd, 'a space or the end of the command');
  return { value: { name, argument: line.slice(nameEnd + 1) } };
}

/** For CAPA, STLS and QUIT: nothing may follow but spaces, which programs leave there. */
export function parseNoArgument({ name, argument }: Command): Parsed<undefined> {
  const rest = argument?.search(/[^ ]/) ?? -1;
  return rest < 0 ? { value: undefined } : fault(name.length + 1 + rest, 'the end of the command');
}

/** For USER: a name that is there. */
export function parseName({ name, argument = '' }: Command): Parsed<string> {
  return argument === '' ? fault(name.length, 'a space and a name') : { value: argument };
}

export interface AuthArguments {
  /** As the client wrote it. */
  readonly mechanism: string;
  /** Base64, or `=` for an empty one; undefined where the client sent none. Not decoded. */
  readonly initialResponse: string | undefined;
}

/** RFC 5034 section 4: AUTH mechanism [initial-response]. */
export function parseAuth({ name, argument = '' }: Command): Parsed<AuthArguments> {
  const start = name.length + 1;
  const end = endOf(argument, 0, isMechanismCharacter);
  if (end === 0) return fault(start, 'a mechanism');
  const mechanism = argument.slice(0, end);
  if (end === argument.length) return { value: { mechanism, initialResponse: undefined } };
  if (argument[end] !== ' ') return fault(start + end, 'a space or the end of the command');
  const initialResponse = argument.slice(end + 1);
  if (initialResponse === '' || initialResponse.includes(' ')) {
    return fault(start + end + 1, 'an initial response');
  }
  return { value: { mechanism, initialResponse } };
}

function isNameCharacter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

/** RFC 4422 section 3.1: letters, digits, hyphen and underscore. */
function isMechanismCharacter(code: number): boolean {
  return isNameCharacter(code) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
}
