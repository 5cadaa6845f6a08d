/**
 * One life of one worker: a Piscina of a single thread that runs a single task, `serve`.
 *
 * The only file that imports piscina. A Piscina for each life, since a Piscina whose thread failed while
 * importing lets every later task wait for ever, and since a task that failed leaves its thread, with what
 * it joined, behind. Whoever wants another life (supervisor.ts) asks again; the task's file is an argument.
 */
import { MessageChannel, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { limits } from './limits.ts';
import type { Threads, WorkerThread } from './supervisor.ts';

/** Real threads of the file that exports `serve`: `.ts` in a tree of sources, `.js` in dist. */
export function systemThreads(entry: URL): Threads {
  return {
    start: (task, transfer) => startThread(entry, task, transfer),
    openChannel: () => {
      const { port1: near, port2: far } = new MessageChannel();
      return { near, far };
    },
  };
}

/** Starts the thread of `entry`, which exports `serve`, and hands it the task; `transfer` moves with it. */
function startThread(entry: URL, task: object, transfer: readonly object[]): WorkerThread {
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
