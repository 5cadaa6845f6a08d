/** What FETCH may ask for (RFC 3501 section 6.4.5, fetch-att and its macros). */
import { type FetchItem, type PlainItem, type Section, type SectionItem, plainItems } from './command.ts';
import type { Scanner } from './scanner.ts';

/** A macro, one item, or a list of items. */
export function parseFetchItems(scanner: Scanner): FetchItem[] {
  if (scanner.peek() === '(') {
    const items = scanner.list(() => fetchItem(scanner));
    if (items.length === 0) throw scanner.fault('an item before this');
    return items;
  }
  for (const [macro, items] of macros) {
    if (scanner.accept(macro)) return items.map((item) => ({ item }));
  }
  return [fetchItem(scanner)];
}

function fetchItem(scanner: Scanner): FetchItem {
  if (scanner.accept('BODY.PEEK[')) return sectionItem(scanner, true);
  if (scanner.accept('BODY[')) return sectionItem(scanner, false);
  const item = plainItems.find((each) => scanner.accept(each));
  if (item === undefined) throw scanner.fault('something to fetch');
  return { item };
}

function sectionItem(scanner: Scanner, isPeek: boolean): SectionItem {
  const section = parseSection(scanner);
  scanner.expect(']');
  if (!scanner.accept('<')) return { item: 'section', section, isPeek, partial: undefined };
  const offset = scanner.number();
  scanner.expect('.');
  const count = scanner.number();
  if (count === 0) throw scanner.fault('a count above 0 before this');
  scanner.expect('>');
  return { item: 'section', section, isPeek, partial: { offset, count } };
}

function parseSection(scanner: Scanner): Section {
  const part: number[] = [];
  while (/[1-9]/.test(scanner.peek())) {
    part.push(scanner.number());
    if (!scanner.accept('.')) return { part, text: 'ALL', fields: [] };
  }
  if (scanner.peek() === ']' && part.length === 0) return { part, text: 'ALL', fields: [] };
  if (scanner.accept('HEADER.FIELDS.NOT ')) return { part, text: 'FIELDS.NOT', fields: fieldNames(scanner) };
  if (scanner.accept('HEADER.FIELDS ')) return { part, text: 'FIELDS', fields: fieldNames(scanner) };
  if (scanner.accept('HEADER')) return { part, text: 'HEADER', fields: [] };
  if (scanner.accept('TEXT')) return { part, text: 'TEXT', fields: [] };
  // Only a part has a MIME header; a message has a header.
  if (part.length > 0 && scanner.accept('MIME')) return { part, text: 'MIME', fields: [] };
  throw scanner.fault('a section');
}

function fieldNames(scanner: Scanner): string[] {
  const names = scanner.list(() => scanner.astring());
  if (names.length === 0) throw scanner.fault('a field name before this');
  return names;
}

const fast = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'] as const;
const macros: readonly (readonly [string, readonly PlainItem[]])[] = [
  ['ALL', [...fast, 'ENVELOPE']],
  ['FULL', [...fast, 'ENVELOPE', 'BODY']],
  ['FAST', fast],
];
