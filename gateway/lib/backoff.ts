/**
 * How long to wait before the next attempt: doubling, bounded, and spread so that many do not return at
 * once.
 */

export interface BackoffBounds {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * The wait before attempt `attempt` (0 is the first repetition): between half and all of
 * min(maxMs, firstMs * 2^attempt). `random` gives 0 <= r < 1.
 */
export function backoffMs(attempt: number, bounds: BackoffBounds, random: () => number): number {
  // 2^30 times any useful first wait is over any useful bound; a larger exponent would reach Infinity.
  const full = Math.min(bounds.maxMs, bounds.firstMs * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random();
}
