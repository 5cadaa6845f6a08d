/**
 * Commands on the messages of the selected folder: FETCH, STORE, COPY, MOVE, SEARCH, EXPUNGE (RFC 3501
 * section 6.4).
 */
import type { Change } from '#gateway/lab/store/change';
import type { Folder, Message } from '#gateway/lab/store/copy';
import type { OpenAccount } from '#gateway/lab/account';
import type { Command, FetchItem, StoreCommand } from './command.ts';
import { fetchResponse, setsSeen } from './fetch.ts';
import { changedFlags, hasFlag, isSameFlags } from './flags.ts';
import { bad, no, notServed, ok } from './replies.ts';
import { matches } from './search.ts';
import { type SequenceSet, formatSequenceSet, isInSet, largestNamed } from './sequence-set.ts';
import type { FolderView } from './view.ts';

/** What these commands work on. */
export interface Selected {
  readonly account: OpenAccount;
  readonly view: FolderView;
  readonly folder: Folder;
  /** Pieces of one response; waits while the client reads too slowly. */
  write(pieces: readonly Buffer[]): Promise<void>;
}

export async function fetch(
  selected: Selected,
  command: Extract<Command, { name: 'FETCH' }>,
): Promise<string> {
  const chosen = choose(selected, command);
  if (chosen === undefined) return noSuchMessage();
  const { view } = selected;
  const seen = command.items.some(setsSeen) && !view.isReadOnly ? unseen(chosen) : new Set<number>();
  if (seen.size > 0) {
    const changes = chosen
      .filter(({ message }) => seen.has(message.uid))
      .map(({ message }) => markSeen(selected, message));
    if (!(await selected.account.commit(changes))) return notServed();
  }
  const items = withUid(command.items, command.isUid);
  for (const { number, message } of choose(selected, command) ?? []) {
    const shown: FetchItem[] = seen.has(message.uid) ? withItem(items, 'FLAGS') : items;
    if (shown.some(({ item }) => item === 'FLAGS')) view.noteTold(message);
    await selected.write(fetchResponse(number, message, view.flagsOf(message), shown));
  }
  return ok('FETCH completed');
}

export async function store(selected: Selected, command: StoreCommand): Promise<string> {
  const { account, view } = selected;
  if (view.isReadOnly) return readOnly();
  const chosen = choose(selected, command);
  if (chosen === undefined) return noSuchMessage();
  const changes = chosen.flatMap(({ message }): Change[] => {
    const flags = changedFlags(message.flags, command.how, command.flags);
    if (isSameFlags(flags, message.flags)) return [];
    return [{ kind: 'flags', user: account.user, folder: view.name, uid: message.uid, flags }];
  });
  if (!(await account.commit(changes))) return notServed();
  const items = withUid([{ item: 'FLAGS' }], command.isUid);
  for (const { number, message } of choose(selected, command) ?? []) {
    view.noteTold(message);
    if (!command.isSilent) await selected.write(fetchResponse(number, message, view.flagsOf(message), items));
  }
  return ok('STORE completed');
}

/** COPY and MOVE (RFC 6851). The new UIDs are told by COPYUID (RFC 4315 section 3). */
export async function copy(
  selected: Selected,
  command: Extract<Command, { name: 'COPY' | 'MOVE' }>,
): Promise<string> {
  const { account, view } = selected;
  const isMove = command.name === 'MOVE';
  if (isMove && view.isReadOnly) return readOnly();
  const chosen = choose(selected, command);
  if (chosen === undefined) return noSuchMessage();
  const to = account.folder(command.folder);
  if (to === undefined) return no('no such folder', 'TRYCREATE');
  if (chosen.length === 0) return ok(`${command.name} completed`);

  const { uidValidity, uidNext } = to;
  const appends = chosen.map(({ message }, index) =>
    copied(account, command.folder, message, uidNext + index),
  );
  const uids = chosen.map(({ message }) => message.uid);
  const gone: Change[] = isMove ? [{ kind: 'expunge', user: account.user, folder: view.name, uids }] : [];
  if (!(await account.commit([...appends, ...gone]))) return notServed();
  const made = formatSequenceSet(appends.map(({ uid }) => uid));
  const code = `COPYUID ${uidValidity} ${formatSequenceSet(uids)} ${made}`;
  if (!isMove) return ok('COPY completed', code);
  await selected.write([Buffer.from(`* OK [${code}] moved\r\n`)]);
  return ok('MOVE completed');
}

