/**
 * One client's connection to a lab server, below its protocol: what is said goes out in order, a silence has
 * its bound, and the end comes also where the client never says anything again.
 */
import type { Socket } from 'node:net';
import { ByteReader } from './byte-reader.ts';

/** A client that does not close after our goodbye is cut off. */
const closeTimeoutMs = 2_000;

export class ClientConnection {
  /** What the client says. */
  readonly bytes: ByteReader;
  /** Nothing more is read. Also set by a session whose client has said goodbye. */
  isOver = false;
  readonly #socket: Socket;

  /** `onSilence`: the client has said nothing for as long as `limitSilence` allows. */
  constructor(socket: Socket, onSilence: () => void) {
    this.#socket = socket;
    // A client that breaks the connection is no event of ours; the reader sees the end.
    socket.on('error', () => undefined).setNoDelay(true);
    socket.on('timeout', onSilence);
    this.bytes = new ByteReader(socket.iterator({ destroyOnReturn: false }));
  }

  limitSilence(timeoutMs: number): void {
    this.#socket.setTimeout(timeoutMs);
  }

  /** A line of latin-1 text, a character a byte. */
  line(text: string): void {
    if (this.#socket.writable) this.#socket.write(`${text}\r\n`, 'latin1');
  }

  /** Writes all of it at once; settles when the client has read enough of it, or is gone. */
  async pieces(pieces: readonly Buffer[]): Promise<void> {
    if (!this.#socket.writable) return;
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
    if (this.#socket.writableNeedDrain) await drained(this.#socket);
  }

  /** The last words, and the end, in the middle of whatever the client does. */
  bye(lastWords: string): void {
    if (this.isOver) return;
    this.line(lastWords);
    this.close();
    // The client may never say anything again; a read that waits for it has to end too.
    setImmediate(() => this.#socket.destroySoon());
  }

  close(): void {
    this.isOver = true;
    this.#socket.end();
    this.#socket.setTimeout(closeTimeoutMs, () => this.#socket.destroy());
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}
