/**
 * The task that a worker thread runs (gateway/pool). It is where the worker meets the real engine, clock and
 * event loop; everything else is worker.ts.
 */
import { join } from '#native';
import { systemClock } from '#lib/clock';
import type { WorkerTask } from '#model/messages';
import type { OpenDialogue } from '#workers/fronts/smtp/dialogue';
import { runWorker } from './worker.ts';

/**
 * Serves sessions until the main thread says stop. Rejects where the engine fails; the pool starts another
 * then.
 */
export async function serve(task: WorkerTask): Promise<void> {
  return runWorker(task, {
    join,
    clock: systemClock(),
    schedule: (run) => void setImmediate(run),
    settle,
    openDialogue: await loadDialogues(task),
  });
}

/** The library behind them costs a thread a tenth of a second and 14 MB: only where somebody submits. */
async function loadDialogues({ config }: WorkerTask): Promise<OpenDialogue> {
  if (!config.frontends.some(({ protocol }) => protocol === 'submission')) return noDialogue;
  const { smtpDialogues } = await import('./smtp-dialogue.ts');
  return smtpDialogues();
}

/**
 * Runs it behind all promises that follow from what is happening now: Node takes up a tick that a microtask
 * asked for when no microtask is left. A turn of the event loop would do as well, and costs two system calls.
 */
function settle(run: () => void): void {
  queueMicrotask(() => process.nextTick(run));
}

function noDialogue(): never {
  throw new Error('a worker without submission opens no dialogue');
}
