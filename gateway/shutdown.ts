/**
 * The end of a gateway: no new clients; a goodbye to those that are there, each as soon as it has nothing
 * under way, or when the drain timeout is over; at last the threads.
 */
import type { Goodbye, Selection, Stats } from '#native';
import { shutdownPace } from '#gateway/drain/pace';
import type { Clock } from '#lib/clock';
import type { Log } from '#lib/log';
import { sleep } from '#lib/sleep';
import { codeOf } from '#model/end-reason';

export interface ShutdownParts {
  readonly engine: {
    stopAccepting(): void;
    goodbye(selection: Selection, goodbye: Goodbye): Promise<number>;
    stats(): Stats;
    stop(): void;
  };
  readonly drainTimeoutMs: number;
  /** The pace of goodbyes that have time. */
  readonly perSecond: number;
  /** The ends of all parts, the engine's among them, in order. */
  readonly closers: readonly Closer[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Whether all have left is asked so often. */
const askEveryMs = 100;
/** For last words on their way, and the looks of the engine's timers: a tenth of a second each. */
const partingMs = 1_000;

/** The engine ends each session in its turn, at the latest when the drain timeout is over. Never rejects. */
export async function shutDown(parts: ShutdownParts): Promise<void> {
  const { engine, clock, log, drainTimeoutMs } = parts;
  engine.stopAccepting();
  const { open } = engine.stats();
  const pace = shutdownPace(open, drainTimeoutMs, parts.perSecond);
  log.info('stopping: clients are told goodbye', { open, drainTimeoutMs, perSecond: pace.perSecond });
  const deadline = clock.now() + drainTimeoutMs + partingMs;
  // An engine that fails to tell is stopped all the same, by the closers.
  await engine.goodbye({}, { reason: codeOf('shutdown'), ...pace }).catch(() => 0);
  const never = new AbortController().signal;
  while (engine.stats().open > 0 && clock.now() < deadline) await sleep(clock, askEveryMs, never);
  const left = engine.stats().open;
  if (left > 0) log.warn('stopping: sessions cut off when the drain timeout was over', { left });
  await closeAll(parts.closers, log);
}

/** Closes in the given order; a part that fails does not keep the others open. */
export async function closeAll(closers: readonly Closer[], log: Log): Promise<void> {
  for (const close of closers) {
    await Promise.resolve()
      .then(close)
      .catch((error: unknown) => log.error('stopping: a part failed to close', { why: String(error) }));
  }
}

export type Closer = () => Promise<void> | void;
