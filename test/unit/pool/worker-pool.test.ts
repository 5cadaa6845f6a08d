import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startPool } from '#gateway/pool/worker-pool';
import type { WorkerPool } from '#gateway/pool/worker-pool';
import { systemThreads } from '#gateway/pool/worker-thread';
import { systemClock } from '#lib/clock';
import type { WorkerConfig } from '#model/messages';
import type { Revision } from '#model/ids';
import type { RoutingTable } from '#model/routing-table';
import { eventually, timed, within } from '../../support/eventually.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { failures } from './fixtures/scripted-worker.ts';

const config: WorkerConfig = {
  frontends: [],
  loginAttemptsMax: 3,
  holdForMs: 1_000,
  loginTimeoutMs: 1_000,
  greetingTimeoutMs: 1_000,
  hostname: 'mail.test',
};
const pools: WorkerPool[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
});

test('each worker is up, has its own place and the current table, and hears of the next one', async () => {
  const { pool, log } = open({ workers: 2 });
  expect(await pool.started).toBeUndefined();
  pool.publish(table(2));
  await eventually('both have table 2', () => hasLines(log, 'worker 0 has table 2', 'worker 1 has table 2'));
  expect(hasLines(log, 'worker 0 starts with table 1', 'worker 1 starts with table 1')).toBe(true);
  expect(pool.states()).toEqual([
    { state: 'up', restarts: 0 },
    { state: 'up', restarts: 0 },
  ]);
});

test.each<[string, number, RegExp]>([
  ['throws in a listener', failures.throws, /thrown on purpose/],
  ['rejects', failures.rejects, /rejected on purpose/],
  ['leaves the process', failures.exits, /exited with code: 7/],
  ['returns unasked', failures.returns, /returned without being told to/],
  ['runs out of memory', failures.leaks, /memory limit|no answer to pings/],
])(
  'a worker that %s is replaced, with the current table',
  async (_, failure, words) => {
    const { pool, log } = open({ workers: 1 });
    expect(await pool.started).toBeUndefined();
    pool.publish(table(failure));
    pool.publish(table(3));
    await eventually('up again', () => pool.states()[0]?.restarts === 1 && pool.states()[0]?.state === 'up');
    expect(log.lines.some((line) => line.startsWith('error: worker ended') && words.test(line))).toBe(true);
    expect(hasLines(log, 'worker 0 starts with table 3')).toBe(true);
  },
  30_000,
);

test.each<[string, number]>([
  ['loops for ever', failures.loops],
  ['no longer answers', failures.deaf],
])(
  'F25: a worker that %s is suspended, ended within 5 s and replaced; the other goes on',
  async (_, failure) => {
    const { pool, suspended } = open({ workers: 2 });
    expect(await pool.started).toBeUndefined();
    pool.publish(table(failure));
    const { tookMs } = await timed(() => eventually('suspended', () => suspended.includes(0)));
    expect(tookMs).toBeLessThan(5_000);
    pool.publish(table(4));
    await eventually('up again', () =>
      pool.states().every(({ state, restarts }) => state === 'up' && restarts > 0),
    );
  },
  30_000,
);

test('a worker that takes no events from the engine is suspended and replaced', async () => {
  const { pool, suspended, oldest } = open({ workers: 1 });
  expect(await pool.started).toBeUndefined();
  oldest.ms = 2_001;
  await eventually('suspended', () => suspended.includes(0));
  oldest.ms = 0;
  await eventually('up again', () => pool.states()[0]?.state === 'up' && pool.states()[0]?.restarts === 1);
}, 30_000);

test('a worker whose import fails is tried again until the cause is gone', async () => {
  const marker = join(await makeTempFolder('pool'), 'marker');
  process.env['POSTERN_TEST_MARKER'] = marker;
  const { pool } = open({ workers: 1, entry: 'broken-import.mjs' });
  expect(await pool.started).toContain('fails on purpose');
  await eventually('some tries', () => (pool.states()[0]?.restarts ?? 0) >= 2);
  writeFileSync(marker, '');
  await eventually('up', () => pool.states()[0]?.state === 'up', { withinMs: 20_000 });
}, 40_000);

test('a worker that is silent from the start is ended after 5 s', async () => {
  const { pool } = open({ workers: 1, entry: 'silent-worker.ts' });
  expect(await within(12_000, 'the first life', pool.started)).toBe('not up within 5s');
}, 30_000);

test('stopping ends even a worker that does not listen', async () => {
  const { pool } = open({ workers: 1 });
  expect(await pool.started).toBeUndefined();
  pool.publish(table(failures.loops));
  await within(5_000, 'the stop', pool.stop());
  expect(pool.states()).toEqual([{ state: 'stopped', restarts: 0 }]);
}, 30_000);

function open({ workers, entry = 'scripted-worker.ts' }: { workers: number; entry?: string }) {
  const log = recordingLog();
  const suspended: number[] = [];
  const oldest = { ms: 0 };
  const engine = {
    suspendWorker: (index: number) => void suspended.push(index),
    oldestEventMs: () => oldest.ms,
  };
  const pool = startPool({
    workers,
    threads: systemThreads(new URL(`./fixtures/${entry}`, import.meta.url)),
    config,
    table: table(1),
    engine,
    clock: systemClock(),
    log,
  });
  pools.push(pool);
  return { pool, log, suspended, oldest };
}

function table(revision: number): RoutingTable {
  return {
    revision: revision as Revision,
    servers: [],
    databases: [],
    unnamedDatabasePolicy: 'exclusive',
    unknownMailbox: { then: 'refuse' },
  };
}

function hasLines(log: { lines: string[] }, ...texts: string[]): boolean {
  return texts.every((text) => log.lines.some((line) => line.includes(text)));
}
