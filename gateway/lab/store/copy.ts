/**
 * One copy of one database, in memory: accounts, folders, messages.
 *
 * It applies changes and tells the whole copy as changes; it does not decide whether it is the active one
 * (mounts.ts) and ships nothing (replication/).
 */
import type { AppendChange, Change } from './change.ts';

export interface Message {
  readonly uid: number;
  readonly internalDate: number;
  readonly bytes: Buffer;
  readonly flags: ReadonlySet<string>;
}

export interface Folder {
  readonly name: string;
  readonly uidValidity: number;
  readonly uidNext: number;
  /** Ascending UIDs. */
  readonly messages: readonly Message[];
}

export interface Account {
  readonly folders: ReadonlyMap<string, Folder>;
  readonly subscriptions: ReadonlySet<string>;
}

interface HeldFolder extends Folder {
  name: string;
  uidNext: number;
  messages: Message[];
}

interface HeldAccount {
  readonly folders: Map<string, HeldFolder>;
  readonly subscriptions: Set<string>;
}

const emptyAccount: Account = { folders: new Map(), subscriptions: new Set() };

export class Copy {
  readonly #accounts = new Map<string, HeldAccount>();

  accountOf(user: string): Account {
    return this.#accounts.get(user) ?? emptyAccount;
  }

  folderOf(user: string, name: string): Folder | undefined {
    return this.#accounts.get(user)?.folders.get(name);
  }

  /**
   * A change that does not fit (a folder that is not there) does nothing: a follower must not fall over a
   * gap.
   */
  apply(change: Change): void {
    const account = this.#account(change.user);
    const folder = account.folders.get(change.folder);
    switch (change.kind) {
      case 'create':
        account.folders.set(change.folder, newFolder(change.folder, change.uidValidity, change.uidNext));
        return;
      case 'delete':
        account.folders.delete(change.folder);
        return;
      case 'rename':
        if (folder !== undefined) rename(account, folder, change.to);
        return;
      case 'subscribe':
        if (change.isSubscribed) account.subscriptions.add(change.folder);
        else account.subscriptions.delete(change.folder);
        return;
      case 'append':
        if (folder !== undefined) append(folder, change);
        return;
      case 'flags':
        if (folder !== undefined) replaceFlags(folder, change.uid, change.flags);
        return;
      case 'expunge':
        if (folder !== undefined) expunge(folder, new Set(change.uids));
        return;
    }
  }

  /** The whole copy as the changes that make it. */
  *told(): Generator<Change> {
    for (const [user, { folders, subscriptions }] of this.#accounts) {
      for (const folder of folders.values()) {
        const at = { user, folder: folder.name };
        yield { kind: 'create', ...at, uidValidity: folder.uidValidity, uidNext: folder.uidNext };
        for (const { uid, flags, internalDate, bytes } of folder.messages) {
          yield { kind: 'append', ...at, uid, flags: [...flags], internalDate, bytes };
        }
      }
      for (const folder of subscriptions) yield { kind: 'subscribe', user, folder, isSubscribed: true };
    }
  }

  #account(user: string): HeldAccount {
    const held = this.#accounts.get(user) ?? { folders: new Map(), subscriptions: new Set() };
    this.#accounts.set(user, held);
    return held;
  }
}

function newFolder(name: string, uidValidity: number, uidNext: number): HeldFolder {
  return { name, uidValidity, uidNext, messages: [] };
}

function rename(account: HeldAccount, folder: HeldFolder, to: string): void {
  account.folders.delete(folder.name);
  account.folders.set(to, folder);
  folder.name = to;
}

function append(folder: HeldFolder, { uid, flags, internalDate, bytes }: AppendChange): void {
  folder.messages.push({ uid, internalDate, bytes, flags: new Set(flags) });
  folder.uidNext = Math.max(folder.uidNext, uid + 1);
}

/** The message becomes another object, so that whoever holds the old one sees that it changed. */
function replaceFlags(folder: HeldFolder, uid: number, flags: readonly string[]): void {
  const at = folder.messages.findIndex((message) => message.uid === uid);
  const message = folder.messages[at];
  if (message !== undefined) folder.messages[at] = { ...message, flags: new Set(flags) };
}

function expunge(folder: HeldFolder, uids: ReadonlySet<number>): void {
  folder.messages = folder.messages.filter((message) => !uids.has(message.uid));
}
