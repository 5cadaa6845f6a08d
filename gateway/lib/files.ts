/** The disk as an argument: what the control plane watches, reads and writes. The simulator has its own. */
import { rename } from 'node:fs/promises';
import { writeAtomically } from './atomic-write.ts';
import { type FileText, readFileBounded } from './read-file.ts';
import { type Watch, type WatchOptions, watchFile } from './watch-file.ts';

/** Each as the function of that name in lib does it. */
export interface Files {
  watch(options: WatchOptions): Watch;
  read(path: string, bytesMax: number): FileText;
  /** The old text or the new one, never a part; rejects where the folder can't be written. */
  write(path: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

/** This machine's disk. */
export function systemFiles(): Files {
  return { watch: watchFile, read: readFileBounded, write: writeAtomically, rename };
}
