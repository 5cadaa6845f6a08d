import { expect, test } from 'vitest';
import { movePace, shutdownPace } from '#gateway/drain/pace';

test.each([
  [35_000, 2_000],
  [4_000, 2_000],
  [3_999, 1_999],
  [1_000, 500],
  [0, 0],
])('a move under a hold of %d ms gives old sessions %d ms', (holdForMs, windowMs) => {
  expect(movePace(holdForMs)).toEqual({ perSecond: 0, windowMs });
});

test.each<[string, number, number, number, { perSecond: number; windowMs: number }]>([
  ['few sessions', 10, 30_000, 200, { perSecond: 200, windowMs: 29_950 }],
  ['as many as fit into half of the time', 3_000, 30_000, 200, { perSecond: 200, windowMs: 15_000 }],
  ['more than fit: faster', 3_001, 30_000, 200, { perSecond: 201, windowMs: 15_069 }],
  ['a crowd', 90_000, 30_000, 200, { perSecond: 6_000, windowMs: 15_000 }],
  ['a slow pace', 40, 30_000, 1, { perSecond: 3, windowMs: 16_666 }],
  ['no pace', 90_000, 30_000, 0, { perSecond: 0, windowMs: 30_000 }],
  ['no time', 90_000, 0, 200, { perSecond: 0, windowMs: 0 }],
  ['nobody', 0, 30_000, 200, { perSecond: 200, windowMs: 30_000 }],
  ['hardly any time', 1_000_000, 1, 200, { perSecond: 1_000_000_000, windowMs: 0 }],
])('a stop with %s is paced so that all have their window', (_, open, timeoutMs, rate, pace) => {
  expect(shutdownPace(open, timeoutMs, rate)).toEqual(pace);
});

test('whatever the crowd and the time, the last to be told still has its window within the time', () => {
  for (const open of [1, 7, 199, 5_000, 123_456])
    for (const timeoutMs of [100, 1_000, 30_000, 3_600_000])
      for (const rate of [1, 200, 5_000]) {
        const { perSecond, windowMs } = shutdownPace(open, timeoutMs, rate);
        const lastToldMs = ((open - 1) * 1_000) / perSecond;
        expect(lastToldMs + windowMs).toBeLessThanOrEqual(timeoutMs);
        expect(windowMs).toBeGreaterThanOrEqual(timeoutMs / 2 - 1);
      }
});
