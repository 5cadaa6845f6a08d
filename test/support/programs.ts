/** Programs of the machine that some tests need: found, or not there. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where the program is; undefined when it is not installed. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isRunnable);
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
