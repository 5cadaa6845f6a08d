/**
 * Cuts a connection's bytes into whole commands, literals included, and invites each literal that waits for
 * it.
 *
 * It does not look into commands (grammar.ts). A literal is never allocated by its announced size: its
 * bytes are kept as they come, and one over the limit is refused before the first of them.
 */

export type Reading =
  /**
   * Without the line end behind the last line; literals stand in it as they came, `{n}` and line end before
   * them.
   */
  | { readonly is: 'command'; readonly bytes: Buffer }
  /** The client waits for an invitation that it will not get: a refusal is enough. */
  | { readonly is: 'literalRefused'; readonly tag: string }
  /** What follows can't be told from commands any more: the connection has to end. */
  | { readonly is: 'tooLong'; readonly tag: string }
  | { readonly is: 'ended' };

export interface ReadLimits {
  readonly lineBytesMax: number;
  readonly literalBytesMax: number;
  readonly commandBytesMax: number;
}

export class CommandReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #invite: () => void;
  #ahead: Buffer = Buffer.alloc(0);

  /** `invite` sends the continuation request. An iterator that rejects counts as ended. */
  constructor(chunks: AsyncIterator<Buffer>, invite: () => void) {
    this.#chunks = chunks;
    this.#invite = invite;
  }

  /** The next command. Not to be called again before the last call's promise is settled. */
  async read(limits: ReadLimits): Promise<Reading> {
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const line = await this.#line(limits.lineBytesMax);
      if (line === 'ended') return { is: 'ended' };
      if (line === 'tooLong') return { is: 'tooLong', tag: '*' };
      const literal = literalEnd.exec(line.toString('latin1', Math.max(0, line.length - literalEndBytesMax)));
      parts.push(line);
      size += line.length;
      if (literal?.[1] === undefined)
        return { is: 'command', bytes: withoutLineEnd(Buffer.concat(parts, size)) };

      const [announced, isInvited] = [Number(literal[1]), literal[2] !== '+'];
      if (announced > limits.literalBytesMax || size + announced > limits.commandBytesMax) {
        return { is: isInvited ? 'literalRefused' : 'tooLong', tag: tagOf(parts[0]) };
      }
      if (isInvited) this.#invite();
      const bytes = await this.#exactly(announced);
      if (bytes === undefined) return { is: 'ended' };
      parts.push(bytes);
      size += announced;
    }
  }

  /** A line with its end; a bare LF ends one too, since people type them by hand. */
  async #line(bytesMax: number): Promise<Buffer | 'ended' | 'tooLong'> {
    let searched = 0;
    for (;;) {
      const at = this.#ahead.indexOf(0x0a, searched);
      if (at >= bytesMax || (at < 0 && this.#ahead.length >= bytesMax)) return 'tooLong';
      if (at >= 0) return this.#take(at + 1);
      searched = this.#ahead.length;
      const chunk = await this.#next();
      if (chunk === undefined) return 'ended';
      this.#ahead = Buffer.concat([this.#ahead, chunk]);
    }
  }

  async #exactly(size: number): Promise<Buffer | undefined> {
    const pieces = [this.#take(Math.min(size, this.#ahead.length))];
    let missing = size - (pieces[0]?.length ?? 0);
    while (missing > 0) {
      const chunk = await this.#next();
      if (chunk === undefined) return undefined;
      pieces.push(chunk.subarray(0, missing));
      this.#ahead = chunk.subarray(missing);
      missing -= Math.min(missing, chunk.length);
    }
    return Buffer.concat(pieces, size);
  }

  #take(size: number): Buffer {
    const taken = this.#ahead.subarray(0, size);
    this.#ahead = this.#ahead.subarray(size);
    return taken;
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const next = await this.#chunks.next();
      return next.done === true ? undefined : next.value;
    } catch {
      return undefined;
    }
  }
}

function withoutLineEnd(bytes: Buffer): Buffer {
  const isCrLf = bytes.at(-2) === 0x0d;
  return bytes.subarray(0, bytes.length - (isCrLf ? 2 : 1));
}

function tagOf(line: Buffer | undefined): string {
  return (
    /^[!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]{1,64}(?= )/.exec(line?.toString('latin1', 0, 80) ?? '')?.[0] ??
    '*'
  );
}

const literalEnd = /\{(\d{1,10})(\+?)\}\r?\n$/;
const literalEndBytesMax = 16;
