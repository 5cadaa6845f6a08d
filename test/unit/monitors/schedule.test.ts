import { expect, test } from 'vitest';
import { firstWaitMs, nextWaitMs } from '#gateway/monitors/schedule';

test.each<[string, number, number, number, number]>([
  ['in the middle of the jitter', 2_000, 0, 0.5, 2_000],
  ['at its lower edge', 2_000, 0, 0, 1_800],
  ['close to its upper edge', 2_000, 0, 0.9999, 2_199.96],
  ['what the probe took is part of the interval', 2_000, 300, 0.5, 1_700],
  ['a probe as long as the interval is followed by a pause', 2_000, 2_000, 0.5, 100],
  ['and so is a longer one', 2_000, 8_000, 0.5, 100],
])('the wait %s', (_, intervalMs, tookMs, random, expected) => {
  expect(nextWaitMs(intervalMs, tookMs, random)).toBeCloseTo(expected, 5);
});

test.each<[number, number, number]>([
  [2_000, 0, 0],
  [2_000, 0.5, 100],
  [50, 0.5, 25],
])('the first wait is short: interval %i, random %f', (intervalMs, random, expected) => {
  expect(firstWaitMs(intervalMs, random)).toBe(expected);
});
