import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bundleSimulation } from './bundle.ts';
import { invariants } from './invariants/table.ts';
import { mutations } from './mutations.ts';
import type { simulate } from './simulation.ts';

/** A mutation that so many runs do not show would not be found by a sweep either. */
const seedsMax = 400;

test.each(mutations.map((mutation, index) => ({ ...mutation, index })))(
  '"$breaks" fails where $what',
  { timeout: 120_000 },
  async ({ breaks, changes, rules, index, what }) => {
    const url = await bundleSimulation(`mutation-${index}`, changes);
    const mutated = (await import(/* @vite-ignore */ url)) as { simulate: typeof simulate };
    let seed = 1;
    while (seed <= seedsMax) {
      const { failure } = await mutated.simulate(seed, { rules, judges: [breaks] });
      if (failure?.invariant === breaks) break;
      seed++;
    }
    process.stdout.write(`mutation: ${what}: "${breaks}" fails at seed ${seed}\n`);
    expect(seed).toBeLessThanOrEqual(seedsMax);
  },
);

test('every invariant has a build that breaks it', () => {
  const shown = new Set(mutations.map(({ breaks }) => breaks));
  expect(invariants.filter(({ name }) => !shown.has(name)).map(({ name }) => name)).toEqual([]);
});

test('docs/testing.md has every mutation beside its invariant', () => {
  const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
  const missing = mutations.filter(({ breaks, what }) => !page.includes(`| ${breaks} | ${what} |`));
  expect(missing.map(({ what }) => what)).toEqual([]);
});
