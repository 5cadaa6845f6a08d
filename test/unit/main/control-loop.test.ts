import { expect, test } from 'vitest';
import { startControlLoop } from '#gateway/control-loop';
import type { Goodbye } from '#gateway/drain/drain-plan';
import type { Settings } from '#gateway/settings/settings';
import type { ClaimSet } from '#model/claim';
import type { DatabaseId, ServerId } from '#model/ids';
import { type Kept, nothingKept } from '#model/kept';
import type { RoutingTable } from '#model/routing-table';
import { fakeClock } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';

const [ex1, ex2] = ['ex1', 'ex2'] as [ServerId, ServerId];
const db1 = 'db1' as DatabaseId;

test('the first table is published at once, with what was kept', () => {
  const kept = { ...nothingKept, admins: new Map([[ex2, 'drain' as const]]) };
  const { published } = start(kept);
  expect(published.map(({ revision, servers }) => [revision, servers.map(({ admin }) => admin)])).toEqual([
    [1, ['ready', 'drain']],
  ]);
});

test('a claim that changes something is published, saved and logged at once; the same again is not', () => {
  const { loop, published, saved, log } = start();
  loop.take({ is: 'claims', set: claims(ex1, 1) });
  expect(published.at(-1)).toMatchObject({
    revision: 2,
    databases: [{ state: { at: 'served', owner: { server: 'ex1' } } }],
  });
  expect(loop.table()).toBe(published.at(-1));
  expect(saved.at(-1)?.owners.get(db1)?.server).toBe('ex1');
  expect(log.lines.filter((line) => line.includes('ex1 serves it'))).toHaveLength(1);
  loop.take({ is: 'claims', set: claims(ex1, 2) });
  expect(published).toHaveLength(2);
});

test('a move of an exclusive database ends the sessions left behind', () => {
  const { loop, plans } = start();
  loop.take({ is: 'claims', set: claims(ex1, 1) });
  loop.take({ is: 'claims', set: claims(ex2, 2) });
  expect(plans.flat()).toMatchObject([{ selection: { database: 0, exceptServer: 1 }, reason: 'copy_moved' }]);
});

test('F18: silence makes claims stale by the tick alone, and the owner stays', () => {
  const { loop, clock, published } = start();
  loop.take({ is: 'claims', set: claims(ex1, 1) });
  clock.advance(15_000);
  expect(published).toHaveLength(2);
  clock.advance(2_000);
  expect(published.at(-1)?.databases[0]?.state).toMatchObject({ at: 'remembered', owner: { server: 'ex1' } });
});

test('a table that the engine refuses is tried again at the next tick; till then the old one stays', () => {
  const { loop, clock, published, engine, log, plans } = start();
  const before = loop.table();
  engine.problem = 'malformed';
  loop.take({ is: 'claims', set: claims(ex1, 1) });
  expect(loop.table()).toBe(before);
  expect(plans.flat()).toEqual([]);
  expect(log.lines.join()).toContain('malformed');
  engine.problem = undefined;
  clock.advance(1_000);
  expect(loop.table()).toMatchObject({ revision: 2, databases: [{ state: { at: 'served' } }] });
  expect(published).toHaveLength(2);
});

test('too many names refuse a table, once in the log, until they fit again', () => {
  const { loop, clock, engine, log, published } = start();
  engine.fault = 'too many names';
  loop.take({ is: 'claims', set: claims(ex1, 1) });
  clock.advance(3_000);
  expect(published).toHaveLength(1);
  expect(log.lines.filter((line) => line.includes('too many names'))).toHaveLength(1);
  engine.fault = undefined;
  clock.advance(1_000);
  expect(published.at(-1)).toMatchObject({ revision: 2, databases: [{ state: { at: 'served' } }] });
  engine.fault = 'too many names';
  loop.take({ is: 'claims', set: claims(ex2, 2) });
  expect(log.lines.filter((line) => line.includes('too many names'))).toHaveLength(2);
});

