/**
 * The end of a gateway: no new clients; those that are idle are told goodbye at once, those that are busy as
 * soon as they are idle, or when the drain timeout is over; at last the threads.
 */
import type { Goodbye, Selection, Stats } from '#native';
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
  readonly words: string;
  readonly drainTimeoutMs: number;
  /** The ends of all parts, the engine's among them, in order. */
  readonly closers: readonly Closer[];
  readonly clock: Clock;
  readonly log: Log;
}

/** A message's worth of time: whoever is busy longer is asked again. */
const askEveryMs = 250;
/** For last words on their way. */
const partingMs = 1_000;

/** Sessions that have not ended when the drain timeout is over are ended in the middle. Never rejects. */
export async function shutDown(parts: ShutdownParts): Promise<void> {
  const { engine, clock, log, drainTimeoutMs } = parts;
  engine.stopAccepting();
  log.info('stopping: clients are told goodbye', { open: engine.stats().open, drainTimeoutMs });
  const deadline = clock.now() + drainTimeoutMs;
  await tellUntil(deadline, parts, true);
  const left = engine.stats().open;
  if (left > 0) {
    log.warn('stopping: sessions cut off when the drain timeout was over', { left });
    await tellUntil(clock.now() + partingMs, parts, false);
  }
  await closeAll(parts.closers, log);
}

async function tellUntil(deadline: number, parts: ShutdownParts, sparesBusy: boolean): Promise<void> {
  const { engine, words, clock } = parts;
  const never = new AbortController().signal;
  while (engine.stats().open > 0) {
    // An engine that fails to tell is stopped all the same, by the closers.
    await engine.goodbye({}, { reason: codeOf('shutdown'), words, sparesBusy }).catch(() => 0);
    const left = deadline - clock.now();
    if (left <= 0) return;
    await sleep(clock, Math.min(askEveryMs, left), never);
  }
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
