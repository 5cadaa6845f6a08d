/**
 * Every trace of this folder, as written and with the client's bytes cut at every place. See trace-
 * play.ts.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clientBytes, parseTrace, playTrace } from './trace-play.ts';

/** Larger traces, with their huge literals, are cut at their borders only. */
const everywhereBytesMax = 3000;
const placesMax = 120;

const folder = new URL('./', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.trace'));

test('there are traces to play', () => {
  expect(names.length).toBeGreaterThanOrEqual(25);
});

test.each(names)('%s: as it is written', async (name) => {
  await playTrace(stepsOf(name), 0);
});

test.each(names)('%s: cut at every place', { timeout: 60_000 }, async (name) => {
  const steps = stepsOf(name);
  for (const cut of placesOf(clientBytes(steps))) {
    await playTrace(steps, cut).catch((error: unknown) => {
      throw new Error(`cut behind byte ${cut}: ${String(error)}`, { cause: error });
    });
  }
});

test.each(names.filter((name) => clientBytes(stepsOf(name)) <= everywhereBytesMax))(
  '%s: byte by byte',
  { timeout: 60_000 },
  async (name) => {
    await playTrace(stepsOf(name), 'everywhere');
  },
);

/** Every place; in a trace of huge lines every one of the first bytes and of the last, and some between. */
function placesOf(bytes: number): number[] {
  const all = Array.from({ length: bytes }, (_, place) => place);
  return all.filter((place) => place < placesMax || bytes - place < placesMax || place % 997 === 0);
}

function stepsOf(name: string): ReturnType<typeof parseTrace> {
  return parseTrace(readFileSync(new URL(name, folder), 'latin1'));
}
