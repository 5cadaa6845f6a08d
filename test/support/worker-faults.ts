/** Lets tests end a worker of a running gateway, in the ways that workers end. See fault-preload.mjs. */
import { existsSync, readdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { makeTempFolder } from './temp-folder.ts';

/**
 * What an ended worker suffered: from outside, an exception, a rejection nobody awaits, an exit, a loop
 * without end.
 */
export type WorkerFault = 'terminate' | 'throw' | 'reject' | 'exit' | 'loop';

export interface WorkerFaults {
  /** What the gateway must be started with. */
  readonly settings: Readonly<Record<string, string>>;
  /** The threads that ever ran, by number; a replacement gets a new one. */
  threads(): number[];
  /** Resolves when the fault has struck. */
  strike(thread: number, fault: WorkerFault): Promise<void>;
  /** Strikes every worker there is; resolves when as many new ones run. */
  strikeAll(fault: WorkerFault): Promise<void>;
}

/** For one gateway. */
export async function makeWorkerFaults(): Promise<WorkerFaults> {
  const folder = await makeTempFolder('faults');
  const preload = fileURLToPath(new URL('fault-preload.mjs', import.meta.url));
  const threads = () =>
    readdirSync(folder)
      .flatMap((name) => /^thread-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  const strike = async (thread: number, fault: WorkerFault) => {
    await writeFile(join(folder, `${thread}.new`), fault);
    await rename(join(folder, `${thread}.new`), join(folder, `${thread}.order`));
    await eventually('the fault', () => existsSync(join(folder, `${thread}.struck`)));
  };
  const strikeAll = async (fault: WorkerFault) => {
    const before = threads().filter((thread) => !existsSync(join(folder, `${thread}.struck`)));
    for (const thread of before) await strike(thread, fault);
    const wanted = threads().length + before.length;
    await eventually('new workers', () => threads().length >= wanted, { withinMs: 15_000 });
  };
  return {
    settings: { NODE_OPTIONS: `--import ${preload}`, FAULT_FOLDER: folder },
    threads,
    strike,
    strikeAll,
  };
}
