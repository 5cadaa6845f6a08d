/**
 * A message's parts: where each one's header and body lie in its bytes, and what its header says of them
 * (RFC 2045, 2046, 822 headers).
 *
 * It finds and describes; body-structure.ts, envelope.ts and sections.ts make IMAP of it. Whatever the bytes
 * are, there is a part tree: what makes no sense is text.
 */
import { headerBytesMax, mimeDepthMax, mimePartsMax } from './limits.ts';

export interface HeaderField {
  readonly name: string;
  /** Unfolded and trimmed; latin-1, a character a byte. */
  readonly value: string;
  /** With its line ends, as it stands in the message. */
  readonly raw: string;
}

export interface Part {
  readonly fields: readonly HeaderField[];
  readonly type: ContentValue;
  /** The header with the empty line behind it. 0 <= headerAt <= bodyAt <= end <= bytes.length. */
  readonly headerAt: number;
  readonly bodyAt: number;
  readonly end: number;
  /** Parts of a multipart; else empty. */
  readonly children: readonly Part[];
  /** What a message/rfc822 holds. */
  readonly message: Part | undefined;
}

/** `text/plain; charset=utf-8`, lower case but for parameter values. */
export interface ContentValue {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export function parseMessage(bytes: Buffer): Part {
  return parsePart(
    bytes,
    { from: 0, to: bytes.length },
    { depth: 0, budget: { parts: mimePartsMax }, usual: 'text/plain' },
  );
}

export function fieldOf(part: Part, name: string): string | undefined {
  return part.fields.find((field) => field.name.toLowerCase() === name)?.value;
}

/** A structured field such as Content-Type or Content-Disposition; undefined where it is missing or empty. */
export function contentValueOf(text: string | undefined): ContentValue | undefined {
  const bare = text === undefined ? '' : withoutComments(text);
  const value = /^\s*([^\s;]+)/.exec(bare)?.[1]?.toLowerCase();
  if (value === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (const match of bare.matchAll(/;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g)) {
    const name = match[1]?.toLowerCase() ?? '';
    if (!parameters.has(name)) parameters.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '');
  }
  return { value, parameters };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Walk {
  readonly depth: number;
  /** Counted down over the whole message. */
  readonly budget: { parts: number };
  /** What a part without a Content-Type is. */
  readonly usual: string;
}

function parsePart(bytes: Buffer, span: Span, walk: Walk): Part {
  const bodyAt = bodyStart(bytes, span);
  const fields = parseFields(
    bytes.toString('latin1', span.from, Math.min(bodyAt, span.from + headerBytesMax)),
  );
  const declared = contentValueOf(fields.find((field) => field.name.toLowerCase() === 'content-type')?.value);
  const isSound = declared !== undefined && /^[^/]+\/[^/]+$/.test(declared.value);
  const type = isSound ? declared : { value: walk.usual, parameters: new Map() };
  const part = { fields, type, headerAt: span.from, bodyAt, end: span.to, children: [], message: undefined };
  if (walk.depth >= mimeDepthMax) return asText(part);

  const boundary = type.parameters.get('boundary');
  const below = { ...walk, depth: walk.depth + 1, usual: 'text/plain' };
  if (type.value.startsWith('multipart/')) {
    if (boundary === undefined || boundary === '') return asText(part);
    const usual = type.value === 'multipart/digest' ? 'message/rfc822' : 'text/plain';
    const children = childrenOf(bytes, { from: bodyAt, to: span.to }, boundary, { ...below, usual });
    return children.length === 0 ? asText(part) : { ...part, children };
  }
  if (type.value !== 'message/rfc822') return part;
  return { ...part, message: parsePart(bytes, { from: bodyAt, to: span.to }, below) };
}

/** A multipart without parts can't be told in IMAP's grammar, so it counts as text. */
function asText(part: Part): Part {
  const isPlain = !part.type.value.startsWith('multipart/') && part.type.value !== 'message/rfc822';
  return isPlain ? part : { ...part, type: { value: 'text/plain', parameters: new Map() } };
}

function childrenOf(bytes: Buffer, span: Span, boundary: string, walk: Walk): Part[] {
  const children: Part[] = [];
  let from: number | undefined;
  for (const mark of boundaryLines(bytes, span, `--${boundary}`)) {
    if (from !== undefined && walk.budget.parts > 0) {
      walk.budget.parts -= 1;
      children.push(parsePart(bytes, { from, to: Math.max(from, mark.lineEndBefore) }, walk));
    }
    from = mark.isLast ? undefined : mark.next;
    if (mark.isLast) return children;
  }
  if (from !== undefined && from < span.to) children.push(parsePart(bytes, { from, to: span.to }, walk));
  return children;
}

interface BoundaryLine {
  /** The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1). */
  readonly lineEndBefore: number;
  readonly next: number;
  readonly isLast: boolean;
}

function* boundaryLines(bytes: Buffer, span: Span, delimiter: string): Generator<BoundaryLine> {
  let at = span.from;
  while (at < span.to) {
    const found = bytes.indexOf(delimiter, at, 'latin1');
    if (found < 0 || found >= span.to) return;
    const lineEnd = bytes.indexOf(0x0a, found);
    const next = lineEnd < 0 || lineEnd >= span.to ? span.to : lineEnd + 1;
    const rest = bytes.toString('latin1', found + delimiter.length, next);
    const isLineStart = found === span.from || bytes[found - 1] === 0x0a;
    if (isLineStart && /^(--)?[ \t]*\r?\n?$/.test(rest)) {
      const crLf = bytes[found - 2] === 0x0d ? 2 : 1;
      yield {
        lineEndBefore: found === span.from ? found : found - crLf,
        next,
        isLast: rest.startsWith('--'),
      };
    }
    at = next;
  }
}

/** Behind the first empty line; a part that starts with one has no header. */
function bodyStart(bytes: Buffer, { from, to }: Span): number {
  let at = from;
  while (at < to) {
    const lineEnd = bytes.indexOf(0x0a, at);
    if (lineEnd < 0 || lineEnd >= to) return to;
    const length = lineEnd - at;
    if (length === 0 || (length === 1 && bytes[at] === 0x0d)) return lineEnd + 1;
    at = lineEnd + 1;
  }
  return to;
}

function parseFields(header: string): HeaderField[] {
  const fields: HeaderField[] = [];
  for (const raw of header.match(/[^\n]*\n(?:[ \t][^\n]*\n?)*|[^\n]+$/g) ?? []) {
    const match = /^([!-9;-~]+)[ \t]*:([^]*)$/.exec(raw);
    if (match?.[1] === undefined) continue;
    fields.push({ name: match[1], value: (match[2] ?? '').replace(/\r?\n/g, '').trim(), raw });
  }
  return fields;
}

function withoutComments(text: string): string {
  if (!text.includes('(')) return text;
  let depth = 0;
  let isQuoted = false;
  let kept = '';
  for (const character of text) {
    if (depth === 0 && character === '"') isQuoted = !isQuoted;
    if (!isQuoted && character === '(') depth += 1;
    if (depth === 0) kept += character;
    if (!isQuoted && character === ')' && depth > 0) depth -= 1;
  }
  return kept;
}
