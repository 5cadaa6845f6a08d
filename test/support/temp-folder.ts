/** Folders for one test file. Short paths, since a Unix socket's path may have 107 bytes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set<string>();

/** A new empty folder of this user's alone. Gone when the process ends. */
export async function makeTempFolder(name: string): Promise<string> {
  const path = mkdtempSync(join(tmpdir(), `pt-${name}-`));
  made.add(path);
  return path;
}

/** Removes it now, with all that is in it. */
export function removeTempFolder(path: string): void {
  made.delete(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

process.once('exit', () => {
  for (const path of made) removeTempFolder(path);
});
