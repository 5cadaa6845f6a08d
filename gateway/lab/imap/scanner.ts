/**
 * Reads the tokens of one IMAP command: atoms, strings, literals, numbers (RFC 3501 section 9).
 *
 * It knows tokens, not commands (grammar.ts). Strings come out as latin-1, one character a byte, so that any
 * byte passes through unchanged.
 */

/** What is wrong with a command, and where. Caught by grammar.ts, which makes it a value. */
export class SyntaxFault extends Error {}

export class Scanner {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next character, empty at the end. */
  peek(): string {
    const byte = this.#bytes[this.#at];
    return byte === undefined ? '' : String.fromCharCode(byte);
  }

  /** Takes the text when it comes next, without regard to case. */
  accept(text: string): boolean {
    const next = this.#bytes.toString('latin1', this.#at, this.#at + text.length);
    if (next.toUpperCase() !== text.toUpperCase()) return false;
    this.#at += text.length;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.fault(text === ' ' ? 'a space' : `"${text}"`);
  }

  end(): void {
    if (!this.isAtEnd) throw this.fault('the end of the command');
  }

  /** As many characters as the class has; at least one. */
  run(allowed: RegExp, what: string): string {
    const from = this.#at;
    while (!this.isAtEnd && allowed.test(this.peek())) this.#at += 1;
    if (this.#at === from) throw this.fault(what);
    return this.#bytes.toString('latin1', from, this.#at);
  }

  atom(): string {
    return this.run(atomCharacter, 'an atom');
  }

  number(): number {
    const digits = this.run(/\d/, 'a number');
    const value = Number(digits);
    if (digits.length > 10 || value > 0xffffffff) throw this.fault('a number below 4294967296');
    return value;
  }

  astring(): string {
    return this.#isString() ? this.string() : this.run(astringCharacter, 'a string');
  }

  /** list-mailbox: a name that may hold wildcards. */
  listMailbox(): string {
    return this.#isString() ? this.string() : this.run(listCharacter, 'a mailbox name or pattern');
  }

  nstring(): string | undefined {
    return this.accept('NIL') ? undefined : this.string();
  }

  string(): string {
    return this.peek() === '"' ? this.#quoted() : this.literal().toString('latin1');
  }

  /** The bytes of a literal; command-reader.ts has seen to it that they are there. */
  literal(): Buffer {
    const head = literalHead.exec(this.#bytes.toString('latin1', this.#at, this.#at + literalHeadBytesMax));
    if (head?.[1] === undefined) throw this.fault('a string');
    const from = this.#at + head[0].length;
    const to = from + Number(head[1]);
    if (to > this.#bytes.length) throw this.fault('the whole literal');
    this.#at = to;
    return this.#bytes.subarray(from, to);
  }

  /** `(item item)`, each read by the function; may be empty. */
  list<Item>(item: () => Item): Item[] {
    const items: Item[] = [];
    this.expect('(');
    while (!this.accept(')')) {
      if (items.length > 0) this.expect(' ');
      items.push(item());
    }
    return items;
  }

  flag(): string {
    return this.accept('\\') ? `\\${this.atom()}` : this.atom();
  }

  fault(wanted: string): SyntaxFault {
    return new SyntaxFault(`expected ${wanted} at column ${this.#at + 1}`);
  }

  #isString(): boolean {
    return this.peek() === '"' || this.peek() === '{';
  }

  #quoted(): string {
    this.expect('"');
    let text = '';
    for (;;) {
      const next = this.peek();
      this.#at += 1;
      if (next === '"') return text;
      if (next !== '\\') {
        // RFC 3501 section 9, TEXT-CHAR: seven bits; what has eight comes as a literal.
        if (!/[\x01-\x09\x0b\x0c\x0e-\x7f]/.test(next)) throw this.fault('a closing quote');
        text += next;
      } else {
        const escaped = this.peek();
        if (escaped !== '"' && escaped !== '\\') throw this.fault('an escaped quote or backslash');
        text += escaped;
        this.#at += 1;
      }
    }
  }
}

const atomCharacter = /[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]/;
const astringCharacter = /[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]/;
const listCharacter = /[!#$%&'*+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]/;
const literalHead = /^\{(\d{1,10})\+?\}\r?\n/;
const literalHeadBytesMax = 16;
