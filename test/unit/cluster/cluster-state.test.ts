import { describe, expect, test } from 'vitest';
import { keptOf, startCluster, updateCluster } from '#gateway/cluster/cluster-state';
import type { ClusterInput, ClusterState } from '#gateway/cluster/cluster-state';
import { databaseFacts, sourceFacts } from '#gateway/cluster/facts';
import { edgesBetween } from '#gateway/cluster/edges';
import { refusalOf } from '#gateway/cluster/known-databases';
import type { Claim, ClaimSet, CopyStatus, Verdict } from '#model/claim';
import type { DatabaseId, Generation, Moment, ServerId } from '#model/ids';
import { nothingKept } from '#model/kept';

const [ex1, ex2, db1, db2] = ['ex1', 'ex2', 'db1', 'db2'] as [ServerId, ServerId, DatabaseId, DatabaseId];
const rules = {
  servers: [ex1, ex2],
  databases: [{ id: db1, copies: [ex1, ex2] }],
  staleAfterMs: 15_000,
  riseCount: 2,
  fallCount: 3,
};
const started = startCluster(rules, nothingKept);
const good: Verdict = { is: 'good', capabilities: ['IMAP4REV1'], tookMs: 2 };
const bad: Verdict = { is: 'bad', why: 'no greeting within 5s' };
const storeFails = { is: 'databaseBad', why: 'EXAMINE INBOX: NO' } as const;

describe('the same object', () => {
  const served = after(started, claims(1, 0, { db1: { ex1: 'Mounted' } }));

  test.each<[string, ClusterInput]>([
    ['a tick that makes nothing stale', { is: 'tick' }],
    ['an admin state that is set already', { is: 'admin', server: ex1, admin: 'ready' }],
    ['an admin state of an unknown server', { is: 'admin', server: 'ex9' as ServerId, admin: 'drain' }],
    ['a document whose seq was seen', claims(1, 1000, { db1: { ex2: 'Mounted' } })],
    ['an observation of an unknown server', observed('ex9' as ServerId, good)],
  ])('comes back after %s', (_, input) => {
    expect(updateCluster(served, input, at(1000))).toBe(served);
  });

  test('comes back as the view when a source repeats itself, while its age is news', () => {
    const again = after(served, claims(2, 3000, { db1: { ex1: 'Mounted' } }), 3000);
    expect(again).not.toBe(served);
    expect(again.view).toBe(served.view);
    expect(databaseFacts(again, db1, 4000 as Moment)?.claims).toMatchObject([
      { source: 'agent:ex1', ageMs: 1000, counts: true },
    ]);
  });

  test('comes back as the view when a server stays up', () => {
    const up = after(after(started, observed(ex1, good)), observed(ex1, good));
    expect(after(up, observed(ex1, good))).toBe(up);
    expect(after(up, observed(ex1, bad)).view).toBe(up.view);
  });
});

test('databases that only a source names are served, with copies by preference', () => {
  const state = after(started, claims(1, 0, { db2: { ex2: 'Mounted', ex1: 'Healthy' } }));
  expect(state.view.databases.get(db2)).toMatchObject({
    state: { at: 'served', owner: { server: ex2 } },
    copies: [ex2, ex1],
  });
});

test('what a document no longer names is no longer claimed', () => {
  const state = after(after(started, claims(1, 0, { db1: { ex1: 'Mounted' } })), claims(2, 0, {}));
  expect(state.view.databases.get(db1)?.state.at).toBe('remembered');
});

test('owners, generations, epochs and admin states outlast a restart', () => {
  const moved = after(after(started, claims(1, 0, { db1: { ex1: 'Mounted' } }, 41)), {
    is: 'admin',
    server: ex2,
    admin: 'drain',
  });
  const again = startCluster(rules, keptOf(moved));
  expect(again.view.databases.get(db1)?.state).toEqual({
    at: 'remembered',
    owner: { server: ex1, generation: 41 },
  });
  expect(again.view.servers.get(ex2)?.admin).toBe('drain');
  const older = after(again, claims(1, 0, { db1: { ex2: 'Mounted' } }, 40));
  expect(older.view.databases.get(db1)?.state).toEqual({
    at: 'remembered',
    owner: { server: ex1, generation: 41 },
  });
  expect(keptOf(again)).toEqual(keptOf(moved));
});