test('a fault of saving, of telling sessions or of a look is a line, and the ticks go on', async () => {
  const { loop, clock, engine, log, published } = start();
  engine.partFault = 'disk gone';
  loop.take({ is: 'claims', set: claims(ex1, 1) });
  clock.advance(17_000);
  expect(published.at(-1)?.databases[0]?.state.at).toBe('remembered');
  await new Promise((resolve) => setImmediate(resolve));
  for (const what of ['saving the state', 'telling sessions goodbye', 'the look of each second'])
    expect(log.lines.join('\n')).toContain(`error: ${what} failed {"why":"disk gone"}`);
});

test('a document that does not count is said to its giver', () => {
  const { loop } = start();
  expect(loop.take({ is: 'claims', set: claims(ex1, 2) })).toBeUndefined();
  expect(loop.take({ is: 'claims', set: claims(ex2, 1) })).toMatchObject({ is: 'overtaken' });
});

test('a database that neither a source nor the directory names leaves the table', () => {
  const inDirectory = new Set<string>(['db2']);
  const owner = { server: ex1, generation: 5 as never, epoch: undefined };
  const kept = { ...nothingKept, owners: new Map([['db2' as DatabaseId, owner]]) };
  const { clock, published, saved } = start(kept, (id) => inDirectory.has(id));
  clock.advance(1_000);
  expect(published.at(-1)?.databases.map(({ id }) => id)).toEqual(['db2', 'db1']);
  inDirectory.clear();
  clock.advance(1_000);
  expect(published.at(-1)?.databases.map(({ id }) => id)).toEqual(['db1']);
  expect(saved.at(-1)?.owners.size).toBe(0);
});

test('stopped, it ticks no more', () => {
  const { loop, clock } = start();
  loop.stop();
  expect(clock.timers()).toBe(0);
});

function start(kept: Kept = nothingKept, isInDirectory: (id: DatabaseId) => boolean = () => false) {
  const clock = fakeClock();
  const log = recordingLog();
  const published: RoutingTable[] = [];
  const plans: (readonly Goodbye[])[] = [];
  const saved: Kept[] = [];
  const engine: Engine = { problem: undefined, fault: undefined, partFault: undefined };
  const orFault = (words: string | undefined): void => {
    if (words !== undefined) throw new Error(words);
  };
  const loop = startControlLoop({
    settings,
    kept,
    serverIndexOf: (id) => [ex1, ex2].indexOf(id),
    databaseIndexOf: () => {
      orFault(engine.fault);
      return 0;
    },
    isInDirectory,
    publish: (table) => {
      if (engine.problem === undefined) published.push(table);
      return { problem: engine.problem };
    },
    carryOut: async (plan) => {
      plans.push(plan);
      orFault(engine.partFault);
    },
    save: (what) => {
      saved.push(what);
      orFault(engine.partFault);
    },
    onTick: () => orFault(engine.partFault),
    clock,
    log,
  });
  const claimsAt = (set: ClaimSet): ClaimSet => ({
    ...set,
    claims: set.claims.map((claim) => ({ ...claim, receivedAt: clock.now() })),
  });
  const take: typeof loop.take = (input) =>
    loop.take(input.is === 'claims' ? { is: 'claims', set: claimsAt(input.set) } : input);
  return { loop: { ...loop, take }, clock, log, published, plans, saved, engine };
}

/** What goes wrong, while it does. */
interface Engine {
  problem: string | undefined;
  fault: string | undefined;
  partFault: string | undefined;
}

function claims(server: ServerId, seq: number): ClaimSet {
  const source = 'agent:dag';
  const copies = [{ server, status: 'Mounted', activationPreference: 1 }] as const;
  const claim = { source, database: db1, activeServer: server, copies, epoch: undefined, growsStale: true };
  return { source, seq, claims: [{ ...claim, receivedAt: 0 as never }] };
}

const settings = {
  servers: [ex1, ex2].map((id) => ({
    id,
    address: '127.0.0.1',
    fqdn: id,
    weight: 100,
    protocols: { imap: { port: 143, tls: 'off', identity: 'none' } },
  })),
  databases: [{ id: db1, copies: [ex1, ex2], policy: 'exclusive' }],
  movePolicy: 'exclusive',
  unknownMailbox: { then: 'refuse' },
  claimStaleAfterMs: 15_000,
  serverDownSessions: 'end',
  monitor: { riseCount: 2, fallCount: 3 },
} as unknown as Settings;
