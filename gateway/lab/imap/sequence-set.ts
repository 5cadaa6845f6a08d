/** Sequence sets: `1:3,7,9:*`. RFC 3501 section 9, sequence-set. They hold message numbers or UIDs alike. */

export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export type SequenceSet = readonly NumberRange[];

/** `*`: the largest number in use, whatever it will be. */
export const star = Number.POSITIVE_INFINITY;

/** Undefined for what is no sequence set. */
export function parseSequenceSet(text: string): SequenceSet | undefined {
  const ranges: NumberRange[] = [];
  for (const part of text.split(',')) {
    const match = /^(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?$/.exec(part);
    if (match?.[1] === undefined) return undefined;
    const from = numberOf(match[1]);
    const to = numberOf(match[2] ?? match[1]);
    if (!isNumber(from) || !isNumber(to)) return undefined;
    ranges.push({ from, to });
  }
  return ranges;
}

/**
 * Whether the number is in the set, where `largest` is the largest in use. `9:*` includes it even when it
 * is below 9.
 */
export function isInSet(set: SequenceSet, number: number, largest: number): boolean {
  const settled = (value: number) => (value === star ? largest : value);
  return set.some((range) => {
    const [from, to] = [settled(range.from), settled(range.to)];
    return number >= Math.min(from, to) && number <= Math.max(from, to);
  });
}

/** The largest number that the set names, with `*` counted as `largest`. */
export function largestNamed(set: SequenceSet, largest: number): number {
  const settled = (value: number) => (value === star ? largest : value);
  return set.reduce((most, { from, to }) => Math.max(most, settled(from), settled(to)), 0);
}

/** `1:3,7` of ascending numbers. */
export function formatSequenceSet(numbers: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to + 1 === number) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}:${to}`)).join(',');
}

function numberOf(text: string): number {
  return text === '*' ? star : Number(text);
}

function isNumber(value: number): boolean {
  return value === star || value <= 0xffffffff;
}
