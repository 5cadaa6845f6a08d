/** What SEARCH may ask for (RFC 3501 section 6.4.4, search-key). search.ts answers. */
import type { SearchKey } from './command.ts';
import { parseDay } from './dates.ts';
import { searchDepthMax } from './limits.ts';
import type { Scanner } from './scanner.ts';
import { parseSequenceSet } from './sequence-set.ts';

/** All that stands behind SEARCH. `charset` is upper case, US-ASCII where none is named. */
export function parseSearch(scanner: Scanner): { charset: string; key: SearchKey } {
  let charset = 'US-ASCII';
  if (scanner.accept('CHARSET ')) {
    charset = scanner.astring().toUpperCase();
    scanner.expect(' ');
  }
  return { charset, key: keysUntil(scanner, 0, () => scanner.isAtEnd) };
}

function keysUntil(scanner: Scanner, depth: number, isOver: () => boolean): SearchKey {
  const keys = [searchKey(scanner, depth)];
  while (!isOver()) {
    scanner.expect(' ');
    keys.push(searchKey(scanner, depth));
  }
  const [only] = keys;
  return keys.length === 1 && only !== undefined ? only : { key: 'AND', of: keys };
}

function searchKey(scanner: Scanner, depth: number): SearchKey {
  if (depth > searchDepthMax) throw scanner.fault(`at most ${searchDepthMax} keys within keys`);
  if (scanner.accept('(')) return keysUntil(scanner, depth + 1, () => scanner.accept(')'));
  if (/[\d*]/.test(scanner.peek())) return { key: 'SET', set: sequenceSet(scanner) };
  const word = scanner.run(/[A-Za-z]/, 'a search key').toUpperCase();
  const flag = flagKeys.get(word);
  if (flag !== undefined) return { key: 'FLAG', flag: flag.flag, isSet: flag.isSet };
  if (word === 'ALL' || word === 'NEW' || word === 'OLD' || word === 'RECENT') return { key: word };
  scanner.expect(' ');
  return keyWithArgument(scanner, word, depth);
}

function keyWithArgument(scanner: Scanner, word: string, depth: number): SearchKey {
  switch (word) {
    case 'UID':
      return { key: word, set: sequenceSet(scanner) };
    case 'BEFORE':
    case 'ON':
    case 'SINCE':
    case 'SENTBEFORE':
    case 'SENTON':
    case 'SENTSINCE':
      return { key: word, day: day(scanner) };
    case 'LARGER':
    case 'SMALLER':
      return { key: word, size: scanner.number() };
    case 'BODY':
    case 'TEXT':
      return { key: word, text: scanner.astring() };
    case 'FROM':
    case 'TO':
    case 'CC':
    case 'BCC':
    case 'SUBJECT':
      return { key: 'HEADER', field: word.toLowerCase(), text: scanner.astring() };
    case 'KEYWORD':
    case 'UNKEYWORD':
      return { key: 'FLAG', flag: scanner.atom(), isSet: word === 'KEYWORD' };
    case 'NOT':
      return { key: word, of: searchKey(scanner, depth + 1) };
    default:
      return keyWithTwoArguments(scanner, word, depth);
  }
}

function keyWithTwoArguments(scanner: Scanner, word: string, depth: number): SearchKey {
  if (word === 'HEADER') {
    const field = scanner.astring().toLowerCase();
    scanner.expect(' ');
    return { key: 'HEADER', field, text: scanner.astring() };
  }
  if (word !== 'OR') throw scanner.fault('a known search key before this');
  const first = searchKey(scanner, depth + 1);
  scanner.expect(' ');
  return { key: 'OR', of: [first, searchKey(scanner, depth + 1)] };
}

function sequenceSet(scanner: Scanner) {
  const set = parseSequenceSet(scanner.run(/[\d,:*]/, 'a sequence set'));
  if (set === undefined) throw scanner.fault('a sound sequence set before this');
  return set;
}

function day(scanner: Scanner): number {
  const value = parseDay(scanner.astring());
  if (value === undefined) throw scanner.fault('a date before this');
  return value;
}

const flagWords = ['Answered', 'Deleted', 'Draft', 'Flagged', 'Seen'];
const flagKeys = new Map<string, { readonly flag: string; readonly isSet: boolean }>();
for (const word of flagWords) {
  flagKeys.set(word.toUpperCase(), { flag: `\\${word}`, isSet: true });
  flagKeys.set(`UN${word.toUpperCase()}`, { flag: `\\${word}`, isSet: false });
}
