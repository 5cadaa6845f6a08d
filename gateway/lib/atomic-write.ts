/**
 * Writes a file so that a reader, also after a power failure, finds the old text or the new one, never a
 * part.
 */
import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Rejects where the folder can't be written; then the old file is as it was. `mode` is for a file that is
 * new.
 */
export async function writeAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  const folder = dirname(path);
  // In the same folder, since a rename across file systems is no rename.
  const draft = join(folder, `.${basename(path)}.${randomUUID()}`);
  try {
    await writeSynced(draft, text, mode);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The rename is an entry of the folder: without this a power failure may undo it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
