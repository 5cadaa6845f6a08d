/** Waiting in tests: for a condition, with a deadline, never for a length of time. */
import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

const usual = { withinMs: 10_000, everyMs: 20 };

/**
 * Asks again until the answer is neither undefined nor false, and gives it. An exception counts as "not yet".
 * Rejects with `what` and the last exception when the time is over.
 */
export async function eventually<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | false> | Answer | undefined | false,
  patience: Patience = {},
): Promise<Answer> {
  const { withinMs, everyMs } = { ...usual, ...patience };
  const deadline = performance.now() + withinMs;
  let trouble: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      trouble = undefined;
    } catch (error) {
      trouble = error;
    }
    if (performance.now() >= deadline)
      throw new Error(`not within ${withinMs} ms: ${what}${reasonOf(trouble)}`);
    await pause(everyMs);
  }
}

/** Rejects when the promise takes longer than that. */
export async function within<Value>(withinMs: number, what: string, promise: Promise<Value>): Promise<Value> {
  const cancel = new AbortController();
  const late = pause(withinMs, undefined, { signal: cancel.signal, ref: false }).then(() => {
    throw new Error(`not within ${withinMs} ms: ${what}`);
  });
  late.catch(() => undefined);
  return Promise.race([promise, late]).finally(() => cancel.abort());
}

/** How long the work took, beside its result. */
export async function timed<Value>(work: () => Promise<Value>): Promise<{ value: Value; tookMs: number }> {
  const from = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - from };
}

function reasonOf(trouble: unknown): string {
  return trouble === undefined ? '' : ` (${trouble instanceof Error ? trouble.message : String(trouble)})`;
}
