/**
 * The INBOX as one POP3 session sees it: numbers and messages stay as they were at the login, whatever others
 * do meanwhile (RFC 1939 section 4). What is marked goes at QUIT only.
 *
 * The maildrop is not locked: a mailbox has IMAP sessions as well, and they do not wait.
 */
import type { Folder } from '#gateway/lab/store/copy';
import { wireSize } from './multi-line.ts';

export interface Entry {
  /** From 1 on. */
  readonly number: number;
  readonly uid: number;
  /** RFC 1939 section 7: the same in every session, and 70 characters at most. */
  readonly uniqueId: string;
  /** As it goes over the wire. */
  readonly size: number;
  readonly bytes: Buffer;
}

export class Maildrop {
  readonly #all: readonly Entry[];
  readonly #marked = new Set<Entry>();

  constructor(folder: Folder) {
    this.#all = folder.messages.map(({ uid, bytes }, index) => ({
      number: index + 1,
      uid,
      uniqueId: `${folder.uidValidity}.${uid}`,
      size: wireSize(bytes),
      bytes,
    }));
  }

  /** Those not marked. */
  entries(): Entry[] {
    return this.#all.filter((entry) => !this.#marked.has(entry));
  }

  /** Undefined for a number that there is not, or whose message is marked. */
  entry(number: number): Entry | undefined {
    const entry = this.#all[number - 1];
    return entry === undefined || this.#marked.has(entry) ? undefined : entry;
  }

  size(): number {
    return this.entries().reduce((sum, { size }) => sum + size, 0);
  }

  mark(entry: Entry): void {
    this.#marked.add(entry);
  }

  unmarkAll(): void {
    this.#marked.clear();
  }

  markedUids(): number[] {
    return [...this.#marked].map(({ uid }) => uid);
  }
}
