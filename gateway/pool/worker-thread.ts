/**
 * One life of one worker: a Piscina of a single thread that runs a single task, `serve`.
 *
 * The only file that imports piscina. A Piscina for each life, since a Piscina whose thread failed while
 * importing lets every later task wait for ever, and since a task that failed leaves its thread, with what
 * it joined, behind. Whoever wants another life (supervisor.ts) asks again; the task's file is an argument.
 */
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { limits } from './limits.ts';

export interface WorkerThread {
  /**
   * Resolves when the thread is gone, clean-up hooks included, with why in words; undefined where `serve`
   * returned by itself. Never rejects.
   */
  readonly ended: Promise<string | undefined>;
  /** Ends the thread even if it loops; `ended` then resolves with these words. */
  kill(why: string): void;
}

/** Starts the thread of `entry`, which exports `serve`, and hands it the task; `transfer` moves with it. */
export function startThread(entry: URL, task: object, transfer: readonly object[]): WorkerThread {
  const piscina = new Piscina({
    filename: entry.href,
    name: 'serve',
    minThreads: 0,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    // Else the thread sleeps in Atomics between tasks and hears neither the engine nor its port.
    atomics: 'disabled',
    resourceLimits: {
      maxOldGenerationSizeMb: limits.workerHeapMib,
      maxYoungGenerationSizeMb: limits.workerYoungMib,
    },
    ...(entry.href.endsWith('.ts') && { execArgv: sourceArguments() }),
  });
  let kill: WorkerThread['kill'] = () => {};
  const failed = new Promise<string>((resolve) => {
    kill = resolve;
    // An import that throws reaches only this event: the task waits for ever for a thread.
    piscina.on('error', (error: unknown) => resolve(wordsOf(error)));
  });
  const served = piscina.run(task, { transferList: [...transfer] as never[] }).then(() => undefined, wordsOf);
  const exits = Promise.all(piscina.threads.map(exitOf));
  const ended = Promise.race([served, failed]).then(async (why) => {
    await piscina.destroy();
    await exits;
    return why;
  });
  return { ended, kill };
}

function exitOf(thread: Worker): Promise<unknown> {
  return new Promise((resolve) => thread.once('exit', resolve));
}

/** In a tree of sources a thread needs what the main thread got from its command line. */
function sourceArguments(): string[] {
  return ['--conditions=source', '--import', import.meta.resolve('tsx')];
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
