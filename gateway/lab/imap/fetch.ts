/** What FETCH answers of one message (RFC 3501 section 7.4.2). */
import type { Message } from '#gateway/lab/store/copy';
import type { FetchItem, SectionItem } from './command.ts';
import { formatDateTime } from './dates.ts';
import { partsOf } from './parsed.ts';
import { formatSection, sectionOf } from './sections.ts';
import { formatEnvelope, formatStructure } from './structure.ts';

/** `* 3 FETCH (...)` in pieces, so that a message's bytes are not copied. */
export function fetchResponse(
  number: number,
  message: Message,
  flags: readonly string[],
  items: readonly FetchItem[],
): Buffer[] {
  const pieces: Buffer[] = [Buffer.from(`* ${number} FETCH (`)];
  for (const [index, item] of items.entries()) {
    if (index > 0) pieces.push(space);
    pieces.push(...formatItem(item, message, flags));
  }
  return [...pieces, closing];
}

/** Whether the fetch marks the message as read. */
export function setsSeen(item: FetchItem): boolean {
  if (item.item === 'section') return !item.isPeek;
  return item.item === 'RFC822' || item.item === 'RFC822.TEXT';
}

function formatItem(item: FetchItem, message: Message, flags: readonly string[]): Buffer[] {
  const { bytes } = message;
  switch (item.item) {
    case 'FLAGS':
      return text(`FLAGS (${flags.join(' ')})`);
    case 'UID':
      return text(`UID ${message.uid}`);
    case 'INTERNALDATE':
      return text(`INTERNALDATE "${formatDateTime(message.internalDate)}"`);
    case 'RFC822.SIZE':
      return text(`RFC822.SIZE ${bytes.length}`);
    case 'ENVELOPE':
      return text(`ENVELOPE ${formatEnvelope(partsOf(bytes))}`);
    case 'BODY':
      return text(`BODY ${formatStructure(bytes, partsOf(bytes), false)}`);
    case 'BODYSTRUCTURE':
      return text(`BODYSTRUCTURE ${formatStructure(bytes, partsOf(bytes), true)}`);
    case 'RFC822':
      return literal('RFC822', bytes);
    case 'RFC822.HEADER':
      return literal('RFC822.HEADER', bytes.subarray(0, partsOf(bytes).bodyAt));
    case 'RFC822.TEXT':
      return literal('RFC822.TEXT', bytes.subarray(partsOf(bytes).bodyAt));
    case 'section':
      return formatSectionItem(item, bytes);
  }
}

function formatSectionItem({ section, partial }: SectionItem, bytes: Buffer): Buffer[] {
  const whole = sectionOf(bytes, partsOf(bytes), section);
  const label = formatSection(section) + (partial === undefined ? '' : `<${partial.offset}>`);
  if (whole === undefined) return text(`${label} NIL`);
  return literal(
    label,
    partial === undefined ? whole : whole.subarray(partial.offset, partial.offset + partial.count),
  );
}

function literal(label: string, bytes: Buffer): Buffer[] {
  return [Buffer.from(`${label} {${bytes.length}}\r\n`, 'latin1'), bytes];
}

/** Text is latin-1 here, a character a byte. */
function text(line: string): Buffer[] {
  return [Buffer.from(line, 'latin1')];
}

const space = Buffer.from(' ');
const closing = Buffer.from(')\r\n');
