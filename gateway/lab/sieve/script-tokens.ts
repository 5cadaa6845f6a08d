/** A Sieve script's text as tokens (RFC 5228 section 8.1), comments and white space left out. Pure. */

export interface Token {
  readonly is: 'identifier' | 'tag' | 'number' | 'string' | 'mark' | 'end' | 'unknown';
  /** Of a mark, which: `;`, a comma or a bracket. */
  readonly text: string;
  /** The line on which it starts, from 1 on. */
  readonly line: number;
}

/** The tokens with an `end` behind them; where something is no token, an `unknown` is the last one. */
export function* tokensOf(script: string): Generator<Token, void> {
  let [at, line] = [0, 1];
  while (at < script.length) {
    const { is, length } = pieceAt(script, at);
    const text = script.slice(at, at + length);
    if (is !== 'space') yield { is, text, line };
    if (is === 'unknown') return;
    at += length;
    line += text.split('\n').length - 1;
  }
  yield { is: 'end', text: '', line };
}

function pieceAt(script: string, at: number): { is: Token['is'] | 'space'; length: number } {
  for (const [is, pattern] of patterns) {
    pattern.lastIndex = at;
    const length = pattern.exec(script)?.[0].length;
    if (length !== undefined) return { is, length };
  }
  return { is: 'unknown', length: 1 };
}

/** In this order: `text:` begins a string before it is an identifier. Sticky: they fit at lastIndex only. */
const patterns: readonly [Token['is'] | 'space', RegExp][] = [
  ['space', /[ \t\r\n]+|#[^\n]*(?:\n|$)|\/\*[^]*?\*\//y],
  ['string', /text:[ \t]*(?:#[^\n]*)?\r?\n(?:(?!\.\r?\n)[^\n]*\n)*?\.\r?(?:\n|$)/iy],
  ['string', /"(?:[^"\\]|\\[^])*"/y],
  ['identifier', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['tag', /:[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /\d+[KMGkmg]?/y],
  ['mark', /[;,{}()[\]]/y],
];
