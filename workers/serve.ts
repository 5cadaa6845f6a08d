/**
 * The task that a worker thread runs (gateway/pool). It is where the worker meets the real engine, clock and
 * event loop; everything else is worker.ts.
 */
import { join } from '#native';
import { systemClock } from '#lib/clock';
import type { WorkerTask } from '#model/messages';
import { runWorker } from './worker.ts';

/**
 * Serves sessions until the main thread says stop. Rejects where the engine fails; the pool starts another
 * then.
 * Commands go out once a turn of the event loop, behind the events and promises of that turn.
 */
export function serve(task: WorkerTask): Promise<void> {
  return runWorker(task, { join, clock: systemClock(), schedule: (run) => void setImmediate(run) });
}
