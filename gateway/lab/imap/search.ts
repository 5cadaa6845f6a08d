/** Whether a message is what SEARCH asks for (RFC 3501 section 6.4.4). */
import type { Message } from '#gateway/lab/store/copy';
import type { SearchKey } from './command.ts';
import { dayMs, sentDay } from './dates.ts';
import { hasFlag } from './flags.ts';
import { fieldOf } from './mime.ts';
import { partsOf } from './parsed.ts';
import { isInSet } from './sequence-set.ts';
import { allHeaders, bodyText, headerText } from './text.ts';

/** A message as a session sees it, and the largest numbers in use there. */
export interface Seen {
  readonly message: Message;
  readonly number: number;
  readonly isRecent: boolean;
  readonly numberMax: number;
  readonly uidMax: number;
}

/** The key's texts as characters: SEARCH's strings come as bytes of its charset, UTF-8 or ASCII. */
export function matches(key: SearchKey, seen: Seen): boolean {
  const { message } = seen;
  switch (key.key) {
    case 'ALL':
      return true;
    case 'NEW':
      return seen.isRecent && !hasFlag(message.flags, '\\Seen');
    case 'OLD':
      return !seen.isRecent;
    case 'RECENT':
      return seen.isRecent;
    case 'FLAG':
      return hasFlag(message.flags, key.flag) === key.isSet;
    case 'SET':
      return isInSet(key.set, seen.number, seen.numberMax);
    case 'UID':
      return isInSet(key.set, message.uid, seen.uidMax);
    case 'LARGER':
      return message.bytes.length > key.size;
    case 'SMALLER':
      return message.bytes.length < key.size;
    case 'NOT':
      return !matches(key.of, seen);
    case 'AND':
      return key.of.every((each) => matches(each, seen));
    case 'OR':
      return key.of.some((each) => matches(each, seen));
    case 'HEADER':
    case 'BODY':
    case 'TEXT':
      return matchesText(key, message);
    default:
      return matchesDay(key, message);
  }
}

function matchesText(key: Extract<SearchKey, { text: string }>, { bytes }: Message): boolean {
  const parts = partsOf(bytes);
  const wanted = Buffer.from(key.text, 'latin1').toString('utf8').toLowerCase();
  if (key.key === 'BODY') return bodyText(bytes, parts).includes(wanted);
  if (key.key === 'TEXT')
    return allHeaders(parts).includes(wanted) || bodyText(bytes, parts).includes(wanted);
  return parts.fields.some(
    (field) => field.name.toLowerCase() === key.field && headerText(field.value).includes(wanted),
  );
}

function matchesDay(key: Extract<SearchKey, { day: number }>, message: Message): boolean {
  const isSent = key.key.startsWith('SENT');
  const day = isSent
    ? sentDay(fieldOf(partsOf(message.bytes), 'date') ?? '')
    : Math.floor(message.internalDate / dayMs);
  if (day === undefined) return false;
  switch (key.key) {
    case 'BEFORE':
    case 'SENTBEFORE':
      return day < key.day;
    case 'ON':
    case 'SENTON':
      return day === key.day;
    case 'SINCE':
    case 'SENTSINCE':
      return day >= key.day;
  }
}
