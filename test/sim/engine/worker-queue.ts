/**
 * The events that wait for one worker, as native/crates/queue/src/worker_queue.rs keeps them: what clients
 * send within one share of the room, news of sessions within two, a session's last event always.
 */
import { events, recordWords } from '#workers/engine-link';

export interface QueuedEvent {
  readonly kind: number;
  readonly id: number;
  readonly argument: number;
  readonly text: string;
}

export interface QueueLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

export interface Drained {
  readonly count: number;
  readonly hasMore: boolean;
  /** Those who were turned away may push again. */
  readonly madeRoom: boolean;
}

/** One for what clients send, two for news of sessions, no bound for a session's last event. */
export type Share = 1 | 2 | typeof Infinity;

export class WorkerQueue {
  readonly #limits: QueueLimits;
  readonly #now: () => number;
  #waiting: QueuedEvent[] = [];
  #filled = 0;
  #lasts = 0;
  #isArmed = false;
  #hasRefused = false;
  #oldestAt: number | undefined;

  constructor(limits: QueueLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** `wakes`: the worker must be woken, else a wake is on its way. Undefined where there is no room. */
  push(event: QueuedEvent, share: Share): { readonly wakes: boolean } | undefined {
    const { recordsMax, bytesMax } = this.#limits;
    const hasRoom =
      this.#waiting.length < recordsMax * share && this.#filled + event.text.length <= bytesMax * share;
    if (!hasRoom) {
      this.#hasRefused = true;
      return undefined;
    }
    this.#waiting.push(event);
    this.#filled += event.text.length;
    if (isLast(event)) this.#lasts++;
    this.#oldestAt ??= this.#now();
    const wakes = !this.#isArmed;
    this.#isArmed = true;
    return { wakes };
  }

  drain(heads: Uint32Array, bytes: Uint8Array): Drained {
    this.#isArmed = false;
    const room = Math.floor(heads.length / recordWords);
    let count = 0;
    let at = 0;
    for (; count < room; count++) {
      const event = this.#waiting[count];
      if (event === undefined || at + event.text.length > bytes.length) break;
      if (isLast(event)) this.#lasts--;
      writeHead(heads, count * recordWords, event);
      for (let each = 0; each < event.text.length; each++) bytes[at + each] = event.text.charCodeAt(each);
      at += event.text.length;
    }
    this.#waiting = this.#waiting.slice(count);
    this.#filled -= at;
    const hasMore = this.#waiting.length > 0;
    this.#oldestAt = hasMore ? this.#now() : undefined;
    const madeRoom = count > 0 && this.#hasRefused;
    if (madeRoom) this.#hasRefused = false;
    return { count, hasMore, madeRoom };
  }

  /** Begins anew for another worker: what waited for the one before is of no use to it. */
  restart(): void {
    [this.#waiting, this.#filled, this.#lasts] = [[], 0, 0];
    [this.#isArmed, this.#hasRefused, this.#oldestAt] = [false, false, undefined];
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Without the last events of sessions, which are always taken. */
  get bounded(): number {
    return this.#waiting.length - this.#lasts;
  }

  /** Of the oldest event that waits. */
  get oldestMs(): number {
    return this.#oldestAt === undefined ? 0 : this.#now() - this.#oldestAt;
  }
}

function isLast({ kind }: QueuedEvent): boolean {
  return kind === events.closed || kind === events.spliced;
}

function writeHead(heads: Uint32Array, at: number, { kind, id, argument, text }: QueuedEvent): void {
  heads[at] = kind;
  heads[at + 1] = id >>> 0;
  heads[at + 2] = Math.floor(id / 2 ** 32);
  heads[at + 3] = argument;
  heads[at + 4] = text.length;
}
