/** Seeds that once failed: each with what it found. They are run whatever else is. */

export interface KnownSeed {
  readonly seed: number;
  readonly story: string;
}

export const knownSeeds: readonly KnownSeed[] = [
  { seed: 11_008, story: 'a wait shorter than a rounding error is asked for once, not for ever' },
];
