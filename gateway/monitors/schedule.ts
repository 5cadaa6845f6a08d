/**
 * When a monitor asks next. PURE: how long the last probe took and a random number are arguments.
 *
 * A little jitter, so that the monitors of many servers, and those of two gateways, drift apart instead of
 * knocking together.
 */

/** Share of the interval by which one wait may be shorter or longer. */
const jitterShare = 0.1;
/** A probe that took longer than its interval must not be followed by the next at once. */
const pauseMinMs = 100;
/**
 * How far the first probes after a start are spread: short, since nobody is served by a server still
 * unknown.
 */
const firstSpreadMs = 200;

/** The wait before the first probe; `random` is in [0, 1). */
export function firstWaitMs(intervalMs: number, random: number): number {
  return Math.min(firstSpreadMs, intervalMs) * random;
}

/** The wait after a probe that took `tookMs`: probes start one interval apart, give or take the jitter. */
export function nextWaitMs(intervalMs: number, tookMs: number, random: number): number {
  const jittered = intervalMs * (1 - jitterShare + 2 * jitterShare * random);
  return Math.max(pauseMinMs, jittered - tookMs);
}
