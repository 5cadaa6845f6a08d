/** What a thread of a sweep runs: some seeds, one after the other; tells each result that is of interest. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { simulate } from './simulation.ts';

/** Seeds from `first`, every `step`th, below `end`. */
export interface Slice {
  readonly first: number;
  readonly end: number;
  readonly step: number;
}

/** What a slice tells when it is done. */
export interface SliceResult {
  readonly runs: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly failures: readonly {
    readonly seed: number;
    readonly invariant: string;
    readonly words: string;
    readonly tail: readonly string[];
  }[];
}

/** More are of no use: the first ones are looked at. */
const failuresMax = 20;

/** Runs the slice; `onSeed` is called behind each seed. */
export async function runSlice({ first, end, step }: Slice): Promise<SliceResult> {
  const failures: SliceResult['failures'][number][] = [];
  let [runs, steps, virtualMs] = [0, 0, 0];
  for (let seed = first; seed < end && failures.length < failuresMax; seed += step) {
    const run = await simulate(seed);
    runs++;
    steps += run.steps;
    virtualMs += run.virtualMs;
    if (run.failure !== undefined) failures.push({ seed, ...run.failure, tail: run.tail });
  }
  return { runs, steps, virtualMs, failures };
}

/** The same function from the bundle, for mutations. */
export { simulate };

if (!isMainThread && isSlice(workerData))
  void runSlice(workerData).then((result) => parentPort?.postMessage(result));

function isSlice(data: unknown): data is Slice {
  return typeof data === 'object' && data !== null && 'first' in data && 'step' in data;
}
