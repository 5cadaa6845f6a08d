/** Makes rows of the results: medians over the rounds that count, and Postern's ratio to the rival. Pure. */
import { type Results, type Run, type RunKind, cpuUsPerUnit } from './measurement.ts';
import type { SubjectName } from './options.ts';
import { type Spread, disturbedRounds, spreadOf } from './statistics.ts';
import { formatSpread } from './table.ts';

/** One measured thing over the subjects. */
export interface Row {
  readonly what: string;
  readonly digits: number;
  /** Set where the gateways' figures are what they add to direct's. */
  readonly isAdded: boolean;
  readonly figures: Readonly<Partial<Record<SubjectName, Spread>>>;
  /** Postern's figure divided by the rival's, of the same round. */
  readonly ratio: Spread | undefined;
}

/** The rows, and per kind of run how many rounds were thrown away as disturbed. */
export interface Report {
  readonly rows: readonly Row[];
  readonly thrownAway: Readonly<Record<RunKind, number>>;
}

export function buildReport(results: Results): Report {
  const logins = quiet(results, 'imap-login');
  const handshakes = quiet(results, 'handshake');
  const latencies = quiet(results, 'latency');
  const added = (what: string, field: string) =>
    addedRow(what, latencies.runs, (run) => Number(run.result[field]));
  return {
    rows: [
      row('IMAP login session, CPU µs', 0, logins.runs, cpuUsPerUnit),
      row('full handshake, CPU µs', 0, handshakes.runs, cpuUsPerUnit),
      row('login sessions/s, 32 at once', 0, logins.runs, (run) => run.result.done / run.result.seconds),
      row('full handshakes/s, 32 at once', 0, handshakes.runs, (run) => run.result.done / run.result.seconds),
      added('connect until logged in, p50, ms', 'until_login_p50_ms'),
      added('connect until logged in, p99, ms', 'until_login_p99_ms'),
      added('NOOP once logged in, p50, ms', 'noop_p50_ms'),
      added('NOOP once logged in, p99, ms', 'noop_p99_ms'),
      memoryRow(results),
    ],
    thrownAway: {
      'imap-login': logins.thrownAway,
      handshake: handshakes.thrownAway,
      latency: latencies.thrownAway,
    },
  };
}

/** The cells of a row, in the order of `subjects`, then the ratio. */
export function cellsOf(row: Row, subjects: readonly SubjectName[]): readonly string[] {
  const figures = subjects.map((name) =>
    formatSpread(row.figures[name], row.digits, row.isAdded && name !== 'direct' ? '+' : ''),
  );
  return [row.what, ...figures, formatSpread(row.ratio, 2)];
}

function quiet(
  { runs }: Results,
  kind: RunKind,
): { readonly runs: readonly Run[]; readonly thrownAway: number } {
  const own = runs.filter((run) => run.kind === kind);
  const gauges = own.map(({ round, subject, result }) => ({
    round,
    subject,
    ownCpuUs: result.own_cpu_us_per_unit,
  }));
  const disturbed = disturbedRounds(gauges);
  return { runs: own.filter((run) => !disturbed.has(run.round)), thrownAway: disturbed.size };
}

type Figure = (run: Run) => number;
type ByRound = ReadonlyMap<number, number>;

function row(what: string, digits: number, runs: readonly Run[], figure: Figure): Row {
  return rowOf({ what, digits, isAdded: false }, (subject) => byRound(runs, subject, figure));
}

function addedRow(what: string, runs: readonly Run[], figure: Figure): Row {
  const base = byRound(runs, 'direct', figure);
  return rowOf({ what, digits: 3, isAdded: true }, (subject) => {
    const own = byRound(runs, subject, figure);
    return subject === 'direct' ? own : joined(own, base, (value, floor) => value - floor);
  });
}

function memoryRow({ memory }: Results): Row {
  return rowOf({ what: 'idle session, KiB', digits: 1, isAdded: false }, (subject) => {
    const figures = memory.filter((one) => one.subject === subject && one.sessions > 0);
    return new Map(figures.map((one, at) => [at, (one.afterKiB - one.beforeKiB) / one.sessions]));
  });
}

function rowOf(
  head: Pick<Row, 'what' | 'digits' | 'isAdded'>,
  figuresOf: (subject: SubjectName) => ByRound,
): Row {
  const [direct, haproxy, postern] = [figuresOf('direct'), figuresOf('haproxy'), figuresOf('postern')];
  const spreads = { direct: spread(direct), haproxy: spread(haproxy), postern: spread(postern) };
  // What noise has made zero or negative is no base for a ratio.
  const rivals = new Map([...haproxy].filter(([, value]) => value > 0));
  const figures: Partial<Record<SubjectName, Spread>> = {};
  for (const name of ['direct', 'haproxy', 'postern'] as const) {
    const figure = spreads[name];
    if (figure !== undefined) figures[name] = figure;
  }
  return { ...head, figures, ratio: spread(joined(postern, rivals, (own, rival) => own / rival)) };
}

/** A run that finished nothing has no figure; that it failed is said elsewhere. */
function byRound(runs: readonly Run[], subject: SubjectName, figure: Figure): ByRound {
  const own = runs.filter((run) => run.subject === subject && run.result.done > 0);
  return new Map(own.map((run) => [run.round, figure(run)]));
}

function joined(left: ByRound, right: ByRound, join: (left: number, right: number) => number): ByRound {
  const both: [number, number][] = [];
  for (const [round, value] of left) {
    const other = right.get(round);
    if (other !== undefined) both.push([round, join(value, other)]);
  }
  return new Map(both);
}

function spread(figures: ByRound): Spread | undefined {
  return spreadOf([...figures.values()]);
}
