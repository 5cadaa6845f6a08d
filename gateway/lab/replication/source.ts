/**
 * Ships the databases that are served here to the servers that follow: a whole copy first, then each change.
 *
 * It does not know what is served here (it is told), nor what the follower makes of it (follower.ts).
 */
import type { Socket } from 'node:net';
import type { Change } from '#gateway/lab/store/change';
import { type Frame, FrameReader, type Position, encodeFrame } from './frames.ts';

/** A follower that lets so much pile up is cut off; it comes back and gets the whole copy. */
const pendingBytesMax = 256 * 1024 * 1024;

/** What is served here at this moment. */
export interface Served {
  readonly database: string;
  readonly position: Position;
  /** The whole copy. */
  told(): Iterable<Change>;
}

interface Follower {
  readonly socket: Socket;
  /** Per database, up to where it has everything. */
  readonly acked: Map<string, Position>;
  /** Databases that it has been told whole, and gets changes of. */
  readonly told: Set<string>;
  /** It missed a deadline: nobody waits for it until it has caught up. */
  isLate: boolean;
}

interface Waiting {
  readonly database: string;
  readonly position: Position;
  readonly settle: () => void;
}

export class ReplicationSource {
  readonly #followers = new Set<Follower>();
  readonly #waiting = new Set<Waiting>();
  readonly #served: () => Iterable<Served>;

  constructor(served: () => Iterable<Served>) {
    this.#served = served;
  }

  /** Takes a follower's connection. */
  accept(socket: Socket): void {
    const follower: Follower = { socket, acked: new Map(), told: new Set(), isLate: false };
    const reader = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.take(chunk)) this.#hear(follower, frame);
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#followers.delete(follower);
      this.#settle();
    });
  }

  /** Tells every follower the whole copy: after a mount. */
  tellWhole(served: Served): void {
    for (const follower of this.#followers) tellWhole(follower, served);
  }

  /** Nothing of the database goes out any more. */
  forget(database: string): void {
    for (const follower of this.#followers) follower.told.delete(database);
    this.#settle();
  }

  ship(database: string, position: Position, change: Change): void {
    for (const follower of this.#followers) {
      if (follower.told.has(database)) send(follower, { type: 'change', database, ...position, change });
    }
  }

  /**
   * When the followers that keep up have all up to there; those that don't in time are not waited for
   * again.
   */
  async settled(database: string, position: Position, withinMs: number): Promise<void> {
    if (!this.#isAwaited(database, position)) return;
    await new Promise<void>((resolve) => {
      const waiting: Waiting = { database, position, settle: resolve };
      this.#waiting.add(waiting);
      const timer = setTimeout(() => {
        for (const follower of this.#lacking(database, position)) follower.isLate = true;
        this.#settle();
      }, withinMs);
      timer.unref();
    });
  }

  #hear(follower: Follower, frame: Frame): void {
    if (frame.type === 'follow') {
      this.#followers.add(follower);
      for (const served of this.#served()) tellWhole(follower, served);
    }
    if (frame.type !== 'ack') return;
    follower.acked.set(frame.database, frame);
    for (const { database, position } of this.#served()) {
      if (database === frame.database && isAtLeast(frame, position)) follower.isLate = false;
    }
    this.#settle();
  }

  #settle(): void {
    for (const waiting of this.#waiting) {
      if (this.#isAwaited(waiting.database, waiting.position)) continue;
      this.#waiting.delete(waiting);
      waiting.settle();
    }
  }

  #isAwaited(database: string, position: Position): boolean {
    return this.#lacking(database, position).length > 0;
  }

  #lacking(database: string, position: Position): Follower[] {
    return [...this.#followers].filter((follower) => {
      if (follower.isLate || !follower.told.has(database)) return false;
      const acked = follower.acked.get(database);
      return acked === undefined || !isAtLeast(acked, position);
    });
  }
}

function tellWhole(follower: Follower, { database, position, told }: Served): void {
  send(follower, { type: 'whole', database, epoch: position.epoch });
  for (const change of told()) send(follower, { type: 'part', database, epoch: position.epoch, change });
  send(follower, { type: 'inStep', database, ...position });
  follower.told.add(database);
}

function send({ socket }: Follower, frame: Frame): void {
  if (!socket.writable) return;
  for (const piece of encodeFrame(frame)) socket.write(piece);
  if (socket.writableLength > pendingBytesMax) socket.destroy();
}

function isAtLeast(one: Position, other: Position): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.seq >= other.seq);
}
