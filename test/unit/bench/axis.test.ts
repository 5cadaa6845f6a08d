import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linearAxis, logAxis } from '../../../bench/report/axis.ts';
import type { Spread } from '../../../bench/statistics.ts';

const one = (median: number): Spread => ({ median, min: median, max: median });

test.each<[string, readonly number[], readonly number[]]>([
  ['marks are 1, 2 or 5 apart', [436, 251], [0, 100, 200, 300, 400]],
  ['small figures get small steps', [0.21, 0.07], [0, 0.05, 0.1, 0.15, 0.2]],
  ['an axis reaches below zero where a figure does', [-0.05, 0.2], [-0.05, 0, 0.05, 0.1, 0.15, 0.2]],
])('%s', (_, medians, ticks) => {
  expect(linearAxis(medians.map(one)).ticks).toEqual(ticks);
});

test('ticks are told apart by their digits', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (medians) => {
      const { ticks, digits } = linearAxis(medians.map(one));
      expect(new Set(ticks.map((tick) => tick.toFixed(digits))).size).toBe(ticks.length);
    }),
  );
});

test('places keep the order of the values, within the axis', () => {
  const values = fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(values, (medians) => {
      const sorted = [...medians].sort((a, b) => a - b);
      for (const axis of [linearAxis(sorted.map(one)), logAxis(sorted)]) {
        const places = sorted.map((value) => axis.place(value));
        expect(places).toEqual([...places].sort((a, b) => a - b));
        expect(places.every((place) => place >= 0 && place <= 1)).toBe(true);
      }
    }),
  );
});

test('a figure that dwarfs all others is cut off, and the others keep their room', () => {
  const axis = linearAxis([0.4, 0.8, 0.9, 1.1, 43.7].map(one));
  expect(axis.isBeyond(43.7)).toBe(true);
  expect(axis.isBeyond(1.1)).toBe(false);
  expect(axis.place(1.1)).toBeGreaterThan(0.9);
});

test('a figure is not cut off where most are large', () => {
  expect(linearAxis([4, 43.7, 44, 45].map(one)).isBeyond(45)).toBe(false);
});

test('an axis of zeros has a length', () => {
  expect(linearAxis([one(0)]).place(0)).toBe(0);
  expect(linearAxis([]).place(0)).toBe(0);
});

test('a logarithmic axis begins and ends at a mark', () => {
  expect(logAxis([0.31, 43]).ticks).toEqual([0.2, 0.5, 1, 2, 5, 10, 20, 50]);
  expect(logAxis([2, 2]).ticks).toEqual([2, 5]);
});
