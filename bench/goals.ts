/** What the rows should reach, and whether they do: the goals are data, the rows report.ts's. Pure. */
import type { Spread } from './statistics.ts';
import type { SubjectName } from './subject.ts';
import { formatNumber } from './table.ts';

/**
 * A bound on the median of a row. `ratio` and `difference` are of Postern's figure and the rival's, round by
 * round; `figure` is Postern's own.
 */
export type Goal = { readonly row: string; readonly first: number; readonly stretch?: number } & (
  | { readonly of: 'figure' }
  | { readonly of: 'ratio' | 'difference'; readonly rival: SubjectName }
);

export const goals: readonly Goal[] = [
  { row: 'login.cpuUs', of: 'ratio', rival: 'haproxy', first: 0.6, stretch: 0.5 },
  { row: 'login.cpuUs', of: 'ratio', rival: 'nginx-mail', first: 0.55 },
  { row: 'pop3.cpuUs', of: 'ratio', rival: 'haproxy', first: 0.6 },
  { row: 'pop3.cpuUs', of: 'ratio', rival: 'nginx-mail', first: 0.5 },
  { row: 'submission.cpuUs', of: 'ratio', rival: 'haproxy', first: 0.75 },
  { row: 'submission.cpuUs', of: 'ratio', rival: 'nginx-mail', first: 0.6 },
  { row: 'handshake.cpuUs', of: 'ratio', rival: 'haproxy', first: 0.5, stretch: 0.4 },
  { row: 'splice-rsa.cpuUs', of: 'ratio', rival: 'haproxy', first: 0.75, stretch: 0.68 },
  { row: 'idle.kib', of: 'figure', first: 7, stretch: 5 },
  { row: 'fetch-16k.nsPerByte', of: 'ratio', rival: 'haproxy', first: 0.6, stretch: 0.5 },
  { row: 'fetch-1m.nsPerByte', of: 'ratio', rival: 'haproxy', first: 0.7, stretch: 0.5 },
  { row: 'preamble-16.workerUs', of: 'figure', first: 8, stretch: 4 },
  { row: 'latency.untilLoginP50Ms', of: 'difference', rival: 'haproxy', first: 0.2, stretch: 0 },
  { row: 'flood.p99Ms', of: 'figure', first: 50, stretch: 20 },
  { row: 'flood.dropped', of: 'figure', first: 0 },
];

/** What a goal needs to know of a row. */
export interface Figures {
  readonly id: string;
  readonly digits: number;
  readonly figures: Readonly<Record<SubjectName, Spread>>;
  readonly ratios: Readonly<Record<SubjectName, Spread>>;
  readonly differences: Readonly<Record<SubjectName, Spread>>;
}

/** How a row stands to one goal. */
export interface Verdict {
  readonly goal: Goal;
  /** Undefined: the row or the rival was not measured. */
  readonly value: number | undefined;
  readonly is: 'stretch' | 'met' | 'missed' | 'open';
  /** In words: `0.47 x haproxy: 0.60 met by 0.13`. */
  readonly text: string;
}

/** The verdicts on a row, in the order of the goals. */
export function verdictsOf(row: Figures): readonly Verdict[] {
  return goals.filter((goal) => goal.row === row.id).map((goal) => verdictOf(goal, row));
}

export function verdictOf(goal: Goal, row: Figures): Verdict {
  const value = valueOf(goal, row);
  const digits = goal.of === 'ratio' ? 2 : row.digits;
  const bound = `${formatNumber(goal.first, digits)}${unitOf(goal)}`;
  if (value === undefined) return { goal, value, is: 'open', text: `goal ${bound}: not measured` };
  const { first, stretch } = goal;
  if (stretch !== undefined && value <= stretch)
    return {
      goal,
      value,
      is: 'stretch',
      text: `stretch ${formatNumber(stretch, digits)}${unitOf(goal)} met`,
    };
  const apart = formatNumber(Math.abs(first - value), digits);
  const is = value <= first ? 'met' : 'missed';
  return { goal, value, is, text: `goal ${bound} ${is} by ${apart}` };
}

function valueOf(goal: Goal, row: Figures): number | undefined {
  switch (goal.of) {
    case 'figure':
      return row.figures['postern']?.median;
    case 'ratio':
      return row.ratios[goal.rival]?.median;
    case 'difference':
      return row.differences[goal.rival]?.median;
  }
}

function unitOf(goal: Goal): string {
  switch (goal.of) {
    case 'figure':
      return '';
    case 'ratio':
      return ` x ${goal.rival}`;
    case 'difference':
      return ` over ${goal.rival}`;
  }
}
