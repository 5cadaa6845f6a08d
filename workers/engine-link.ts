/**
 * The records between a worker and the engine: docs/design/0001-engine-contract.md as code. Here are the
 * numbers, the reading of a batch of events and the gathering of commands; what they mean to a session is
 * session.ts's.
 */
import type { SessionId } from '#model/ids';

/** What a worker needs of the engine; `Joined` of the native module has this shape. */
export interface EngineLink {
  drain(heads: Uint32Array, bytes: Uint8Array): number;
  submit(heads: Uint32Array, count: number, bytes: Uint8Array): void;
  lookup(key: string, out: Uint32Array): boolean;
  pinOf(low: number, high: number): number;
  hashServer(low: number, high: number): number;
  leave(): void;
}

export const events = {
  opened: 1,
  line: 2,
  literal: 3,
  tlsReady: 4,
  handoffRefused: 5,
  handoffFailed: 6,
  spliced: 7,
  closed: 8,
  fault: 9,
} as const;

export const ops = {
  write: 1,
  startTls: 2,
  handoff: 3,
  expectLiteral: 4,
  expectLine: 5,
  end: 6,
  hold: 7,
  name: 8,
  refuse: 9,
} as const;
export type Op = (typeof ops)[keyof typeof ops];

/** Records that one batch may hold, and the words of each. */
export const recordsMax = 4096;
export const recordWords = 5;
/**
 * 1 MiB holds a full batch of usual lines; the slack, that a largest literal or script always fits behind
 * it.
 */
export const bytesMax = 1024 * 1024 + 128 * 1024;

/** One event; `text` is latin-1, one character a byte. */
export interface EngineEvent {
  readonly kind: number;
  readonly id: SessionId;
  readonly argument: number;
  readonly text: string;
}

export interface Inbox {
  /** Gives each waiting event of one batch to `take`. True where more events wait. */
  read(take: (event: EngineEvent) => void): boolean;
}

/** Allocates its arrays once. What an event carries is copied out, so the arrays may be filled again. */
export function createInbox(link: EngineLink): Inbox {
  const heads = new Uint32Array(recordsMax * recordWords);
  const bytes = Buffer.alloc(bytesMax);
  return {
    read(take) {
      const drained = link.drain(heads, bytes);
      const count = drained < 0 ? -drained - 1 : drained;
      let at = 0;
      for (let head = 0; head < count * recordWords; head += recordWords) {
        const length = heads[head + 4] ?? 0;
        take({
          kind: heads[head] ?? 0,
          id: idOf(heads[head + 1] ?? 0, heads[head + 2] ?? 0),
          argument: heads[head + 3] ?? 0,
          text: length === 0 ? '' : bytes.toString('latin1', at, at + length),
        });
        at += length;
      }
      return drained < 0;
    },
  };
}

/** What a login is handed over with, beside its script. */
export interface HandoffRequest {
  readonly server: number;
  /** -1: the mailbox has no database. */
  readonly database: number;
  readonly generation: number;
  readonly mailboxLow: number;
  readonly mailboxHigh: number;
  /** The engine looks at the database's owner again before it splices. */
  readonly isExclusive: boolean;
  readonly script: Uint8Array;
}

export interface Outbox {
  /** `text` is latin-1. */
  put(op: Op, id: SessionId, argument: number, text: string): void;
  putName(id: SessionId, user: string): void;
  putHandoff(id: SessionId, consumed: number, request: HandoffRequest): void;
  /** Submits what has been put. */
  flush(): void;
}

/**
 * Gathers commands. `schedule` is called with the first command of a batch and must call `flush` once the
 * batch
 * is over; a batch that outgrows the arrays is submitted early.
 */
export function createOutbox(link: EngineLink, schedule: (flush: () => void) => void): Outbox {
  const heads = new Uint32Array(recordsMax * recordWords);
  const bytes = Buffer.alloc(bytesMax);
  let count = 0;
  let filled = 0;

  function flush(): void {
    if (count === 0) return;
    link.submit(heads, count, bytes);
    // Names, passwords and tokens have gone by here.
    bytes.fill(0, 0, filled);
    count = 0;
    filled = 0;
  }

  /** Makes room for a record, writes its head and gives the place of its bytes. */
  function open(op: Op, id: SessionId, argument: number, length: number): number {
    if (count === recordsMax || filled + length > bytesMax) flush();
    if (count === 0) schedule(flush);
    const head = count * recordWords;
    heads[head] = op;
    heads[head + 1] = id >>> 0;
    heads[head + 2] = Math.floor(id / wordSize);
    heads[head + 3] = argument;
    heads[head + 4] = length;
    count++;
    filled += length;
    return filled - length;
  }

  return {
    put(op, id, argument, text) {
      bytes.write(text, open(op, id, argument, text.length), 'latin1');
    },
    putName(id, user) {
      const name = Buffer.from(user);
      name.copy(bytes, open(ops.name, id, 0, name.length));
    },
    putHandoff(id, consumed, request) {
      const at = open(ops.handoff, id, consumed, handoffHeadBytes + request.script.length);
      writeHandoffHead(bytes, at, request);
      bytes.set(request.script, at + handoffHeadBytes);
    },
    flush,
  };
}

function writeHandoffHead(bytes: Buffer, at: number, request: HandoffRequest): void {
  const database = request.database < 0 ? noDatabase : request.database;
  const words = [
    request.server,
    database,
    request.generation >>> 0,
    Math.floor(request.generation / wordSize),
    request.mailboxLow,
    request.mailboxHigh,
    request.isExclusive ? 1 : 0,
  ];
  words.forEach((word, index) => bytes.writeUInt32LE(word, at + index * 4));
}

function idOf(low: number, high: number): SessionId {
  return (high * wordSize + low) as SessionId;
}

/** The database of a mailbox that the directory lacks. */
export const noDatabase = 0xffff_ffff;
const handoffHeadBytes = 7 * 4;
const wordSize = 2 ** 32;
