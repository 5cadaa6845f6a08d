import { expect, test } from 'vitest';
import { cpuFaults, floodFaults, loadFaults } from '../../../bench/faults.ts';
import { buildReport, cellsOf } from '../../../bench/report.ts';
import type { Results, Run, SubjectFacts } from '../../../bench/results.ts';
import { type Scenario, plainServer } from '../../../bench/scenario.ts';

const names = ['direct', 'postern', 'haproxy'] as const;
const subjects: readonly SubjectFacts[] = [
  { name: 'direct', role: 'floor', version: '', features: [] },
  { name: 'postern', role: 'ours', version: '', features: [] },
  { name: 'haproxy', role: 'rival', version: '', features: [] },
];
const scenario: Scenario = {
  name: 'login',
  doc: '',
  needs: [],
  process: 'shared',
  setup: plainServer,
  rows: [{ figure: 'cpuUs', what: 'login', unit: 'CPU µs', digits: 0, better: 'lower' }],
  secondsOf: () => 1,
  measure: () => Promise.reject(new Error('not measured here')),
};
const late: Scenario = {
  ...scenario,
  name: 'late',
  rows: [{ figure: 'ms', what: 'wait', unit: 'ms', digits: 3, better: 'lower', isAdded: true }],
};

test('a ratio is of the same round, not of the medians', () => {
  // A slow second round doubles both; the ratio stays, as it would not if rounds were mixed.
  const runs = [
    run('haproxy', 1, 400),
    run('postern', 1, 200),
    run('haproxy', 2, 800),
    run('postern', 2, 400),
  ];
  const [row] = buildReport(results(runs), [scenario]).rows;
  expect(row?.id).toBe('login.cpuUs');
  expect(row?.ratios).toEqual({ haproxy: { median: 0.5, min: 0.5, max: 0.5 } });
  expect(row?.differences['haproxy']).toEqual({ median: -300, min: -400, max: -200 });
  expect(row?.rounds['postern']).toEqual({ 1: 200, 2: 400 });
  expect(cellsOf(row!, { subjects }, 'haproxy')).toEqual([
    'login, CPU µs',
    '-',
    '300 [200..400]',
    '600 [400..800]',
    '0.50',
    'stretch 0.50 x haproxy met; goal 0.55 x nginx-mail: not measured',
  ]);
});

test('a gateway shows what it adds, the floor what it takes', () => {
  const runs = [waited('direct', 1.0), waited('haproxy', 1.5), waited('postern', 1.2)];
  const [row] = buildReport(results(runs), [late]).rows;
  expect(cellsOf(row!, { subjects }, 'haproxy').slice(1, 5)).toEqual(['1.000', '+0.200', '+0.500', '0.40']);
});

test('a rival that adds nothing gives no ratio, but a difference', () => {
  const runs = [waited('direct', 1.0), waited('haproxy', 0.75), waited('postern', 1.25)];
  const [row] = buildReport(results(runs), [late]).rows;
  expect(row?.ratios).toEqual({});
  expect(row?.differences['haproxy']?.median).toBe(0.5);
});

test('one that seems to take time away gives no ratio either', () => {
  const runs = [waited('direct', 1.0), waited('haproxy', 1.5), waited('postern', 0.75)];
  const [row] = buildReport(results(runs), [late]).rows;
  expect(row?.ratios).toEqual({});
  expect(row?.differences['haproxy']?.median).toBe(-0.75);
});

test('without the floor nothing can be added to it', () => {
  const runs = [waited('haproxy', 1.5), waited('postern', 1.2)];
  const [row] = buildReport({ ...results(runs), subjects: subjects.slice(1) }, [late]).rows;
  expect(row?.figures).toEqual({});
});

test('a disturbed round goes for all subjects, and is counted', () => {
  const calm = [1, 2, 3].flatMap((round) => names.map((name) => run(name, round, 100 * round)));
  const runs = calm.map((one) =>
    one.round === 3 && one.subject === 'direct' ? { ...one, gaugeUs: 500 } : one,
  );
  const report = buildReport(results(runs), [scenario, late]);
  expect(report.thrownAway).toEqual({ login: 1, late: 0 });
  expect(report.rows[0]?.figures['haproxy']).toEqual({ median: 150, min: 100, max: 200 });
});

test('a run without a gauge or without a figure disturbs nothing', () => {
  const runs = [1, 2].map((round) => ({ ...run('postern', round, 100), gaugeUs: undefined }));
  const [row] = buildReport(results([...runs, { ...run('postern', 3, 0), figures: {} }]), [scenario]).rows;
  expect(row?.rounds['postern']).toEqual({ 1: 100, 2: 100 });
});

test.each<[string, Partial<Parameters<typeof loadFaults>[0]>, string[]]>([
  ['a good run', {}, []],
  ['errors', { errors: 3, first_error: 'timed out' }, ['3 errors, the first: timed out']],
  ['an empty run', { done: 0 }, ['nothing was finished']],
])('the faults of %s', (_, change, faults) => {
  const good = { done: 10, errors: 0, first_error: '', seconds: 1, p50_ms: 1, p99_ms: 2 };
  expect(loadFaults({ ...good, own_cpu_us_per_unit: 5, ...change })).toEqual(faults);
});

const disagree = 'the CPU counters disagree, 100 ms by the scheduler, 4000 ms by ticks';
test.each<[string, Parameters<typeof cpuFaults>[0], string[]]>([
  ['counters that agree', { scheduledUs: 1e6, tickUs: 1.1e6, countsEnded: false }, []],
  ['a lost thread', { scheduledUs: 1e5, tickUs: 4e6, countsEnded: false }, [disagree]],
  ['a group that was not joined', { scheduledUs: 1e5, tickUs: 4e6, countsEnded: true }, [disagree]],
  ['ended processes that only the group has', { scheduledUs: 4e6, tickUs: 1e5, countsEnded: true }, []],
])('the faults of %s', (_, cpu, faults) => {
  expect(cpuFaults(cpu)).toEqual(faults);
});

test.each<[number, string[]]>([
  [0.7, []],
  [0.69, ['no flood: the gateway had 0.69 cores; something else keeps the machine busy']],
])('the faults of a flood at %d cores', (cores, faults) => {
  expect(floodFaults(cores)).toEqual(faults);
});

function results(runs: readonly Run[]): Results {
  const lengths = { seconds: 1, idleSessions: 100, heldSessions: 10 };
  return { options: { rounds: 3, ...lengths, scenarios: ['login'], subjects: [...names] }, subjects, runs };
}

function run(subject: string, round: number, cpuUs: number): Run {
  return { scenario: 'login', subject, round, figures: { cpuUs }, faults: [], gaugeUs: 100, detail: {} };
}

function waited(subject: string, ms: number): Run {
  return { ...run(subject, 1, 0), scenario: 'late', figures: { ms } };
}
