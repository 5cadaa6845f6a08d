/**
 * What the grammars of clients' commands share: faults with their column, quoted strings and literals, which
 * are the same in IMAP (RFC 9051) and in ManageSieve (RFC 5804). PURE.
 *
 * A command is parsed as it stands on the wire, without its last CRLF: behind an announcement `{n}` follow
 * CRLF and the n bytes.
 */

/** Where a command stops being one, and what was wanted there. `column` counts from 1. */
export interface SyntaxFault {
  readonly column: number;
  readonly wanted: string;
}

/** What a parser makes of a text. */
export type Parsed<T, Fault = SyntaxFault> = { readonly value: T } | { readonly fault: Fault };

/** A piece of a command and the index behind it. */
export interface Piece {
  readonly value: string;
  readonly at: number;
}
/** A piece, or the fault in its place. */
export type ParsedPiece = Piece | { readonly fault: SyntaxFault };

/** A fault at an index. */
export function fault(at: number, wanted: string): { readonly fault: SyntaxFault } {
  return { fault: { column: at + 1, wanted } };
}

/** For NOOP, CAPABILITY and the like: nothing may follow. */
export function parseEnd(text: string, at: number): Parsed<undefined> {
  return at === text.length ? { value: undefined } : fault(at, 'the end of the command');
}

/** A space, and behind it what `parse` takes. */
export function parseSpaced(
  text: string,
  at: number,
  parse: (text: string, at: number) => ParsedPiece,
): ParsedPiece {
  return text[at] === ' ' ? parse(text, at + 1) : fault(at, 'a space and an argument');
}

/** A quoted string or a literal. */
export function parseString(text: string, at: number): ParsedPiece {
  if (text[at] === '"') return parseQuoted(text, at);
  if (text[at] === '{') return parseLiteral(text, at);
  return fault(at, 'a string');
}

/** RFC 9051: a quoted string holds no CR or LF, and `\` stands before `"` and `\` only. */
function parseQuoted(text: string, at: number): ParsedPiece {
  let value = '';
  let from = at + 1;
  for (let next = from; next < text.length; next++) {
    const character = text[next];
    if (character === '"') return { value: value + text.slice(from, next), at: next + 1 };
    if (character === '\r' || character === '\n') return fault(next, 'a closing quote');
    if (character !== '\\') continue;
    const escaped = text[next + 1];
    if (escaped !== '"' && escaped !== '\\') return fault(next + 1, '" or \\ behind \\');
    value += text.slice(from, next) + escaped;
    from = next + 2;
    next++;
  }
  return fault(text.length, 'a closing quote');
}

/**
 * RFC 9051 section 4.3: `{n}` or `{n+}`, CRLF, n bytes. A literal that was not taken in ends the text
 * here.
 */
function parseLiteral(text: string, at: number): ParsedPiece {
  const close = text.indexOf('}', at);
  const announced = close < 0 ? null : /^\{([0-9]{1,10})\+?\}$/.exec(text.slice(at, close + 1));
  const start = close + 3;
  const end = start + Number(announced?.[1]);
  if (!announced || text.slice(close + 1, start) !== '\r\n' || end > text.length)
    return fault(at, 'a literal');
  return { value: text.slice(start, end), at: end };
}

/** The index behind the characters from `at` on that belong. */
export function endOf(text: string, at: number, belongs: (code: number) => boolean): number {
  let end = at;
  while (end < text.length && belongs(text.charCodeAt(end))) end++;
  return end;
}
