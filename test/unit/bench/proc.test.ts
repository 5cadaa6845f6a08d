import { expect, test } from 'vitest';
import { usageUsInV1, usageUsInV2 } from '../../../bench/cpu-account.ts';
import {
  anonymousKiBIn,
  anonymousKiBOf,
  cpuTimeOf,
  parentIn,
  scheduledNsIn,
  ticksIn,
  threadsOf,
  treeOf,
  waitedTicksIn,
} from '../../../bench/proc.ts';

const stat = '4711 (a (b) c) S 42 4711 4711 0 -1 4194560 900 0 0 0 25 17 3 4 20 0 11 0 1 2 3';

test('a name with blanks and brackets does not shift the fields', () => {
  expect([parentIn(stat), ticksIn(stat), waitedTicksIn(stat)]).toEqual([42, 42, 7]);
  expect([parentIn(''), ticksIn(''), waitedTicksIn('')]).toEqual([0, 0, 0]);
});

test.each([
  ['123456789 55 7\n', 123456789],
  ['0 0 0\n', 0],
  ['', 0],
  ['12 34\n', 0],
])('schedstat %j counts %d ns', (text, expected) => {
  expect(scheduledNsIn(text)).toBe(expected);
});

test('only anonymous memory counts, not its huge pages', () => {
  const rollup = 'Rss:  900 kB\nPss:  800 kB\nAnonymous:       12345 kB\nAnonHugePages:  2048 kB\n';
  expect(anonymousKiBIn(rollup)).toBe(12345);
  expect(anonymousKiBIn(`${rollup}Pss_Anon:   10000 kB\n`)).toBe(10000);
  expect(anonymousKiBIn('')).toBe(0);
});

test('a tree holds children and grandchildren, and nobody else', () => {
  const parents = new Map([
    [1, 0],
    [10, 1],
    [11, 10],
    [12, 10],
    [13, 12],
    [20, 1],
  ]);
  expect([...treeOf(10, parents)].sort((a, b) => a - b)).toEqual([10, 11, 12, 13]);
  expect(treeOf(20, parents)).toEqual([20]);
});

test.runIf(process.platform === 'linux')('this very process has used CPU time and memory', () => {
  const before = cpuTimeOf(process.pid, undefined);
  let sum = 0;
  for (let turn = 0; turn < 3e7; turn++) sum += turn % 7;
  const after = cpuTimeOf(process.pid, undefined);
  expect(sum).toBeGreaterThan(0);
  expect(after.scheduledUs).toBeGreaterThan(before.scheduledUs);
  expect(anonymousKiBOf(process.pid)).toBeGreaterThan(1000);
  expect(threadsOf(process.pid).some(({ name, cpuUs }) => name !== '' && cpuUs > 0)).toBe(true);
});

test('a control group counts for itself, whatever the tree says', () => {
  expect(cpuTimeOf(process.pid, 5)).toMatchObject({ scheduledUs: 5, countsEnded: true });
});

test('both versions of control groups are read', () => {
  expect(usageUsInV1('1234567\n')).toBe(1234.567);
  expect(usageUsInV2('usage_usec 1234\nuser_usec 1000\nsystem_usec 234\n')).toBe(1234);
  expect(usageUsInV2('nothing')).toBeNaN();
});
