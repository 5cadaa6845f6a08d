/**
 * One copy of one database, in memory: accounts, folders, messages, scripts.
 *
 * It applies changes and tells the whole copy as changes; it does not decide whether it is the active one
 * (mounts.ts) and ships nothing (replication/).
 */
import type { AppendChange, Change, FolderChange, ScriptChange } from './change.ts';

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
  /** Name to text. */
  readonly scripts: ReadonlyMap<string, string>;
  /** The script's name; empty where none is active. */
  readonly activeScript: string;
}

interface HeldFolder extends Folder {
  name: string;
  uidNext: number;
  messages: Message[];
}

interface HeldAccount {
  readonly folders: Map<string, HeldFolder>;
  readonly subscriptions: Set<string>;
  readonly scripts: Map<string, string>;
  activeScript: string;
}

export class Copy {
  readonly #accounts = new Map<string, HeldAccount>();

  accountOf(user: string): Account {
    return this.#accounts.get(user) ?? newAccount();
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
    if ('script' in change) changeScript(account, change);
    else changeFolder(account, change);
  }

  /** The whole copy as the changes that make it. */
  *told(): Generator<Change> {
    for (const [user, { folders, subscriptions, scripts, activeScript }] of this.#accounts) {
      for (const folder of folders.values()) {
        const at = { user, folder: folder.name };
        yield { kind: 'create', ...at, uidValidity: folder.uidValidity, uidNext: folder.uidNext };
        for (const { uid, flags, internalDate, bytes } of folder.messages) {
          yield { kind: 'append', ...at, uid, flags: [...flags], internalDate, bytes };
        }
      }
      for (const folder of subscriptions) yield { kind: 'subscribe', user, folder, isSubscribed: true };
      for (const [script, text] of scripts) yield { kind: 'putScript', user, script, text };
      if (activeScript !== '') yield { kind: 'activateScript', user, script: activeScript };
    }
  }

  #account(user: string): HeldAccount {
    const held = this.#accounts.get(user) ?? newAccount();
    this.#accounts.set(user, held);
    return held;
  }
}

function changeFolder(account: HeldAccount, change: FolderChange): void {
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

function changeScript(account: HeldAccount, change: ScriptChange): void {
  const text = account.scripts.get(change.script);
  const isActive = account.activeScript === change.script;
  switch (change.kind) {
    case 'putScript':
      account.scripts.set(change.script, change.text);
      return;
    case 'deleteScript':
      account.scripts.delete(change.script);
      if (isActive) account.activeScript = '';
      return;
    case 'renameScript':
      if (text === undefined) return;
      account.scripts.delete(change.script);
      account.scripts.set(change.to, text);
      if (isActive) account.activeScript = change.to;
      return;
    case 'activateScript':
      if (text !== undefined || change.script === '') account.activeScript = change.script;
      return;
  }
}

function newAccount(): HeldAccount {
  return { folders: new Map(), subscriptions: new Set(), scripts: new Map(), activeScript: '' };
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
