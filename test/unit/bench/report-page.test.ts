import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildReport } from '../../../bench/report.ts';
import type { Goal } from '../../../bench/goals.ts';
import { boundText } from '../../../bench/report/goals-part.ts';
import { formatPage } from '../../../bench/report/html-page.ts';
import { type ResultsFile, parseResultsFile } from '../../../bench/report/results-file.ts';
import { writePageOf } from '../../../bench/report/write-page.ts';
import type { Results, Run, SubjectFacts } from '../../../bench/results.ts';
import { type Scenario, plainServer } from '../../../bench/scenario.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const subjects: readonly SubjectFacts[] = [
  { name: 'direct', role: 'floor', version: 'stub', features: [] },
  { name: 'haproxy', role: 'rival', version: '2.6', features: ['splice'] },
  { name: 'nginx-mail', role: 'rival', version: '1.22', features: ['parsesLogin'] },
  { name: 'postern', role: 'ours', version: '0.1', features: ['parsesLogin'] },
];

test('every row has a figure of every subject that was measured', () => {
  const page = formatPage(file());
  for (const { what } of scenarios.flatMap(({ rows }) => rows))
    expect(page).toContain(`<strong>${what}</strong>`);
  const table = between(page, 'class="numbers"', '</section>');
  for (const figure of ['150', '400', '500', '250', '+0.500', '+42.000', '+0.400', '1.000'])
    expect(table).toContain(`>${figure}<`);
});

test('what was not measured is a dash in the table and no bar in the plot', () => {
  const page = formatPage(file((run) => run.subject !== 'haproxy'));
  expect(between(page, 'class="numbers"', '</section>')).toContain('<td class="number">–</td>');
  expect(page).not.toContain('>haproxy</text>');
});

test('the bars stand from the best to the worst, the floor last', () => {
  const plot = between(formatPage(file()), 'aria-label="IMAP login session"', '</svg>');
  expect(textsOf(plot, 'name')).toEqual(['postern', 'haproxy', 'nginx-mail', 'direct']);
  expect(textsOf(plot, 'ratio')).toEqual(['', '0.63 ×', '0.50 ×', '']);
  const rates = between(formatPage(file()), 'aria-label="login sessions"', '</svg>');
  expect(textsOf(rates, 'name')).toEqual(['postern', 'haproxy', 'nginx-mail', 'direct']);
});