export async function search(
  selected: Selected,
  command: Extract<Command, { name: 'SEARCH' }>,
): Promise<string> {
  const { view, folder } = selected;
  if (command.charset !== 'US-ASCII' && command.charset !== 'UTF-8') {
    return no('the charset is not known', 'BADCHARSET (US-ASCII UTF-8)');
  }
  const limits = { numberMax: view.count, uidMax: view.uidMax };
  const found = view
    .entries(folder)
    .filter(({ number, message }) =>
      matches(command.key, { message, number, isRecent: view.isRecent(message.uid), ...limits }),
    );
  const numbers = found.map(({ number, message }) => (command.isUid ? message.uid : number));
  await selected.write([Buffer.from(`* SEARCH${numbers.map((number) => ` ${number}`).join('')}\r\n`)]);
  return ok('SEARCH completed');
}

/**
 * Removes what is marked \Deleted; with a set, of it only (UID EXPUNGE). session.ts tells the client which
 * went.
 */
export async function expunge(selected: Selected, set?: SequenceSet): Promise<string> {
  const { account, view, folder } = selected;
  if (view.isReadOnly) return readOnly();
  const uids = view
    .entries(folder)
    .filter(({ message }) => hasFlag(message.flags, '\\Deleted'))
    .map(({ message }) => message.uid)
    .filter((uid) => set === undefined || isInSet(set, uid, view.uidMax));
  const changes: Change[] =
    uids.length > 0 ? [{ kind: 'expunge', user: account.user, folder: view.name, uids }] : [];
  return (await account.commit(changes)) ? ok('EXPUNGE completed') : notServed();
}

interface Entry {
  readonly number: number;
  readonly message: Message;
}

/**
 * The messages of the set that are still there. A UID that is none is no error (RFC 3501 section 6.4.8), a
 * message number that is none is: undefined.
 */
function choose(
  selected: Selected,
  { set, isUid }: { set: SequenceSet; isUid: boolean },
): Entry[] | undefined {
  const { view, folder } = selected;
  if (!isUid && largestNamed(set, view.count) > view.count) return undefined;
  if (!isUid && view.count === 0) return undefined;
  const largest = isUid ? view.uidMax : view.count;
  return view
    .entries(folder)
    .filter(({ number, message }) => isInSet(set, isUid ? message.uid : number, largest));
}

function unseen(entries: readonly Entry[]): Set<number> {
  return new Set(
    entries.filter(({ message }) => !message.flags.has('\\Seen')).map(({ message }) => message.uid),
  );
}

function markSeen({ account, view }: Selected, { uid, flags }: Message): Change {
  return { kind: 'flags', user: account.user, folder: view.name, uid, flags: [...flags, '\\Seen'] };
}

function copied(account: OpenAccount, folder: string, message: Message, uid: number) {
  const { internalDate, bytes } = message;
  return {
    kind: 'append',
    user: account.user,
    folder,
    uid,
    flags: [...message.flags],
    internalDate,
    bytes,
  } as const;
}

/** RFC 3501 section 6.4.8: the answers to UID commands hold the UID, asked for or not. */
function withUid(items: readonly FetchItem[], isUid: boolean): FetchItem[] {
  return isUid ? withItem(items, 'UID') : [...items];
}

function withItem(items: readonly FetchItem[], item: 'UID' | 'FLAGS'): FetchItem[] {
  return items.some((each) => each.item === item) ? [...items] : [{ item }, ...items];
}

function noSuchMessage(): string {
  return bad('there is no such message number');
}

function readOnly(): string {
  return no('the folder is open for reading only');
}