test('a database that nobody names any more is forgotten, and its generation does not go back', () => {
  const inDirectory = new Set([db1]);
  const tick: ClusterInput = { is: 'tick', isInDirectory: (id) => inDirectory.has(id) };
  const named = after(started, claims(1, 0, { db1: { ex1: 'Mounted' }, db2: { ex1: 'Mounted' } }, 7));
  const moved = after(named, claims(2, 0, { db2: { ex2: 'Mounted' } }, 7));
  expect(moved.view.databases.get(db2)?.state).toMatchObject({ owner: { server: ex2, generation: 8 } });
  expect(after(moved, tick, 90_000).view.databases.has(db2)).toBe(true);

  const unnamed = after(after(moved, claims(3, 0, {})), observed(ex2, { ...storeFails, database: db2 }));
  expect(after(unnamed, { is: 'tick' }).view.databases.has(db2)).toBe(true);
  inDirectory.add(db2);
  expect(after(unnamed, tick).view.databases.has(db2)).toBe(true);
  inDirectory.delete(db2);
  const without = after(unnamed, tick);
  expect([...without.view.databases.keys()]).toEqual([db1]);
  expect([...keptOf(without).owners.keys()]).toEqual([db1]);
  expect([...without.epochs.keys(), ...without.stores.keys()]).toEqual([db1]);
  expect(edgesBetween(unnamed, without).at(-1)?.text).toContain('db2: nobody names it any more');
  expect(after(without, tick)).toBe(without);

  const back = after(without, claims(4, 0, { db2: { ex1: 'Mounted' } }, 7));
  expect(back.view.databases.get(db2)?.state).toMatchObject({ owner: { server: ex1, generation: 9 } });
});

test('what was kept and nobody names is forgotten at the first tick, settings aside', () => {
  const owner = { server: ex1, generation: 41 as Generation, epoch: 41 };
  const kept = {
    owners: new Map([
      [db1, owner],
      [db2, owner],
    ]),
    admins: new Map(),
  };
  const ticked = after(startCluster(rules, kept), { is: 'tick', isInDirectory: () => false });
  expect([...ticked.view.databases.keys()]).toEqual([db1]);
});

