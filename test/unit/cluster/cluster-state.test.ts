import { describe, expect, test } from 'vitest';
import { keptOf, startCluster, updateCluster } from '#gateway/cluster/cluster-state';
import type { ClusterInput, ClusterState } from '#gateway/cluster/cluster-state';
import { databaseFacts, sourceFacts } from '#gateway/cluster/facts';
import { edgesBetween } from '#gateway/cluster/edges';
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

test('new rules keep owners and admin states, and forget what was seen of servers that are gone', () => {
  const before = after(
    after(after(started, claims(1, 0, { db1: { ex1: 'Mounted' } })), observed(ex2, good)),
    { is: 'admin', server: ex1, admin: 'drain' },
  );
  const without = after(before, { is: 'rules', rules: { ...rules, servers: [ex1] } });
  expect([...without.view.servers.keys()]).toEqual([ex1]);
  expect(without.view.servers.get(ex1)?.admin).toBe('drain');
  expect(without.view.databases.get(db1)?.state).toMatchObject({ at: 'served', owner: { server: ex1 } });
  const back = after(without, { is: 'rules', rules });
  expect(back.view.servers.get(ex2)).toEqual({ admin: 'ready', protocols: {} });
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
): ClusterInput {
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
