/**
 * Follows one peer: keeps a link to it and hands on each frame; says how far it got. Tries again for ever.
 */
import { type Socket, connect } from 'node:net';
import { type Frame, FrameReader, type Position, encodeFrame } from './frames.ts';

/** A peer that starts needs about this long. */
const retryMs = 100;

/** What a follower does with a frame: the position that it reached, undefined for nothing to acknowledge. */
export type TakeFrame = (frame: Frame) => Position | undefined;

export class Follower {
  readonly #server: string;
  readonly #path: string;
  readonly #take: TakeFrame;
  #socket: Socket | undefined;
  #isStopped = false;
  #isLinked = false;

  /**
   * `server`: who we are. `path`: the peer's socket. `take` throws on what can't be: the link starts again.
   */
  constructor(server: string, path: string, take: TakeFrame) {
    this.#server = server;
    this.#path = path;
    this.#take = take;
    this.#connect();
  }

  get isLinked(): boolean {
    return this.#isLinked;
  }

  stop(): void {
    this.#isStopped = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    if (this.#isStopped) return;
    const reader = new FrameReader();
    const socket = connect(this.#path);
    this.#socket = socket;
    socket.on('connect', () => {
      this.#isLinked = true;
      send(socket, { type: 'follow', server: this.#server });
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.take(chunk)) this.#hear(socket, frame);
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isLinked = false;
      setTimeout(() => this.#connect(), retryMs).unref();
    });
  }

  #hear(socket: Socket, frame: Frame): void {
    const reached = this.#take(frame);
    if (reached !== undefined && 'database' in frame)
      send(socket, { type: 'ack', database: frame.database, ...reached });
  }
}

function send(socket: Socket, frame: Frame): void {
  for (const piece of encodeFrame(frame)) socket.write(piece);
}
