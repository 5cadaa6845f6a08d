/**
 * The bytes of a whole command -> a Command, or what is wrong with it (RFC 3501 section 9, and the
 * extensions that the server announces).
 *
 * It does not ask whether the command is allowed now (session.ts). The arguments of FETCH and SEARCH have
 * grammars of their own beside this one.
 */
import { type Command, type StatusItem, bareNames, folderNames, statusItems } from './command.ts';
import { parseDateTime } from './dates.ts';
import { parseFetchItems } from './fetch-grammar.ts';
import { Scanner, SyntaxFault } from './scanner.ts';
import { parseSearch } from './search-grammar.ts';
import { type SequenceSet, parseSequenceSet } from './sequence-set.ts';

export type Parsed =
  | { readonly is: 'command'; readonly tag: string; readonly command: Command }
  /** `tag` is `*` where there was none to read. */
  | { readonly is: 'bad'; readonly tag: string; readonly why: string };

/** Never throws; `bytes` are those of command-reader.ts. */
export function parseCommand(bytes: Buffer): Parsed {
  const scanner = new Scanner(bytes);
  let tag = '*';
  try {
    tag = scanner.run(tagCharacter, 'a tag');
    scanner.expect(' ');
    const command = commandOf(scanner);
    scanner.end();
    return { is: 'command', tag, command };
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    return { is: 'bad', tag, why: error.message };
  }
}

function commandOf(scanner: Scanner): Command {
  const word = scanner.run(/[A-Za-z]/, 'a command').toUpperCase();
  if (word !== 'UID') return plainCommand(scanner, word);
  scanner.expect(' ');
  return uidCommand(scanner, scanner.run(/[A-Za-z]/, 'a command').toUpperCase());
}

function plainCommand(scanner: Scanner, word: string): Command {
  const bare = bareNames.find((name) => name === word);
  if (bare !== undefined) return { name: bare };
  const withFolder = folderNames.find((name) => name === word);
  if (withFolder !== undefined)
    return { name: withFolder, folder: argument(scanner, () => folderName(scanner)) };
  switch (word) {
    case 'ID':
      return { name: 'ID', fields: argument(scanner, () => idFields(scanner)) };
    case 'LOGIN':
      return { name: 'LOGIN', user: argument(scanner), password: argument(scanner) };
    case 'AUTHENTICATE':
      return authenticate(scanner);
    case 'LIST':
    case 'LSUB': {
      const reference = argument(scanner);
      return { name: word, reference, pattern: argument(scanner, () => scanner.listMailbox()) };
    }
    case 'STATUS': {
      const folder = argument(scanner, () => folderName(scanner));
      return {
        name: 'STATUS',
        folder,
        items: argument(scanner, () => scanner.list(() => statusItem(scanner))),
      };
    }
    case 'RENAME': {
      const folder = argument(scanner, () => folderName(scanner));
      return { name: 'RENAME', folder, to: argument(scanner, () => folderName(scanner)) };
    }
    case 'APPEND':
      return append(scanner);
    default:
      return messageCommand(scanner, word, false);
  }
}

function uidCommand(scanner: Scanner, word: string): Command {
  // RFC 4315 section 2.1.
  if (word === 'EXPUNGE') return { name: 'UID EXPUNGE', set: argument(scanner, () => sequenceSet(scanner)) };
  return messageCommand(scanner, word, true);
}

/** The commands that exist with message numbers and with UIDs. */
function messageCommand(scanner: Scanner, word: string, isUid: boolean): Command {
  if (word === 'SEARCH') return argument(scanner, () => ({ name: word, isUid, ...parseSearch(scanner) }));
  if (word !== 'FETCH' && word !== 'STORE' && word !== 'COPY' && word !== 'MOVE')
    throw scanner.fault('a known command');
  const set = argument(scanner, () => sequenceSet(scanner));
  switch (word) {
    case 'FETCH':
      return { name: word, isUid, set, items: argument(scanner, () => parseFetchItems(scanner)) };
    case 'STORE':
      return store(scanner, isUid, set);
    case 'COPY':
    case 'MOVE':
      return { name: word, isUid, set, folder: argument(scanner, () => folderName(scanner)) };
  }
}

function authenticate(scanner: Scanner): Command {
  const mechanism = argument(scanner, () => scanner.atom()).toUpperCase();
  // RFC 4959 section 3: `=` stands for an initial response without bytes.
  const initial = scanner.isAtEnd
    ? undefined
    : argument(scanner, () => scanner.run(/[A-Za-z0-9+/=]/, 'base64'));
  return { name: 'AUTHENTICATE', mechanism, initial: initial === '=' ? '' : initial };
}

function append(scanner: Scanner): Command {
  const folder = argument(scanner, () => folderName(scanner));
  scanner.expect(' ');
  let flags: string[] = [];
  if (scanner.peek() === '(') {
    flags = scanner.list(() => scanner.flag());
    scanner.expect(' ');
  }
  let internalDate: number | undefined;
  if (scanner.peek() === '"') {
    internalDate = parseDateTime(scanner.string());
    if (internalDate === undefined) throw scanner.fault('a date before this');
    scanner.expect(' ');
  }
  return { name: 'APPEND', folder, flags, internalDate, message: scanner.literal() };
}

function store(scanner: Scanner, isUid: boolean, set: SequenceSet): Command {
  scanner.expect(' ');
  const how = scanner.accept('+') ? 'add' : scanner.accept('-') ? 'remove' : 'set';
  scanner.expect('FLAGS');
  const isSilent = scanner.accept('.SILENT');
  scanner.expect(' ');
  const flags: string[] = [];
  if (scanner.peek() === '(') flags.push(...scanner.list(() => scanner.flag()));
  else {
    do flags.push(scanner.flag());
    while (scanner.accept(' '));
  }
  return { name: 'STORE', isUid, set, how, isSilent, flags };
}

/** RFC 2971 section 3.3: field and value in turn, or NIL. */
function idFields(scanner: Scanner): ReadonlyMap<string, string> {
  if (scanner.accept('NIL')) return new Map();
  const words = scanner.list(() => scanner.nstring());
  if (words.length % 2 !== 0) throw scanner.fault('a value for each field');
  const pairs = words.flatMap((word, index) =>
    index % 2 === 0 ? [[word ?? '', words[index + 1] ?? ''] as const] : [],
  );
  return new Map(pairs);
}

/** INBOX is one name in any case (RFC 3501 section 5.1). */
function folderName(scanner: Scanner): string {
  const name = scanner.astring();
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}

function statusItem(scanner: Scanner): StatusItem {
  const word = scanner.atom().toUpperCase();
  const item = statusItems.find((each) => each === word);
  if (item === undefined) throw scanner.fault('a status item before this');
  return item;
}

function sequenceSet(scanner: Scanner): SequenceSet {
  const set = parseSequenceSet(scanner.run(/[\d,:*]/, 'a sequence set'));
  if (set === undefined) throw scanner.fault('a sound sequence set before this');
  return set;
}

function argument(scanner: Scanner): string;
function argument<Value>(scanner: Scanner, read: () => Value): Value;
function argument<Value>(scanner: Scanner, read?: () => Value): Value | string {
  scanner.expect(' ');
  return read === undefined ? scanner.astring() : read();
}

// RFC 3501 section 9: tag, any ASTRING-CHAR but "+".
const tagCharacter = /[!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]/;
