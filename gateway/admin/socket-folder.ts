/**
 * Whether a folder may hold the admin socket: in a folder that everyone may write to, such as the temporary
 * one, somebody else could have put a folder of ours in place first, and would get our commands.
 */
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Why the socket must not be used there, in words; undefined when it may. A missing folder is no trouble
 * here.
 */
export function folderTrouble(folder: string, uid: number): string | undefined {
  const own = statOf(folder, lstatSync);
  if (own === undefined || !isOpenToAll(dirname(folder))) return undefined;
  if (!own.isDirectory()) return `${folder} is not a folder`;
  if (own.uid !== uid) return `${folder} belongs to another user`;
  if ((own.mode & 0o022) !== 0) return `others may write to ${folder} (chmod 700 mends it)`;
  return undefined;
}

/**
 * Makes the folder, for its owner alone, where it is missing; its parent must be there. Throws as mkdir
 * does.
 */
export function makeFolder(folder: string): void {
  if (statOf(folder, statSync) === undefined) mkdirSync(folder, { mode: 0o700 });
}

function isOpenToAll(folder: string): boolean {
  const stat = statOf(folder, statSync);
  return stat !== undefined && (stat.mode & 0o002) !== 0;
}

function statOf(path: string, ask: typeof lstatSync | typeof statSync) {
  return ask(path, { throwIfNoEntry: false });
}
