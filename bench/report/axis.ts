/** Axes of the plots: where a value lies between 0 and 1, and which values are marked. Pure. */
import type { Spread } from '../statistics.ts';

export interface Axis {
  /** In rising order, the axis' own ends among them or not. */
  readonly ticks: readonly number[];
  /** How many digits tell the ticks apart. */
  readonly digits: number;
  /** Where a value lies, 0 to 1; what lies beyond an end is put at the end. */
  place(value: number): number;
  /** True of a value that lies beyond the upper end. */
  isBeyond(value: number): boolean;
}

/**
 * From zero (or below it, where figures are) to the largest. Where a few figures dwarf all others, the axis
 * ends behind the others: one rival's stall must not press everybody else into one pixel.
 */
export function linearAxis(spreads: readonly Spread[]): Axis {
  const lowest = Math.min(0, ...spreads.map(({ min }) => min));
  const highest = Math.max(0, ...nearSpreads(spreads).map(({ max }) => max));
  // Where all figures are next to zero, any length will do.
  const length = highest - lowest < leastLength ? 1 : highest - lowest;
  const step = niceStep(length / ticksWanted);
  const from = Math.floor(lowest / step) * step;
  const to = highest + length * endShare;
  const count = Math.floor((to - from) / step + 1e-9);
  return {
    ticks: Array.from({ length: count + 1 }, (_, at) => withoutNoise(from + at * step)),
    digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)),
    place: (value) => clamp((value - from) / (to - from)),
    isBeyond: (value) => value > to,
  };
}

/** From and to the next mark of 1, 2 or 5; for times that differ by orders. All values are above zero. */
export function logAxis(values: readonly number[]): Axis {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const marks: number[] = [];
  for (let power = Math.floor(low) - 1; power <= Math.ceil(high) + 1; power++) {
    for (const lead of [1, 2, 5]) marks.push(withoutNoise(lead * 10 ** power));
  }
  const first = marks.findLastIndex((mark) => Math.log10(mark) <= low + 1e-9);
  const last = marks.findIndex((mark) => Math.log10(mark) >= high - 1e-9);
  const ticks = marks.slice(first, Math.max(last, first + 1) + 1);
  const from = Math.log10(ticks[0] ?? 1);
  const to = Math.log10(ticks.at(-1) ?? 10);
  return {
    ticks,
    digits: Math.max(0, -Math.floor(from + 1e-9)),
    place: (value) => clamp((Math.log10(value) - from) / (to - from)),
    isBeyond: () => false,
  };
}

/** Those that the axis shows in full: at least half, up to the first gap that is too wide. */
function nearSpreads(spreads: readonly Spread[]): readonly Spread[] {
  const sorted = [...spreads].sort((a, b) => a.median - b.median);
  const cut = sorted.findIndex(({ median }, at) => {
    const below = Math.max(...sorted.slice(0, at).map(({ max }) => max));
    return at >= sorted.length / 2 && below > 0 && median > gapMax * below;
  });
  return cut < 0 ? sorted : sorted.slice(0, cut);
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const lead = [1, 2, 5].find((each) => each * power >= least * (1 - 1e-9)) ?? 10;
  return lead * power;
}

/** 0.30000000000000004 is 0.3. */
function withoutNoise(value: number): number {
  return Number(value.toPrecision(12));
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

const ticksWanted = 6;
/** Far below what any figure is printed to. */
const leastLength = 1e-9;
/** Room behind the longest figure. */
const endShare = 0.03;
/** A figure this many times the next smaller one's maximum is cut off. */
const gapMax = 4;