test('a whisker goes from the lowest round to the highest, and every round is a dot between', () => {
  const page = formatPage(file());
  const bars = [...page.matchAll(/<g class="(?:ours|reads|blind|floor)">.*?<\/g>/gs)].map(([bar]) => bar);
  const dotted = bars.filter((bar) => bar.includes('<circle'));
  expect(dotted.length).toBeGreaterThan(8);
  for (const bar of dotted) {
    const [from = NaN, to = NaN] = numbersOf(bar, /class="spread" x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"/);
    const dots = [...bar.matchAll(/cx="([\d.]+)"/g)].map(([, x]) => Number(x));
    expect(from).toBeLessThan(to);
    expect(Math.min(...dots)).toBe(from);
    expect(Math.max(...dots)).toBe(to);
  }
});

test('a stall is cut off with a mark, and its figure stands beside it', () => {
  const plot = between(formatPage(file()), 'aria-label="connect until logged in, p50"', '</svg>');
  expect(plot.match(/class="cut"/g)).toHaveLength(2);
  expect(plot).toContain('+42.000');
});

test('percentiles are drawn where times were taken', () => {
  const page = formatPage(file());
  expect(between(page, 'aria-label="until login"', '</svg>')).toContain('p50 / p99 / p99.9');
  expect(page).not.toContain('aria-label="a whole unit"');
});

test('foreign text is shown, not obeyed', () => {
  const page = formatPage({ ...file(), faults: [`<script>alert("1")</script> & 'more'`] });
  expect(page).not.toContain('<script');
  expect(page).toContain('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;more&#39;');
});

test('the faults stand before every figure, and their heading says what they mean', () => {
  const page = formatPage({ ...file(), faults: ['postern, login, round 1: 3 errors'] });
  expect(page).toContain('One fault: these figures are not to be believed');
  expect(page.indexOf('3 errors')).toBeLessThan(page.indexOf('<svg'));
  expect(formatPage(file())).not.toContain('not to be believed');
});

test('a quick comparison says that it is one', () => {
  expect(formatPage(file())).toContain('fewer than 5 rounds');
  const { options } = file();
  expect(formatPage({ ...file(), options: { ...options, rounds: 5 } })).not.toContain('fewer than');
});

test('goals are counted, each with its verdict', () => {
  const goals = between(formatPage(file()), 'class="goals"', '</section>');
  expect(goals).toContain('2 of 3 met, 1 of them to the stretch.');
  expect(goals).toContain('at most 0.60 × haproxy');
  expect(goals).toContain('at most haproxy + 0.2 ms');
  expect(goals.match(/class="chip (?:stretch|met|missed)"/g)).toHaveLength(3);
});

test.each<[string, Goal, { readonly digits: number; readonly unit: string }, string]>([
  ['a ratio', ratio('login.cpuUs', 0.6), { digits: 0, unit: 'CPU µs' }, 'at most 0.60 × haproxy'],
  ['a figure', figure('idle.kib', 7), { digits: 1, unit: 'KiB' }, 'at most 7 KiB'],
  ['a count', figure('flood.dropped', 0), { digits: 0, unit: 'count' }, 'at most 0'],
])('%s is bounded in words', (_, goal, row, words) => {
  expect(boundText(goal, goal.first, row)).toBe(words);
});

test('a figure that is no number counts as not measured', () => {
  const torn = JSON.parse(JSON.stringify(file())) as ResultsFile;
  for (const row of torn.rows) Object.assign(row.figures['nginx-mail'] ?? {}, { median: null });
  const page = formatPage(torn);
  expect(page).not.toMatch(/NaN|Infinity|undefined|null/);
  const plot = between(page, 'aria-label="IMAP login session"', '</svg>');
  expect(textsOf(plot, 'name')).toEqual(['postern', 'haproxy', 'direct']);
});

test('the page is well formed and asks nothing of the network', () => {
  const page = formatPage(file());
  expect(openTags(page)).toEqual([]);
  expect(page).not.toMatch(/\b(?:src|href|url)\s*[=(]|@import|<script|<link/i);
  expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
});

test('a results file is read back, and what is none is refused in words', () => {
  expect(formatPage(parseResultsFile(JSON.stringify(file())) as ResultsFile)).toBe(formatPage(file()));
  expect(parseResultsFile('{')).toBe('it is not JSON');
  expect(parseResultsFile('null')).toBe('it is not a result of this bench');
  expect(parseResultsFile('{"bench":"imap"}')).toBe('it is not a result of this bench');
  const { rows: _, ...rest } = file();
  expect(parseResultsFile(JSON.stringify(rest))).toBe('it has no rows');
});

test('the page of an earlier result lies beside it', async () => {
  const folder = await makeTempFolder('report');
  const [good, bad] = [join(folder, 'old.json'), join(folder, 'bad.json')];
  writeFileSync(good, JSON.stringify(file()));
  writeFileSync(bad, '{}');
  expect(writePageOf(good)).toEqual({ path: join(folder, 'old.html') });
  expect(readFileSync(join(folder, 'old.html'), 'utf8')).toBe(formatPage(file()));
  expect(writePageOf(bad)).toEqual({ problem: `${bad}: it is not a result of this bench` });
  expect(writePageOf(join(folder, 'none.json')).problem).toContain('no such file');
});

function ratio(row: string, first: number): Goal {
  return { row, first, of: 'ratio', rival: 'haproxy' };
}

function figure(row: string, first: number): Goal {
  return { row, first, of: 'figure' };
}

const scenarios: readonly Scenario[] = [
  scenario('login', [
    { figure: 'cpuUs', what: 'IMAP login session', unit: 'CPU µs', digits: 0, better: 'lower' },
    { figure: 'perSecond', what: 'login sessions', unit: '/s', digits: 0, better: 'higher' },
  ]),
  scenario('latency', [
    {
      figure: 'untilLoginP50Ms',
      what: 'connect until logged in, p50',
      unit: 'ms',
      digits: 3,
      better: 'lower',
      isAdded: true,
    },
  ]),
];

function scenario(name: string, rows: Scenario['rows']): Scenario {
  const measure = () => Promise.reject(new Error('nothing is measured here'));
  const rest = { needs: [], process: 'shared', setup: plainServer, secondsOf: () => 1, measure } as const;
  return { name, doc: `What ${name} does.`, rows, ...rest };
}

/** Three rounds in which everything costs 90, 100 and 110 %. */
function file(keeps: (run: Run) => boolean = () => true): ResultsFile {
  const runs = [0.9, 1, 1.1].flatMap((factor, at) =>
    subjects.flatMap(({ name }) => runsOf(name, at + 1, factor)),
  );
  const results: Results = {
    options: {
      rounds: 3,
      seconds: 2,
      idleSessions: 400,
      heldSessions: 200,
      scenarios: [],
      subjects: [],
    },
    subjects,
    runs: runs.filter(keeps),
  };
  return {
    bench: 'postern',
    at: '2026-01-02T03:04:05.000Z',
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 8, kernel: '6.1' },
    tls: { '1.3': 'X25519' },
    scenarios: scenarios.map(({ name, doc }) => ({ name, doc })),
    faults: [],
    ...buildReport(results, scenarios),
    ...results,
  };
}

function runsOf(subject: string, round: number, factor: number): readonly Run[] {
  const cpuUs = { direct: 150, haproxy: 400, 'nginx-mail': 500, postern: 250 }[subject] ?? 0;
  const added = { haproxy: 0.5, 'nginx-mail': 42, postern: 0.4 }[subject] ?? 0;
  const ms = factor + added * factor;
  const rest = { round, subject, faults: [], gaugeUs: undefined };
  return [
    {
      ...rest,
      scenario: 'login',
      figures: { cpuUs: cpuUs * factor, perSecond: 1e6 / cpuUs / factor },
      detail: { p50_ms: 10, p99_ms: 20 },
    },
    {
      ...rest,
      scenario: 'latency',
      figures: { untilLoginP50Ms: ms },
      detail: { until_login_p50_ms: ms, until_login_p99_ms: 2 * ms, until_login_p999_ms: 3 * ms, open: 3 },
    },
  ];
}

function between(page: string, from: string, to: string): string {
  const start = page.indexOf(from);
  expect(start, from).toBeGreaterThan(0);
  return page.slice(start, page.indexOf(to, start));
}

function textsOf(plot: string, kind: string): readonly (string | undefined)[] {
  return [...plot.matchAll(new RegExp(`class="${kind}"[^>]*>([^<]*)<`, 'g'))].map(([, text]) => text);
}

function numbersOf(text: string, pattern: RegExp): readonly number[] {
  return (pattern.exec(text) ?? []).slice(1).map(Number);
}

/** The tags that are open at the end, or the first one that closes another. */
function openTags(page: string): readonly string[] {
  const open: string[] = [];
  for (const [, slash, name = '', empty] of page.matchAll(/<(\/?)([a-z]\w*)[^>]*?(\/?)>/g)) {
    if (empty === '/' || name === 'meta') continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) return [`</${name}>`];
  }
  return open;
}
