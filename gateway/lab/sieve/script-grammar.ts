/**
 * Whether a text is a Sieve script by its grammar (RFC 5228 section 8.2): commands end, brackets are closed,
 * tests stand where they may.
 *
 * Which commands, tests and extensions there are is not asked: nothing in the lab runs a script. Pure.
 */
import { type Token, tokensOf } from './script-tokens.ts';

export type Checked =
  | { readonly is: 'sound' }
  /** `why` names the line. */
  | { readonly is: 'unsound'; readonly why: string };

/** `depthMax`: blocks and tests within each other. */
export function checkScript(script: string, depthMax: number): Checked {
  const parser = new Parser([...tokensOf(script)], depthMax);
  const why = parser.commandsTo('end', 0);
  return why === undefined ? { is: 'sound' } : { is: 'unsound', why };
}

/** Each method reads its piece, and gives what is wrong with it, in words. */
class Parser {
  readonly #tokens: readonly Token[];
  readonly #depthMax: number;
  #at = 0;

  constructor(tokens: readonly Token[], depthMax: number) {
    this.#tokens = tokens;
    this.#depthMax = depthMax;
  }

  /** Commands up to the end of the script, or to the brace that closes their block. */
  commandsTo(closing: 'end' | '}', depth: number): string | undefined {
    if (depth > this.#depthMax) return this.#tooDeep();
    for (;;) {
      if (closing === 'end' ? this.#next.is === 'end' : this.#takes('}')) return undefined;
      if (this.#next.is !== 'identifier') return this.#fault('a command is expected');
      const why = this.#command(depth);
      if (why !== undefined) return why;
    }
  }

  #command(depth: number): string | undefined {
    this.#at += 1;
    const why = this.#arguments(depth);
    if (why !== undefined) return why;
    if (this.#takes(';')) return undefined;
    return this.#takes('{') ? this.commandsTo('}', depth + 1) : this.#fault('";" or a block is expected');
  }

  /** What stands behind a command's or a test's name: arguments, then at most one test or list of tests. */
  #arguments(depth: number): string | undefined {
    if (depth > this.#depthMax) return this.#tooDeep();
    while (['tag', 'number', 'string'].includes(this.#next.is) || this.#next.text === '[') {
      const why = this.#takes('[') ? this.#strings() : this.#skip();
      if (why !== undefined) return why;
    }
    if (this.#next.is === 'identifier') return this.#test(depth);
    return this.#takes('(') ? this.#tests(depth) : undefined;
  }

  #test(depth: number): string | undefined {
    if (this.#next.is !== 'identifier') return this.#fault('a test is expected');
    this.#at += 1;
    return this.#arguments(depth + 1);
  }

  #tests(depth: number): string | undefined {
    do {
      const why = this.#test(depth);
      if (why !== undefined) return why;
    } while (this.#takes(','));
    return this.#takes(')') ? undefined : this.#fault('"," or ")" is expected');
  }

  #strings(): string | undefined {
    do {
      if (this.#next.is !== 'string') return this.#fault('a string is expected');
      this.#at += 1;
    } while (this.#takes(','));
    return this.#takes(']') ? undefined : this.#fault('"," or "]" is expected');
  }

  #skip(): undefined {
    this.#at += 1;
  }

  #takes(mark: string): boolean {
    const isThere = this.#next.is === 'mark' && this.#next.text === mark;
    if (isThere) this.#at += 1;
    return isThere;
  }

  #fault(what: string): string {
    const { is, text, line } = this.#next;
    return `line ${line}: ${what}, not ${is === 'end' ? 'the end' : text.slice(0, shownCharsMax)}`;
  }

  #tooDeep(): string {
    return `line ${this.#next.line}: blocks and tests are ${this.#depthMax} deep at most`;
  }

  /** The last token is never taken: it is the end, or what no token is. */
  get #next(): Token {
    return this.#tokens[this.#at] ?? { is: 'end', text: '', line: 0 };
  }
}

const shownCharsMax = 40;
