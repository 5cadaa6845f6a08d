/** Runs many seeds on as many threads as there are processors to use, and gathers what came of them. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { bundleSimulation } from './bundle.ts';
import type { Slice, SliceResult } from './slice.ts';

/** Other tests want a processor too. */
const threadsMax = 2;

/** `count` seeds from `from`; `cpuMs` is that of all threads. */
export async function sweep(from: number, count: number): Promise<SliceResult & { readonly cpuMs: number }> {
  const url = await bundleSimulation('sweep');
  const threads = Math.min(threadsMax, availableParallelism(), count);
  const slices = Array.from({ length: threads }, (_, index): Slice => {
    return { first: from + index, end: from + count, step: threads };
  });
  const began = process.cpuUsage();
  const results = await Promise.all(slices.map((slice) => runThread(url, slice)));
  const { user, system } = process.cpuUsage(began);
  return {
    runs: sum(results, ({ runs }) => runs),
    cpuMs: (user + system) / 1000,
    steps: sum(results, ({ steps }) => steps),
    virtualMs: sum(results, ({ virtualMs }) => virtualMs),
    failures: results.flatMap(({ failures }) => failures).sort((one, other) => one.seed - other.seed),
  };
}

function runThread(url: string, slice: Slice): Promise<SliceResult> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(url), { workerData: slice });
    thread.once('message', (result: SliceResult) => resolve(result));
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`a thread of the sweep left with ${code}`)));
  });
}

function sum(results: readonly SliceResult[], of: (result: SliceResult) => number): number {
  return results.reduce((total, result) => total + of(result), 0);
}
