import { expect, test } from 'vitest';
import { knownSeeds } from './seeds.ts';
import { simulate } from './simulation.ts';
import type { SliceResult } from './slice.ts';
import { sweep } from './sweep.ts';

/** About a minute of one processor, half of that on two. */
const seedsUsual = 1_400;
const count = Number(process.env['SEEDS'] ?? seedsUsual);
const from = Number(process.env['SEED_FROM'] ?? 1);

test(
  `no invariant is broken in ${count} runs from seed ${from}`,
  { timeout: count * 2_000 + 60_000 },
  async () => {
    const result = await sweep(from, count);
    const perRun = result.cpuMs / result.runs;
    const seconds = result.virtualMs / result.runs / 1000;
    process.stdout.write(
      `simulation: ${result.runs} runs, ${perRun.toFixed(1)} ms of CPU each, ` +
        `${Math.round(result.steps / result.runs)} events and ${Math.round(seconds)} s each\n`,
    );
    expect(result.failures.map(wordsOf).join('\n\n')).toBe('');
    expect(result.runs).toBe(count);
  },
);

test.each(knownSeeds)('seed $seed: $story', async ({ seed }) => {
  const { failure } = await simulate(seed);
  expect(failure).toBeUndefined();
});

/** With the last events, and the line that shows it again. */
function wordsOf({ seed, invariant, words, tail }: SliceResult['failures'][number]): string {
  const replay = `SEED_FROM=${seed} SEEDS=1 npm test -- test/sim/seeds.test.ts`;
  return [`seed ${seed} breaks "${invariant}": ${words}`, `replay: ${replay}`, ...tail].join('\n');
}
