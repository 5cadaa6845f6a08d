import { expect, test } from 'vitest';
import { invariants } from './invariants/table.ts';
import { randomOf } from './random.ts';
import { simulate } from './simulation.ts';

test.each([1, 7, 42, 1001])('seed %i gives the same events each time', async (seed) => {
  const [first, second] = [await simulate(seed), await simulate(seed)];
  expect(first.hash).toBe(second.hash);
  expect(first.tail).toEqual(second.tail);
});

test('runs of other seeds in between change nothing', async () => {
  const alone = await simulate(5);
  const [, beside] = await Promise.all([simulate(6), simulate(5), simulate(8)]);
  expect(beside.hash).toBe(alone.hash);
});

test('different seeds give different runs', async () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) hashes.add((await simulate(seed)).hash);
  expect(hashes.size).toBe(20);
});

test('in twenty runs everything happens that invariants judge by', async () => {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= 20; seed++) {
    for (const [event, count] of Object.entries((await simulate(seed)).counts))
      counts.set(event, (counts.get(event) ?? 0) + count);
  }
  const wanted = [
    'spliced',
    'handoff',
    'ended',
    'goodbye',
    'told',
    'workerGone',
    'gatewayGone',
    'posted',
    'pong',
    'tableTold',
  ];
  expect(wanted.filter((event) => (counts.get(event) ?? 0) < 10)).toEqual([]);
});

test('a fork of a random stream does not depend on what was drawn from it', () => {
  const [fresh, used] = [randomOf(3), randomOf(3)];
  used.next();
  expect(used.fork('a').next()).toBe(fresh.fork('a').next());
  expect(fresh.fork('b').next()).not.toBe(fresh.fork('a').next());
});

test('every invariant has a name of its own and a sentence', () => {
  expect(new Set(invariants.map(({ name }) => name)).size).toBe(invariants.length);
  expect(invariants.filter(({ sentence }) => sentence.split(' ').length < 6)).toEqual([]);
});
