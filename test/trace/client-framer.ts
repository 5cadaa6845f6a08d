/**
 * A reference framer: cuts a client's bytes into lines and literals as the contract words it
 * (docs/design/0001-engine-contract.md), written apart from the engine's and from the fronts', so that the
 * three can disagree. Slow and plain on purpose.
 */

export interface FramerLimits {
  readonly lineBytesMax: number;
  readonly literalBytesMax: number;
  /** False in POP3: there a line's end announces nothing. */
  readonly literals: boolean;
  /** False in submission, where an LF alone is a fault. */
  readonly bareLfEndsLine: boolean;
}

export type Framed =
  | { readonly is: 'line' | 'literal'; readonly text: string; readonly offset: number }
  | { readonly is: 'fault'; readonly reason: 'line_too_long' | 'literal_too_long' | 'syntax' };

export class ClientFramer {
  /** All bytes since the session began, or since TLS. */
  bytes = '';
  offset = 0;
  #awaits: 'line' | 'word' | 'nothing' | { readonly literal: number } = 'line';
  readonly #limits: FramerLimits;

  constructor(limits: FramerLimits) {
    this.#limits = limits;
  }

  /** The next piece; undefined until there are more bytes, or a word about a waiting literal. */
  next(): Framed | undefined {
    if (this.#awaits === 'word' || this.#awaits === 'nothing') return undefined;
    return this.#awaits === 'line' ? this.#line() : this.#literal(this.#awaits.literal);
  }

  /** False where no literal is waiting. */
  expectLiteral(size: number): boolean {
    if (this.#awaits !== 'word') return false;
    this.#awaits = { literal: size };
    return true;
  }

  expectLine(): boolean {
    if (this.#awaits !== 'word') return false;
    this.#awaits = 'line';
    return true;
  }

  #line(): Framed | undefined {
    const rest = this.bytes.slice(this.offset);
    const end = rest.indexOf('\n');
    const whole = end < 0 ? rest : rest.slice(0, end + 1);
    if (/\0|\r(?!\n|$)/.test(whole)) return this.#fault('syntax');
    if (!this.#limits.bareLfEndsLine && /(?<!\r)\n/.test(whole)) return this.#fault('syntax');
    if (whole.length > this.#limits.lineBytesMax) return this.#fault('line_too_long');
    if (end < 0) return whole.length === this.#limits.lineBytesMax ? this.#fault('line_too_long') : undefined;
    const text = whole.replace(/\r?\n$/, '');
    const announced = this.#limits.literals ? /\{(\d+)(\+?)\}$/.exec(text) : null;
    const size = Number(announced?.[1]);
    if (announced && (announced[1] ?? '').length > 10) return this.#fault('literal_too_long');
    if (announced && size > this.#limits.literalBytesMax) return this.#fault('literal_too_long');
    if (announced) this.#awaits = announced[2] === '+' ? { literal: size } : 'word';
    this.offset += whole.length;
    return { is: 'line', text, offset: this.offset };
  }

  #literal(size: number): Framed | undefined {
    const text = this.bytes.slice(this.offset, this.offset + size);
    if (text.includes('\0')) return this.#fault('syntax');
    if (text.length < size) return undefined;
    this.#awaits = 'line';
    this.offset += size;
    return { is: 'literal', text, offset: this.offset };
  }

  #fault(reason: 'line_too_long' | 'literal_too_long' | 'syntax'): Framed {
    this.#awaits = 'nothing';
    return { is: 'fault', reason };
  }
}
