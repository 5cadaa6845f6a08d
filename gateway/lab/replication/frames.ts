/**
 * What two lab servers say to each other: a line of JSON each, and behind a message's line its bytes.
 *
 * The link runs from the server that serves a database to each that follows it (source.ts, follower.ts); mail
 * for a mailbox elsewhere has a connection of its own (delivery/).
 */
import type { Change } from '#gateway/lab/store/change';

/** Where a copy stands: how often the active copy moved, and how many changes there were in all. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

export type Frame =
  /** The follower's first words. */
  | { readonly type: 'follow'; readonly server: string }
  /** The whole copy follows as `part` frames, ended by `inStep`. */
  | { readonly type: 'whole'; readonly database: string; readonly epoch: number }
  | { readonly type: 'part'; readonly database: string; readonly epoch: number; readonly change: Change }
  | ({ readonly type: 'inStep'; readonly database: string } & Position)
  | ({ readonly type: 'change'; readonly database: string; readonly change: Change } & Position)
  /** From the follower: it has all up to here. */
  | ({ readonly type: 'ack'; readonly database: string } & Position);

export type MailFrame =
  /** A message for the INBOX of a mailbox. */
  | { readonly type: 'deliver'; readonly mailbox: string; readonly bytes: Buffer }
  /** The answer. False: the mailbox is not served here. */
  | { readonly type: 'delivered'; readonly isDone: boolean };

/** A message of 25 MiB fits; a line that is longer than its limit is no line of ours. */
const lineBytesMax = 4 * 1024 * 1024;
const messageBytesMax = 32 * 1024 * 1024;

export function encodeFrame(frame: Frame | MailFrame): Buffer[] {
  if ('bytes' in frame) return withBytes(frame, frame.bytes);
  if (!('change' in frame) || frame.change.kind !== 'append')
    return [Buffer.from(`${JSON.stringify(frame)}\n`)];
  const { bytes, ...change } = frame.change;
  return withBytes({ ...frame, change }, bytes);
}

function withBytes(frame: object, bytes: Buffer): Buffer[] {
  return [Buffer.from(`${JSON.stringify({ ...frame, bytes: bytes.length })}\n`), bytes];
}

/** Puts frames together from chunks. Throws on what is none: the link is closed then. */
export class FrameReader<Read extends Frame | MailFrame = Frame> {
  #pieces: Buffer[] = [];
  #size = 0;
  #line: { readonly frame: Record<string, unknown>; readonly bytes: number } | undefined;

  /** The frames that are whole with this chunk. */
  *take(chunk: Buffer): Generator<Read> {
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return;
      yield frame;
    }
  }

  #next(): Read | undefined {
    if (this.#line === undefined) {
      const text = this.#takeLine();
      if (text === undefined) return undefined;
      const { bytes = 0, ...frame } = JSON.parse(text) as Record<string, unknown>;
      if (typeof bytes !== 'number' || !(bytes >= 0 && bytes <= messageBytesMax))
        throw new Error('a frame of wrong size');
      this.#line = { frame, bytes };
    }
    if (this.#size < this.#line.bytes) return undefined;
    const { frame, bytes } = this.#line;
    this.#line = undefined;
    const change = frame['change'] as { kind?: string } | undefined;
    // A copy of its own: a slice would keep the whole chunk alive as long as the message.
    const message = Buffer.from(this.#takeBytes(bytes));
    if (frame['type'] === 'deliver') return { ...frame, bytes: message } as unknown as Read;
    return (change?.kind === 'append'
      ? { ...frame, change: { ...change, bytes: message } }
      : frame) as unknown as Read;
  }

  #takeLine(): string | undefined {
    const last = this.#pieces.at(-1);
    const isHere =
      this.#pieces.length === 1 ? last?.includes(0x0a) : this.#pieces.some((piece) => piece.includes(0x0a));
    if (isHere !== true) {
      if (this.#size > lineBytesMax) throw new Error('a frame without an end');
      return undefined;
    }
    const all = this.#takeBytes(this.#size);
    const end = all.indexOf(0x0a);
    this.#pieces = [all.subarray(end + 1)];
    this.#size = all.length - end - 1;
    return all.toString('utf8', 0, end);
  }

  #takeBytes(size: number): Buffer {
    const all =
      this.#pieces.length === 1 ? (this.#pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pieces);
    this.#pieces = [all.subarray(size)];
    this.#size -= size;
    return all.subarray(0, size);
  }
}
