/**
 * Lets tests end a worker of a running gateway, in the ways that workers end, stop its main thread, or make
 * its engine panic. See fault-preload.mjs.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { makeTempFolder } from './temp-folder.ts';

/**
 * What an ended worker suffered: from outside, an exception, a rejection nobody awaits, an exit, a loop
 * without end, a heap that is full.
 */
export type WorkerFault = 'terminate' | 'throw' | 'reject' | 'exit' | 'loop' | 'memory';

export interface WorkerFaults {
  /** What the gateway must be started with. */
  readonly settings: Readonly<Record<string, string>>;
  /** The threads that ever ran, by number; a replacement gets a new one. */
  threads(): number[];
  /** Resolves when the fault has struck. */
  strike(thread: number, fault: WorkerFault): Promise<void>;
  /** Strikes every worker there is; resolves when as many new ones run. */
  strikeAll(fault: WorkerFault): Promise<void>;
  /** Stops the main thread for so long; resolves when it stands. */
  blockMain(ms: number): Promise<void>;
  isMainBlocked(): boolean;
  /** The engine panics in this session's task. Needs the engine of engine-with-faults.ts. */
  panic(session: number): Promise<void>;
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
  const mainOver = join(folder, 'main.over');
  const orderMain = async (order: string) => {
    await rm(mainOver, { force: true });
    await writeFile(join(folder, 'main.new'), order);
    await rename(join(folder, 'main.new'), join(folder, 'main.order'));
    await eventually('the order is taken', () => !existsSync(join(folder, 'main.order')));
  };
  return {
    settings: { NODE_OPTIONS: `--import ${preload}`, FAULT_FOLDER: folder },
    threads,
    strike,
    strikeAll,
    blockMain: (ms) => orderMain(`block ${ms}`),
    isMainBlocked: () => !existsSync(mainOver),
    panic: async (session) => {
      await orderMain(`panic ${session}`);
      await eventually('the order is carried out', () => existsSync(mainOver));
    },
  };
}
