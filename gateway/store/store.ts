/**
 * Keeps what must outlast a restart in one file of POSTERN_STATE_DIR, or in memory where there is none.
 *
 * A file that can't be used is told and put aside, and the gateway starts without it: generations then begin
 * at the millisecond of first sight, which is above all that came before (cluster/active-copy.ts).
 */
import { join } from 'node:path';
import { type Files, systemFiles } from '#lib/files';
import { nothingKept } from '#model/kept';
import type { Kept } from '#model/kept';
import { formatKept, parseKept } from './kept-text.ts';

export interface Store {
  /** As it was found at the start. */
  readonly kept: Kept;
  /**
   * Writes where the content differs from what is written; of several in a row the last is written. Resolves
   * when that is done or has failed; a failure is told, and the next save tries again. Never rejects.
   */
  save(kept: Kept): Promise<void>;
}

export type TellProblem = (words: string) => void;

/** `folder` undefined: in memory only. */
export async function openStore(
  folder: string | undefined,
  onProblem: TellProblem,
  files: Files = systemFiles(),
): Promise<Store> {
  if (folder === undefined) return { kept: nothingKept, save: () => Promise.resolve() };
  const path = join(folder, stateFile);
  const kept = await load(path, onProblem, files);
  const write = (text: string): Promise<void> => files.write(path, text);
  return { kept, save: createSaver({ path, found: kept, onProblem, write }) };
}

async function load(path: string, onProblem: TellProblem, files: Files): Promise<Kept> {
  const file = files.read(path, stateBytesMax);
  if ('trouble' in file) {
    if (!file.trouble.endsWith('does not exist'))
      onProblem(`${file.trouble}; starting without what was kept`);
    return nothingKept;
  }
  const parsed = parseKept(file.text);
  if ('kept' in parsed) return parsed.kept;
  onProblem(`${path} ${parsed.trouble}; starting without it, and putting it aside as ${path}.bad`);
  await files.rename(path, `${path}.bad`).catch((error: unknown) => onProblem(String(error)));
  return nothingKept;
}

interface Saving {
  readonly path: string;
  readonly found: Kept;
  readonly onProblem: TellProblem;
  readonly write: (text: string) => Promise<void>;
}

function createSaver({ path, found, onProblem, write }: Saving): Store['save'] {
  let written = formatKept(found);
  let wanted = written;
  let writing: Promise<void> | undefined;

  async function writeWhileWanted(): Promise<void> {
    try {
      while (wanted !== written) {
        const text = wanted;
        const trouble = await write(text).then(() => undefined, String);
        // A full disk stays full for a while; the next save tries again.
        if (trouble !== undefined) return onProblem(`${path} can't be written: ${trouble}`);
        written = text;
      }
    } finally {
      // In the same breath as the last look at `wanted`: a save that comes later begins anew.
      writing = undefined;
    }
  }

  return (kept) => {
    wanted = formatKept(kept);
    if (writing === undefined && wanted !== written) writing = writeWhileWanted();
    return writing ?? Promise.resolve();
  };
}

const stateFile = 'state.json';
/** 4,096 databases are 500 KiB. */
const stateBytesMax = 4 * 1024 * 1024;