test('documents may name 4,096 databases in all, and 16,384 in the life of a process', () => {
  const tick: ClusterInput = { is: 'tick', isInDirectory: () => false };
  const numbered = (first: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${first + at}`, {}]));
  // db1 of the settings is one of them.
  const most = claims(1, 0, numbered(0, 4095));
  const over = claims(1, 0, numbered(0, 4096));
  expect(refusalOf(started, over.set, at(0).now)?.words).toContain('more than 4096 databases');
  expect(after(started, over)).toBe(started);
  expect(refusalOf(started, most.set, at(0).now)).toBeUndefined();

  let state = after(started, most);
  expect(state.view.databases.size).toBe(4096);
  expect(refusalOf(state, claims(2, 0, numbered(0, 4095)).set, at(0).now)).toBeUndefined();
  expect(refusalOf(state, claims(2, 0, { other: {} }).set, at(0).now)?.is).toBe('tooMany');
  for (let round = 1; round <= 3; round++) {
    state = after(after(state, claims(round * 2, 0, {})), tick);
    state = after(state, claims(round * 2 + 1, 0, numbered(round * 5000, 4095)));
  }
  state = after(after(state, claims(8, 0, {})), tick);
  expect(state.names.size).toBe(16_380);
  expect(refusalOf(state, claims(9, 0, numbered(90_000, 4)).set, at(0).now)).toBeUndefined();
  expect(refusalOf(state, claims(9, 0, numbered(90_000, 5)).set, at(0).now)?.words).toContain('16384 names');
});

test('a document that was overtaken says so', () => {
  const state = after(started, claims(7, 0, { db1: { ex1: 'Mounted' } }));
  expect(refusalOf(state, claims(7, 0, {}).set, at(1000).now)).toEqual({
    is: 'overtaken',
    words: 'its "seq" 7 is not above 7, that of the last one that counts',
  });
  expect(refusalOf(state, claims(8, 0, {}).set, at(1000).now)).toBeUndefined();
});

test('a file that names no database does not grow stale', () => {
  const empty: ClusterInput = {
    is: 'claims',
    set: { source: 'file', seq: undefined, claims: [], growsStale: false },
  };
  expect(sourceFacts(after(started, empty), 86_400_000 as Moment)).toMatchObject([
    { source: 'file', isFresh: true },
  ]);
  expect(sourceFacts(after(started, claims(1, 0, {})), 86_400_000 as Moment)).toMatchObject([
    { isFresh: false },
  ]);
});

test('a server that stays unknown has its falls counted, and one good answer brings it up', () => {
  const once = after(started, observed(ex1, bad), 0);
  expect(once.view).toBe(started.view);
  expect(health(after(once, observed(ex1, good)))).toBe('up');
  expect(health(after(after(once, observed(ex1, bad)), observed(ex1, bad)))).toBe('down');
});

test('edges say what happened, once', () => {
  const up = after(started, observed(ex1, good));
  const down = [1, 2, 3].reduce((state) => after(state, observed(ex1, bad)), up);
  expect(edgesBetween(started, up).map(({ text }) => text)).toEqual(['server ex1 imap up']);
  expect(edgesBetween(up, down).map(({ text }) => text)).toEqual([
    'server ex1 imap down after 3 failures: no greeting within 5s',
  ]);
  expect(edgesBetween(down, after(down, observed(ex1, bad)))).toEqual([]);
  const served = after(down, claims(1, 0, { db1: { ex1: 'Mounted', ex2: 'Mounted' } }));
  expect(edgesBetween(down, served)).toMatchObject([
    { level: 'error', text: 'database db1: claimed by ex1 and ex2 at once; nobody served it before' },
  ]);
});

test('the age of a source grows while it is silent', () => {
  const state = after(started, claims(7, 0, { db1: { ex1: 'Mounted' } }));
  expect(sourceFacts(state, 15_000 as Moment)).toEqual([
    { source: 'agent:ex1', ageMs: 15_000, seq: 7, isFresh: true, databases: 1 },
  ]);
  expect(sourceFacts(state, 15_001 as Moment)[0]?.isFresh).toBe(false);
  expect(databaseFacts(state, db1, 86_400_000 as Moment)?.claims[0]).toMatchObject({
    ageMs: 86_400_000,
    counts: false,
  });
  expect(databaseFacts(state, 'db9' as DatabaseId, 0 as Moment)).toBeUndefined();
});

function health(state: ClusterState): string | undefined {
  return state.view.servers.get(ex1)?.protocols.imap?.health.is;
}

function after(state: ClusterState, input: ClusterInput, now = 0): ClusterState {
  return updateCluster(state, input, at(now));
}

function at(now: number) {
  return { now: now as Moment, wallMs: 1000 + now };
}

function observed(server: ServerId, verdict: Verdict): ClusterInput {
  return { is: 'observation', observation: { server, protocol: 'imap', at: 0 as Moment, verdict } };
}

function claims(
  seq: number,
  now: number,
  databases: Record<string, Record<string, CopyStatus>>,
  epoch?: number,
): Extract<ClusterInput, { is: 'claims' }> {
  const set: ClaimSet = {
    source: 'agent:ex1',
    seq,
    claims: Object.entries(databases).map(([database, copies]): Claim => ({
      source: 'agent:ex1',
      database: database as DatabaseId,
      activeServer: undefined,
      copies: Object.entries(copies).map(([server, status], index) => ({
        server: server as ServerId,
        status,
        activationPreference: index + 1,
      })),
      epoch,
      receivedAt: now as Moment,
      growsStale: true,
    })),
  };
  return { is: 'claims', set };
}

test('a kept owner whose generation is known never shrinks when the clock of the machine is behind', () => {
  const kept = {
    owners: new Map([[db1, { server: ex1, generation: 9_000 as Generation, epoch: undefined }]]),
    admins: new Map(),
  };
  const moved = after(startCluster(rules, kept), claims(1, 0, { db1: { ex2: 'Mounted' } }));
  expect(moved.view.databases.get(db1)?.state).toMatchObject({ owner: { server: ex2, generation: 9_001 } });
});
