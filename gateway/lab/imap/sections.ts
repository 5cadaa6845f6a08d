/** The bytes that `BODY[section]` names (RFC 3501 section 6.4.5). */
import type { Section } from './command.ts';
import type { Part } from './mime.ts';

/** Undefined where the message has no such part: the answer is NIL. */
export function sectionOf(bytes: Buffer, message: Part, section: Section): Buffer | undefined {
  const part = partAt(message, section.part);
  if (part === undefined) return undefined;
  const isWhole = section.part.length === 0;
  if (section.text === 'MIME') return bytes.subarray(part.headerAt, part.bodyAt);
  if (section.text === 'ALL') return bytes.subarray(isWhole ? part.headerAt : part.bodyAt, part.end);
  // HEADER and TEXT of a part are those of the message in it; no other part has them.
  const inner = isWhole ? part : part.message;
  if (inner === undefined) return undefined;
  switch (section.text) {
    case 'HEADER':
      return bytes.subarray(inner.headerAt, inner.bodyAt);
    case 'TEXT':
      return bytes.subarray(inner.bodyAt, inner.end);
    case 'FIELDS':
      return someFields(inner, section.fields, true);
    case 'FIELDS.NOT':
      return someFields(inner, section.fields, false);
  }
}

/** As in the request: `BODY[1.HEADER.FIELDS (From)]`, names as the client wrote them. */
export function formatSection({ part, text, fields }: Section): string {
  const words = {
    ALL: '',
    HEADER: 'HEADER',
    TEXT: 'TEXT',
    MIME: 'MIME',
    FIELDS: 'HEADER.FIELDS',
    'FIELDS.NOT': 'HEADER.FIELDS.NOT',
  };
  const names = fields.length > 0 ? ` (${fields.join(' ')})` : '';
  const word = words[text] + names;
  return `BODY[${[...part, ...(word === '' ? [] : [word])].join('.')}]`;
}

/** A message that is no multipart has one part, 1, which is its body and has no parts of its own. */
function partAt(message: Part, numbers: readonly number[]): Part | undefined {
  let part = message;
  for (const [depth, number] of numbers.entries()) {
    // Below the first number, a part is looked into when it holds a message.
    const whole = depth === 0 ? part : part.message;
    const children = (whole ?? part).children;
    const next = children.length > 0 ? children[number - 1] : number === 1 ? whole : undefined;
    if (next === undefined) return undefined;
    part = next;
  }
  return part;
}

function someFields(part: Part, names: readonly string[], isWanted: boolean): Buffer {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const kept = part.fields.filter((field) => wanted.has(field.name.toLowerCase()) === isWanted);
  const lines = kept.map((field) => (field.raw.endsWith('\n') ? field.raw : `${field.raw}\r\n`));
  return Buffer.from(`${lines.join('')}\r\n`, 'latin1');
}
