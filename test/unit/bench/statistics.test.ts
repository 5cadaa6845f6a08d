import { expect, test } from 'vitest';
import { disturbedRounds, rotated, spreadOf } from '../../../bench/statistics.ts';

test.each<[string, number[], ReturnType<typeof spreadOf>]>([
  ['no values have no spread', [], undefined],
  ['one value is all three', [7], { median: 7, min: 7, max: 7 }],
  ['an odd count has a middle', [9, 1, 5], { median: 5, min: 1, max: 9 }],
  ['an even count has the mean of two', [4, 1, 2, 100], { median: 3, min: 1, max: 100 }],
  ['numbers are not sorted as text', [10, 9, 100], { median: 10, min: 9, max: 100 }],
])('%s', (_, values, expected) => {
  expect(spreadOf(values)).toEqual(expected);
});

test.each<[string, number[], number[]]>([
  ['an even machine loses no round', [100, 105, 98], []],
  ['just under double stays', [100, 100, 199.9], []],
  ['double goes', [100, 100, 200], [3]],
  ['a generator without a counter disturbs nothing', [0, 0, 0], []],
])('%s', (_, ownCpuUs, expected) => {
  const gauges = ownCpuUs.map((own, at) => ({ round: at + 1, subject: 'direct', ownCpuUs: own }));
  expect([...disturbedRounds(gauges)]).toEqual(expected);
});

test('subjects that differ by nature do not disturb each other', () => {
  const gauges = [1, 2, 3].flatMap((round) => [
    { round, subject: 'direct', ownCpuUs: 100 },
    { round, subject: 'haproxy', ownCpuUs: 300 },
  ]);
  expect(disturbedRounds(gauges).size).toBe(0);
});

test('every subject comes first in turn', () => {
  const orders = [0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''));
  expect(orders).toEqual(['abc', 'bca', 'cab', 'abc']);
  expect(rotated([], 5)).toEqual([]);
});
