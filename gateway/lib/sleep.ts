/** Waiting as a promise, on an injected clock. */
import type { Clock } from './clock.ts';

/** Resolves after the delay, or at once when the signal is aborted. Never rejects. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = clock.setTimer(delayMs, over);
    signal.addEventListener('abort', over);
  });
}
