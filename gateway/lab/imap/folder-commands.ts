/**
 * Commands about folders as wholes: LIST, STATUS, CREATE, DELETE, RENAME, SUBSCRIBE, APPEND (RFC 3501
 * section 6.3).
 */
import type { Change } from '#gateway/lab/store/change';
import type { Folder } from '#gateway/lab/store/copy';
import type { OpenAccount } from '#gateway/lab/account';
import type { AppendCommand, Command, StatusItem } from './command.ts';
import { soundFlags } from './flags.ts';
import { folderNameBytesMax, foldersMax } from './limits.ts';
import { delimiter, fitsPattern, hasChildren, superiorsOf } from './list.ts';
import { no, notServed, ok } from './replies.ts';
import { astring } from './words.ts';

/** Untagged lines go out by this. */
export type Write = (line: string) => void;

export function list(
  account: OpenAccount,
  write: Write,
  command: Extract<Command, { pattern: string }>,
): string {
  const { name, reference, pattern } = command;
  // RFC 3501 section 6.3.8: an empty pattern asks for the delimiter and the root.
  if (pattern === '' && name === 'LIST') {
    write(`* LIST (\\Noselect) "${delimiter}" ""`);
    return ok('LIST completed');
  }
  const { folders, subscriptions } = account.account();
  for (const folder of name === 'LIST' ? folders.keys() : subscriptions) {
    if (!fitsPattern(folder, reference + pattern)) continue;
    const attributes = [hasChildren(folder, folders.keys()) ? '\\HasChildren' : '\\HasNoChildren'];
    if (!folders.has(folder)) attributes.push('\\Noselect');
    write(`* ${name} (${attributes.join(' ')}) "${delimiter}" ${astring(folder)}`);
  }
  return ok(`${name} completed`);
}

export function status(
  account: OpenAccount,
  write: Write,
  name: string,
  items: readonly StatusItem[],
): string {
  const folder = account.folder(name);
  if (folder === undefined) return noSuchFolder();
  const recentFrom = account.recentFrom(name, false);
  const shown = items.map((item) => `${item} ${statusOf(folder, item, recentFrom)}`);
  write(`* STATUS ${astring(name)} (${shown.join(' ')})`);
  return ok('STATUS completed');
}

export async function create(account: OpenAccount, asked: string): Promise<string> {
  const folder = asked.endsWith(delimiter) ? asked.slice(0, -1) : asked;
  const { folders } = account.account();
  if (folders.has(folder)) return no('there is a folder of this name', 'ALREADYEXISTS');
  if (!isSoundName(folder)) return no('this can not be a folder name', 'CANNOT');
  const missing = [...superiorsOf(folder), folder].filter((each) => !folders.has(each));
  if (folders.size + missing.length > foldersMax) return no('too many folders', 'LIMIT');
  const changes = missing.map((each) => newFolder(account, each));
  return (await account.commit(changes)) ? ok('CREATE completed') : notServed();
}

export async function remove(account: OpenAccount, folder: string): Promise<string> {
  if (folder === 'INBOX') return no('INBOX stays', 'CANNOT');
  if (account.folder(folder) === undefined) return noSuchFolder();
  const isDone = await account.commit([{ kind: 'delete', user: account.user, folder }]);
  return isDone ? ok('DELETE completed') : notServed();
}

/** Inferior folders go with their superior. Renaming INBOX (RFC 3501 section 6.3.5) is not offered. */
export async function rename(account: OpenAccount, folder: string, to: string): Promise<string> {
  const { folders } = account.account();
  if (folder === 'INBOX') return no('INBOX stays', 'CANNOT');
  if (!folders.has(folder)) return noSuchFolder();
  if (!isSoundName(to) || to.startsWith(folder + delimiter))
    return no('this can not be a folder name', 'CANNOT');
  const moved = [...folders.keys()].filter((each) => each === folder || each.startsWith(folder + delimiter));
  const renamed = moved.map((each) => ({ from: each, to: to + each.slice(folder.length) }));
  if (renamed.some((each) => folders.has(each.to)))
    return no('there is a folder of this name', 'ALREADYEXISTS');
  const { user } = account;
  const superiors = superiorsOf(to).filter((each) => !folders.has(each));
  const changes: Change[] = superiors.map((each) => newFolder(account, each));
  changes.push(...renamed.map((each): Change => ({ kind: 'rename', user, folder: each.from, to: each.to })));
  return (await account.commit(changes)) ? ok('RENAME completed') : notServed();
}

export async function subscribe(
  account: OpenAccount,
  folder: string,
  isSubscribed: boolean,
): Promise<string> {
  const { subscriptions } = account.account();
  if (isSubscribed && account.folder(folder) === undefined) return noSuchFolder();
  if (isSubscribed && subscriptions.size >= foldersMax) return no('too many subscriptions', 'LIMIT');
  const isDone = await account.commit([{ kind: 'subscribe', user: account.user, folder, isSubscribed }]);
  return isDone ? ok(`${isSubscribed ? '' : 'UN'}SUBSCRIBE completed`) : notServed();
}

export async function append(account: OpenAccount, command: AppendCommand): Promise<string> {
  const folder = account.folder(command.folder);
  if (folder === undefined) return no('no such folder', 'TRYCREATE');
  if (command.message.length === 0) return no('a message has bytes');
  if (command.message.includes(0)) return no('a message has no NUL');
  const { uidNext: uid, uidValidity } = folder;
  const isDone = await account.commit([
    {
      kind: 'append',
      user: account.user,
      folder: command.folder,
      uid,
      flags: soundFlags(command.flags),
      internalDate: command.internalDate ?? account.now(),
      // Its own memory: what was read may be a slice of a larger buffer that would live on with it.
      bytes: Buffer.from(command.message),
    },
  ]);
  return isDone ? ok('APPEND completed', `APPENDUID ${uidValidity} ${uid}`) : notServed();
}

export function noSuchFolder(): string {
  return no('no such folder', 'NONEXISTENT');
}

function statusOf(folder: Folder, item: StatusItem, recentFrom: number): number {
  switch (item) {
    case 'MESSAGES':
      return folder.messages.length;
    case 'RECENT':
      return folder.messages.filter((message) => message.uid >= recentFrom).length;
    case 'UIDNEXT':
      return folder.uidNext;
    case 'UIDVALIDITY':
      return folder.uidValidity;
    case 'UNSEEN':
      return folder.messages.filter((message) => !message.flags.has('\\Seen')).length;
  }
}

function newFolder(account: OpenAccount, folder: string): Change {
  return { kind: 'create', user: account.user, folder, uidValidity: account.newUidValidity(), uidNext: 1 };
}

function isSoundName(name: string): boolean {
  if (name === '' || name.length > folderNameBytesMax || /[\x00-\x1f\x7f*%]/.test(name)) return false;
  return name.split(delimiter).every((level) => level !== '');
}
