/**
 * Cuts a connection's bytes into whole commands of IMAP or ManageSieve, literals included, and invites each
 * literal that waits for it.
 *
 * It does not look into commands (each protocol's grammar.ts). A literal is never allocated by its announced
 * size: its bytes are kept as they come, and one over the limit is refused before the first of them.
 */
import { type ByteReader, withoutLineEnd } from './byte-reader.ts';

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
  readonly #bytes: ByteReader;
  readonly #invite: () => void;

  /** `invite` sends the continuation request, where the protocol has one. */
  constructor(bytes: ByteReader, invite: () => void) {
    this.#bytes = bytes;
    this.#invite = invite;
  }

  /** The next command. Not to be called again before the last call's promise is settled. */
  async read(limits: ReadLimits): Promise<Reading> {
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const line = await this.#bytes.line(limits.lineBytesMax);
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
      const bytes = await this.#bytes.exactly(announced);
      if (bytes === undefined) return { is: 'ended' };
      parts.push(bytes);
      size += announced;
    }
  }
}

function tagOf(line: Buffer | undefined): string {
  return (
    /^[!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]{1,64}(?= )/.exec(line?.toString('latin1', 0, 80) ?? '')?.[0] ??
    '*'
  );
}

const literalEnd = /\{(\d{1,10})(\+?)\}\r?\n$/;
const literalEndBytesMax = 16;
