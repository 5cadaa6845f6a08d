import { expect, test } from 'vitest';
import { faultsOf } from '../../../bench/faults.ts';
import { buildReport, cellsOf } from '../../../bench/imap-report.ts';
import type { IdleMemory, Run, RunKind } from '../../../bench/measurement.ts';
import type { SubjectName } from '../../../bench/options.ts';

const names = ['direct', 'haproxy', 'postern'] as const;
const options = { rounds: 2, seconds: 1, idleSessions: 100, subjects: names };

test('a ratio is of the same round, not of the medians', () => {
  // A slow second round doubles both; the ratio stays, as it would not if rounds were mixed.
  const runs = [
    run('haproxy', 1, 400),
    run('postern', 1, 200),
    run('haproxy', 2, 800),
    run('postern', 2, 400),
  ];
  const report = buildReport({ options, runs, memory: [] });
  expect(report.rows[0]?.ratio).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
  expect(cellsOf(report.rows[0]!, names)).toEqual([
    'IMAP login session, CPU µs',
    '-',
    '600 [400..800]',
    '300 [200..400]',
    '0.50',
  ]);
});

test('a gateway shows what it adds, direct what it takes', () => {
  const runs = [late('direct', 1.0), late('haproxy', 1.5), late('postern', 1.2)];
  const row = buildReport({ options, runs, memory: [] }).rows.find(({ what }) =>
    what.includes('until logged in, p50'),
  );
  expect(cellsOf(row!, names).slice(1)).toEqual(['1.000', '+0.500', '+0.200', '0.40']);
});

test('a rival that adds nothing gives no ratio', () => {
  const runs = [late('direct', 1.0), late('haproxy', 0.9), late('postern', 1.2)];
  const row = buildReport({ options, runs, memory: [] }).rows.find(({ what }) =>
    what.includes('until logged in, p50'),
  );
  expect(row?.ratio).toBeUndefined();
});

test('a disturbed round goes for all subjects, and is counted', () => {
  const calm = [1, 2, 3].flatMap((round) => names.map((name) => run(name, round, 100 * round)));
  const runs = calm.map((one) =>
    one.round === 3 && one.subject === 'direct'
      ? { ...one, result: { ...one.result, own_cpu_us_per_unit: 500 } }
      : one,
  );
  const report = buildReport({ options, runs, memory: [] });
  expect(report.thrownAway).toEqual({ 'imap-login': 1, handshake: 0, latency: 0 });
  expect(report.rows[0]?.figures.haproxy).toEqual({ median: 150, min: 100, max: 200 });
});

test('idle memory is the growth over the sessions held', () => {
  const memory = [idle('haproxy', { afterKiB: 2700 }), idle('postern', { afterKiB: 1500 })];
  const row = buildReport({ options, runs: [], memory }).rows.at(-1);
  expect(cellsOf(row!, names)).toEqual(['idle session, KiB', '-', '17.0', '5.0', '0.29']);
});

test('good results have no faults, and each fault is a sentence', () => {
  expect(faultsOf({ options, runs: [run('direct', 1, 100)], memory: [idle('direct', {})] })).toEqual([]);
  const broken = run('postern', 2, 100);
  const runs: Run[] = [
    { ...broken, result: { ...broken.result, errors: 3, first_error: 'timed out' } },
    { ...broken, round: 3, tickUs: 4_000_000 },
    { ...broken, round: 4, result: { ...broken.result, done: 0 } },
  ];
  const memory = [idle('postern', { sessions: 98, failed: 2, openAtEnd: 97 })];
  expect(faultsOf({ options, runs, memory })).toEqual([
    'postern, imap-login, round 2: 3 errors, the first: timed out',
    'postern, imap-login, round 3: the CPU counters disagree, 100 ms by the scheduler, 4000 ms by ticks',
    'postern, imap-login, round 4: nothing was finished',
    'postern, idle sessions: 2 could not be held',
    'postern, idle sessions: 1 of 98 were lost',
  ]);
});

/** A run of 1,000 units. */
function run(subject: SubjectName, round: number, cpuUsPerUnit: number, kind: RunKind = 'imap-login'): Run {
  const cpuUs = cpuUsPerUnit * 1000;
  const result = {
    done: 1000,
    errors: 0,
    first_error: '',
    seconds: 1,
    p50_ms: 1,
    p99_ms: 2,
    own_cpu_us_per_unit: 100,
  };
  return { kind, round, subject, cpuUs, tickUs: cpuUs, result };
}

function late(subject: SubjectName, untilLogin: number): Run {
  const plain = run(subject, 1, 100, 'latency');
  return { ...plain, result: { ...plain.result, until_login_p50_ms: untilLogin } };
}

function idle(subject: SubjectName, change: Partial<IdleMemory>): IdleMemory {
  return { subject, sessions: 100, failed: 0, openAtEnd: 100, beforeKiB: 1000, afterKiB: 1500, ...change };
}
