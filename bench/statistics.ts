/** Medians, spreads, and which rounds were too disturbed to count. Pure. */

/** The middle of some values and how far they reach. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Undefined when there are no values. Of an even count, the median is the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (min === undefined || max === undefined || low === undefined || high === undefined) return undefined;
  return { median: (low + high) / 2, min, max };
}

/** One run's noise gauge: the generator's own CPU time per unit, which only a disturbed machine raises. */
export interface Gauge {
  readonly round: number;
  readonly subject: string;
  readonly ownCpuUs: number;
}

/**
 * The rounds in which some run's gauge was at least twice its subject's median. The whole round goes, since
 * the subjects of a round are compared with each other.
 */
export function disturbedRounds(gauges: readonly Gauge[]): ReadonlySet<number> {
  const subjects = new Set(gauges.map((gauge) => gauge.subject));
  const disturbed = new Set<number>();
  for (const subject of subjects) {
    const own = gauges.filter((gauge) => gauge.subject === subject);
    const usual = spreadOf(own.map((gauge) => gauge.ownCpuUs))?.median ?? 0;
    for (const gauge of own) if (gauge.ownCpuUs >= 2 * usual && usual > 0) disturbed.add(gauge.round);
  }
  return disturbed;
}

/** Another first subject each round, so that none always runs in another's wake. */
export function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const cut = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(cut), ...items.slice(0, cut)];
}
