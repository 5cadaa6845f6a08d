/**
 * Takes a connection's bytes as lines and counted pieces, whatever chunks they come in. It knows no protocol.
 */

export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #ahead: Buffer = Buffer.alloc(0);

  /** An iterator that rejects counts as ended. */
  constructor(chunks: AsyncIterator<Buffer>) {
    this.#chunks = chunks;
  }

  /** A line with its end; a bare LF ends one too, since people type them by hand. */
  async line(bytesMax: number): Promise<Buffer | 'ended' | 'tooLong'> {
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

  /** Undefined when the connection ends before. */
  async exactly(size: number): Promise<Buffer | undefined> {
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

/** The line without the CRLF or LF that ended it. */
export function withoutLineEnd(line: Buffer): Buffer {
  const isCrLf = line.at(-2) === 0x0d;
  return line.subarray(0, line.length - (isCrLf ? 2 : 1));
}
