/**
 * A selected folder as one session sees it: message numbers stay as they were told until the client is told
 * otherwise, whatever other sessions do meanwhile (RFC 3501 sections 5.2 and 5.5).
 *
 * It compares what was told with what is there; it changes nothing.
 */
import type { Folder, Message } from '#gateway/lab/store/copy';

export class FolderView {
  readonly name: string;
  readonly isReadOnly: boolean;
  readonly uidValidity: number;
  /** What the client knows, in message number order. */
  #told: Message[] = [];
  readonly #recent = new Set<number>();

  constructor(folder: Folder, isReadOnly: boolean) {
    this.name = folder.name;
    this.uidValidity = folder.uidValidity;
    this.isReadOnly = isReadOnly;
    this.#told = [...folder.messages];
  }

  get count(): number {
    return this.#told.length;
  }

  get uidMax(): number {
    return this.#told.at(-1)?.uid ?? 0;
  }

  get recentCount(): number {
    return this.#told.reduce((sum, { uid }) => sum + (this.#recent.has(uid) ? 1 : 0), 0);
  }

  /** Messages from this UID on are recent in this session. */
  markRecent(fromUid: number): void {
    for (const { uid } of this.#told) if (uid >= fromUid) this.#recent.add(uid);
  }

  isRecent(uid: number): boolean {
    return this.#recent.has(uid);
  }

  /** The first message without \Seen, as SELECT announces it; undefined when all are read. */
  firstUnseen(): number | undefined {
    const at = this.#told.findIndex((message) => !message.flags.has('\\Seen'));
    return at < 0 ? undefined : at + 1;
  }

  /**
   * The known messages with their numbers, as the folder has them now. What was expunged meanwhile is left
   * out.
   */
  entries(folder: Folder): { number: number; message: Message }[] {
    const current = new Map(folder.messages.map((message) => [message.uid, message]));
    return this.#told.flatMap(({ uid }, index) => {
      const message = current.get(uid);
      return message === undefined ? [] : [{ number: index + 1, message }];
    });
  }

  flagsOf(message: Message): string[] {
    return this.#recent.has(message.uid) ? [...message.flags, '\\Recent'] : [...message.flags];
  }

  /** What the client has just been told in a FETCH answer, so that it isn't told again. */
  noteTold(message: Message): void {
    const at = this.#told.findIndex(({ uid }) => uid === message.uid);
    if (at >= 0) this.#told[at] = message;
  }

  /**
   * The untagged lines that bring the client up to date. Without `mayExpunge` numbers must not shift now
   * (RFC 3501 section 7.4.1), and messages that are gone keep theirs. `recentFrom`: new messages from there
   * on are recent here.
   */
  update(folder: Folder, options: { mayExpunge: boolean; recentFrom: number }): string[] {
    const lines = options.mayExpunge ? this.#dropGone(folder) : [];
    const fresh = folder.messages.filter(({ uid }) => uid > this.uidMax);
    lines.push(...this.#changedFlags(folder));
    if (fresh.length > 0) {
      this.#told.push(...fresh);
      for (const { uid } of fresh) if (uid >= options.recentFrom) this.#recent.add(uid);
      lines.push(`* ${this.count} EXISTS`, `* ${this.recentCount} RECENT`);
    }
    return lines;
  }

  #dropGone(folder: Folder): string[] {
    const present = new Set(folder.messages.map(({ uid }) => uid));
    const lines: string[] = [];
    const kept: Message[] = [];
    for (const message of this.#told) {
      // Each EXPUNGE shifts what follows, so the number is one above those kept so far.
      if (present.has(message.uid)) kept.push(message);
      else lines.push(`* ${kept.length + 1} EXPUNGE`);
    }
    this.#told = kept;
    return lines;
  }

  #changedFlags(folder: Folder): string[] {
    const lines: string[] = [];
    for (const { number, message } of this.entries(folder)) {
      // A change of flags makes another object (store/copy.ts).
      if (this.#told[number - 1] === message) continue;
      this.#told[number - 1] = message;
      lines.push(`* ${number} FETCH (UID ${message.uid} FLAGS (${this.flagsOf(message).join(' ')}))`);
    }
    return lines;
  }
}
