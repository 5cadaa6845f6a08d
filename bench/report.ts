/**
 * Makes rows of the results: medians over the rounds that count, and how Postern's figures stand to each
 * rival's and to the goals. Pure.
 */
import { type Figures, type Verdict, verdictsOf } from './goals.ts';
import type { Results, Run } from './results.ts';
import type { RowKind, Scenario } from './scenario.ts';
import { type Spread, disturbedRounds, spreadOf } from './statistics.ts';
import type { SubjectName } from './subject.ts';
import { formatSpread } from './table.ts';

/** One measured thing over the subjects. */
export interface Row extends RowKind, Figures {
  /** `scenario.figure`. */
  readonly id: string;
  readonly digits: number;
  readonly scenario: string;
  /** By subject: median and spread over the rounds that count. */
  readonly figures: Readonly<Record<SubjectName, Spread>>;
  /** By subject and round, the disturbed rounds left out. */
  readonly rounds: Readonly<Record<SubjectName, Readonly<Record<number, number>>>>;
  /** By rival: Postern's figure divided by the rival's, of the same round. */
  readonly ratios: Readonly<Record<SubjectName, Spread>>;
  /** By rival: Postern's figure less the rival's, of the same round. */
  readonly differences: Readonly<Record<SubjectName, Spread>>;
  readonly verdicts: readonly Verdict[];
}

/** The rows, and per scenario how many rounds were thrown away as disturbed. */
export interface Report {
  readonly rows: readonly Row[];
  readonly thrownAway: Readonly<Record<string, number>>;
}

export function buildReport(results: Results, scenarios: readonly Scenario[]): Report {
  const quiet = scenarios.map((scenario) => ({ scenario, ...quietRuns(results, scenario.name) }));
  return {
    rows: quiet.flatMap(({ scenario, runs }) =>
      scenario.rows.map((kind) => rowOf(kind, scenario.name, { ...results, runs })),
    ),
    thrownAway: Object.fromEntries(quiet.map(({ scenario, thrownAway }) => [scenario.name, thrownAway])),
  };
}

/** The rival that the table's ratios are to: the first one. */
export function tableRivalOf({ subjects }: Pick<Results, 'subjects'>): SubjectName | undefined {
  return subjects.find(({ role }) => role === 'rival')?.name;
}

/** The cells of a row: what it is, the subjects' figures, the ratio to `rival`, the verdicts on the goals. */
export function cellsOf(
  row: Row,
  { subjects }: Pick<Results, 'subjects'>,
  rival: SubjectName | undefined,
): readonly string[] {
  const figures = subjects.map(({ name, role }) =>
    formatSpread(row.figures[name], row.digits, row.isAdded === true && role !== 'floor' ? '+' : ''),
  );
  const ratio = rival === undefined ? [] : [formatSpread(row.ratios[rival], 2)];
  const verdicts = row.verdicts.map(({ text }) => text).join('; ');
  return [`${row.what}, ${row.unit}`, ...figures, ...ratio, verdicts];
}

function quietRuns(
  { runs }: Results,
  scenario: string,
): { readonly runs: readonly Run[]; readonly thrownAway: number } {
  const own = runs.filter((run) => run.scenario === scenario);
  const gauges = own.flatMap(({ round, subject, gaugeUs }) =>
    gaugeUs === undefined ? [] : [{ round, subject, ownCpuUs: gaugeUs }],
  );
  const disturbed = disturbedRounds(gauges);
  return { runs: own.filter((run) => !disturbed.has(run.round)), thrownAway: disturbed.size };
}

type ByRound = ReadonlyMap<number, number>;

function rowOf(kind: RowKind, scenario: string, { subjects, runs }: Results): Row {
  const floor = subjects.find(({ role }) => role === 'floor')?.name;
  const base = floor === undefined ? new Map() : byRound(runs, floor, kind.figure);
  const taken = new Map<SubjectName, ByRound>();
  for (const { name, role } of subjects) {
    const own = byRound(runs, name, kind.figure);
    const isAddition = kind.isAdded === true && role !== 'floor';
    taken.set(name, isAddition ? joined(own, base, (value, least) => value - least) : own);
  }
  const ours = taken.get('postern') ?? new Map<number, number>();
  const rivals = subjects.filter(({ role }) => role === 'rival').map(({ name }) => name);
  const over = (join: (own: number, rival: number) => number | undefined) =>
    spreads(rivals, (name) => joined(ours, taken.get(name) ?? new Map<number, number>(), join));
  const row = {
    ...kind,
    id: `${scenario}.${kind.figure}`,
    scenario,
    figures: spreads([...taken.keys()], (name) => taken.get(name) ?? new Map()),
    rounds: Object.fromEntries([...taken].map(([name, values]) => [name, Object.fromEntries(values)])),
    // Of what noise has made zero or negative there is no ratio.
    ratios: over((own, rival) => (own >= 0 && rival > 0 ? own / rival : undefined)),
    differences: over((own, rival) => own - rival),
  };
  return { ...row, verdicts: verdictsOf(row) };
}

function spreads(
  names: readonly SubjectName[],
  valuesOf: (name: SubjectName) => ByRound,
): Readonly<Record<SubjectName, Spread>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const spread = spreadOf([...valuesOf(name).values()]);
      return spread === undefined ? [] : [[name, spread]];
    }),
  );
}

/** A run without the figure has none; why is among its faults. */
function byRound(runs: readonly Run[], subject: SubjectName, figure: string): ByRound {
  const own = runs.filter((run) => run.subject === subject);
  return new Map(
    own.flatMap(({ round, figures }) => {
      const value = figures[figure];
      return value === undefined ? [] : [[round, value] as const];
    }),
  );
}

function joined(
  left: ByRound,
  right: ByRound,
  join: (left: number, right: number) => number | undefined,
): ByRound {
  const both: [number, number][] = [];
  for (const [round, value] of left) {
    const other = right.get(round);
    const figure = other === undefined ? undefined : join(value, other);
    if (figure !== undefined) both.push([round, figure]);
  }
  return new Map(both);
}
