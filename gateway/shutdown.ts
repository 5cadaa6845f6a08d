/** The end of a gateway: no new clients, a goodbye to those there are, and at last the threads. */
import type { Selection, Stats } from '#native';
import type { Clock } from '#lib/clock';
import type { Log } from '#lib/log';
import { sleep } from '#lib/sleep';
import { codeOf } from '#model/end-reason';

export interface ShutdownParts {
  readonly engine: {
    stopAccepting(): void;
    goodbye(selection: Selection, reason: number, words: string): Promise<number>;
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

const lookEveryMs = 50;

/** Sessions that have not ended when the drain timeout is over are ended with the engine. Never rejects. */
export async function shutDown(parts: ShutdownParts): Promise<void> {
  const { engine, clock, log } = parts;
  engine.stopAccepting();
  const told = await engine.goodbye({}, codeOf('shutdown'), parts.words).catch(() => 0);
  log.info('stopping: clients told goodbye', { told, drainTimeoutMs: parts.drainTimeoutMs });

  const deadline = clock.now() + parts.drainTimeoutMs;
  const never = new AbortController().signal;
  while (engine.stats().open > 0 && clock.now() < deadline) await sleep(clock, lookEveryMs, never);
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
