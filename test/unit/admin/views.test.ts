import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { samplesOf } from '#gateway/admin/metric-samples';
import { createMetrics } from '#gateway/admin/metrics';
import { metricRows, metricsPage } from '#gateway/admin/metrics-table';
import type { Snapshot } from '#gateway/admin/snapshot';
import { statusOf } from '#gateway/admin/status-view';
import { whereisOf } from '#gateway/admin/whereis-view';
import { selectionOf, whoOf } from '#gateway/admin/who-view';
import { startCluster, updateCluster } from '#gateway/cluster/cluster-state';
import { buildTable } from '#gateway/routing/build-table';
import type { Claim } from '#model/claim';
import type { DatabaseId, Moment, Revision, ServerId } from '#model/ids';
import { nothingKept } from '#model/kept';
import type { MovePolicy, ServerRoute } from '#model/routing-table';
import type { SessionRow, Stats } from '#native';
import { decideRoute } from '#workers/route';

const [ex1, ex2] = ['ex1', 'ex2'] as [ServerId, ServerId];
const [db1, db2] = ['db1', 'db2'] as [DatabaseId, DatabaseId];
const servers = [ex1, ex2];
const now = 100_000 as Moment;
const ann = { id: '00000000deadbeef', database: 0, pinnedServer: -1, hashedServer: -1 };

test('whereis says where a login goes, on what facts, how old they are, and what else there would be', () => {
  const where = whereisOf(snapshot(), { mailbox: 'ann@demo.test', found: ann }, decideRoute);
  expect(where).toMatchObject({
    database: 'db1',
    server: 'ex1',
    reason: expect.stringContaining('db1 is served by ex1'),
  });
  expect(where.generation).toBeGreaterThan(0);
  expect(where.facts.map(({ what, source, ageMs }) => [what, source, ageMs])).toEqual([
    ['ann@demo.test is in db1', 'directory', 4_000],
    ['db1 is active on ex1 (ex1 Mounted, ex2 Healthy)', 'agent:ex1', 1_000],
    ['ex1 is up for imap', 'monitor', 500],
    ['ex2 is up for imap', 'monitor', 500],
  ]);
  expect(where.ifItDied).toBe('nobody, until it is back or a source says that another copy is active (ex2)');
});

test('whereis answers for each protocol, and gathers what is known of a server', () => {
  const given = snapshot();
  const [first, second] = given.table.servers as [ServerRoute, ServerRoute];
  const imap = first.protocols.imap as NonNullable<typeof first.protocols.imap>;
  const down = { ...imap, health: { is: 'down', why: 'no greeting within 5s' } as const };
  const routes = { imap, pop3: imap, sieve: down };
  const table = { ...given.table, servers: [{ ...first, protocols: routes }, second] };
  const where = whereisOf(
    { ...given, table, protocols: ['imap', 'pop3', 'sieve'] },
    { mailbox: 'ann', found: ann },
    decideRoute,
  );
  expect(where.protocols.map(({ protocol, server }) => [protocol, server])).toEqual([
    ['imap', 'ex1'],
    ['pop3', 'ex1'],
    ['sieve', null],
  ]);
  expect(where).toMatchObject({ server: 'ex1', reason: where.protocols[0]?.reason });
  expect(where.facts.slice(2).map(({ what }) => what)).toEqual([
    'ex1 is up for imap, pop3',
    'ex1 is down for sieve: no greeting within 5s',
    'ex2 is up for imap',
  ]);
});

test('whereis of a mailbox with sessions elsewhere says so', () => {
  const where = whereisOf(snapshot(), { mailbox: 'ann', found: { ...ann, pinnedServer: 1 } }, decideRoute);
  expect(where.server).toBeNull();
  expect(where.ifItDied).toBe('nobody serves it now');
  expect(where.facts.at(-1)).toEqual({
    what: 'sessions of the mailbox are open on ex2',
    source: 'sessions',
    ageMs: 0,
  });
});

test('whereis of a mailbox that the directory lacks', () => {
  const where = whereisOf(snapshot(), { mailbox: 'eve', found: { ...ann, database: -1 } }, decideRoute);
  expect(where).toMatchObject({ database: null, server: null, generation: null });
  expect(where.facts[0]?.what).toBe('eve is not listed');
});

test('whereis of a mailbox whose database nobody names says its name, and where the policy sends it', () => {
  const found = { ...ann, database: 2, hashedServer: 1 };
  const held = whereisOf(snapshot(), { mailbox: 'dan', found }, decideRoute);
  expect(held).toMatchObject({ database: 'db07', server: null, generation: null });
  expect(held.facts[0]?.what).toBe('dan is in db07, which neither the settings nor a source name');
  const free = whereisOf(snapshot({ movePolicy: 'free' }), { mailbox: 'dan', found }, decideRoute);
  expect(free).toMatchObject({ database: 'db07', server: 'ex2', generation: null });
});

test('F18: a source that fell silent is a problem in words, with its age, and the owner stays', () => {
  const status = statusOf(snapshot({ ageMs: 61_000 }));
  expect(status.sources).toEqual([{ source: 'agent:ex1', ageMs: 61_000, isStale: true, problem: '' }]);
  expect(status.databases[0]).toMatchObject({ database: 'db1', state: 'remembered', server: 'ex1' });
  expect(status.problems).toContain('copy source agent:ex1 is silent for 61s');
  expect(status.problems).toContain('database db1: no fresh claim, ex1 had it last');
});

test('status names what is wrong: an unclaimed database, a refused source, a worker that stays down', () => {
  const status = statusOf(
    snapshot({
      sourceProblems: new Map([['file', 'line 3: no such server']]),
      workers: [{ state: 'waiting', restarts: 4 }],
    }),
  );
  expect(status.problems).toEqual([
    'database db2: no source says where it is active',
    'copy source file: line 3: no such server',
    "worker 0 can't stay up; the log says why",
  ]);
});

test.each<[string, object, object | string]>([
  ['nothing', {}, {}],
  ['a server in capitals', { server: 'EX2' }, { server: 1 }],
  ['a database and a user', { database: 'db1', user: 'ann' }, { database: 0, mailboxId: ann.id }],
  ['an unknown server', { server: 'ex9' }, 'there is no server ex9; the servers are ex1, ex2'],
  ['an unknown database', { database: 'db9' }, 'there is no database db9'],
])('a who filter of %s', (_, filter, expected) => {
  expect(selectionOf(filter, snapshot().table, () => ann)).toEqual(expected);
});

test('who shows at most the limit, and says that there were more', () => {
  const row = { ...zeroRow, id: 0x0100_0000_1000_01, user: 'ann', server: 0, database: 0, generation: 3 };
  const { table } = snapshot();
  expect(whoOf([row], 1, table)).toMatchObject({
    isCut: false,
    sessions: [{ session: '01000000100001', server: 'ex1', database: 'db1', generation: 3 }],
  });
  expect(whoOf([row, zeroRow], 1, table)).toMatchObject({ isCut: true, sessions: [{ user: 'ann' }] });
  expect(whoOf([zeroRow], 1, table).sessions[0]).toMatchObject({
    server: null,
    database: null,
    generation: null,
  });
});

test('the metrics page has the values of now at each scrape, and every metric of the table', async () => {
  let opened = 3;
  const counts = { joined: true, sessions: 1, queued: 0, oldestMs: 0, events: 12, wakes: 5 };
  const statsNow = () => ({ ...noStats, opened, ends: [0, 2], workers: [counts] });
  const page = createMetrics(() => samplesOf(snapshot({ stats: statsNow() })));
  expect((await page()).text).toContain('postern_sessions_opened_total 3\n');
  opened = 5;
  const { text } = await page();
  expect(text).toContain('postern_sessions_opened_total 5\n');
  expect(text).toContain('postern_sessions_ended_total{reason="client_closed"} 2\n');
  expect(text).toContain('postern_sessions_ended_total{reason="shutdown"} 0\n');
  expect(text).toContain('postern_worker_events_total{worker="0"} 12\n');
  expect(text).toContain('postern_worker_wakes_total{worker="0"} 5\n');
  expect(text).toContain('postern_database_owner{database="db1",server="ex1"} 1\n');
  expect(text).toContain('postern_source_age_seconds{source="agent:ex1"} 1\n');
  for (const name of Object.keys(metricRows)) expect(text).toContain(`# HELP ${name} `);
});

test('V55: no metric has a label that a client could fill', () => {
  const labels = new Set(Object.values(metricRows).flatMap((row) => row.labels));
  const known = [
    'version',
    'reason',
    'direction',
    'how',
    'worker',
    'server',
    'protocol',
    'state',
    'database',
    'source',
  ];
  expect([...labels].filter((label) => !known.includes(label))).toEqual([]);
});

test('docs/metrics.md is what the table prints', () => {
  expect(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')).toBe(metricsPage());
});

interface Given {
  readonly ageMs?: number;
  readonly sourceProblems?: ReadonlyMap<string, string>;
  readonly workers?: Snapshot['workers'];
  readonly stats?: Stats;
  readonly movePolicy?: MovePolicy;
}

/** Both servers up; db1 active on ex1 by a claim of that age, db2 claimed by nobody. */
function snapshot({
  ageMs = 1_000,
  sourceProblems = new Map(),
  workers,
  stats = noStats,
  movePolicy = 'exclusive',
}: Given = {}): Snapshot {
  const { cluster, databases } = clusterAt(ageMs);
  const table = buildTable({
    settings: {
      servers: servers.map(serverSettings),
      databases,
      movePolicy,
      unknownMailbox: { then: 'refuse' },
    },
    view: cluster.view,
    revision: 1 as Revision,
    serverIndexOf: (id) => servers.indexOf(id),
    databaseIndexOf: (id) => (id === db1 ? 0 : 1),
  });
  return {
    version: '0.1.0',
    hostname: 'mail.test',
    isStopping: false,
    startedAt: 0 as Moment,
    now,
    cluster,
    table,
    stats,
    workers: workers ?? [{ state: 'up', restarts: 0 }],
    listeners: [],
    protocols: ['imap'],
    directory: {
      path: '/m',
      mailboxes: 1,
      keys: 2,
      problem: '',
      loadedAt: (now - 4_000) as Moment,
      databases: ['db1', 'db2', 'db07'],
    },
    seenAt: () => (now - 500) as Moment,
    sourceProblems,
    logDropped: 0,
  };
}

function clusterAt(ageMs: number) {
  const copies = [
    { server: ex1, status: 'Mounted', activationPreference: 1 },
    { server: ex2, status: 'Healthy', activationPreference: 2 },
  ] as const;
  const receivedAt = (now - ageMs) as Moment;
  const source = 'agent:ex1';
  const claim: Claim = {
    source,
    database: db1,
    activeServer: ex1,
    copies,
    epoch: 7,
    receivedAt,
    growsStale: true,
  };
  const databases = [db1, db2].map((id) => ({ id, copies: servers, policy: 'exclusive' as const }));
  let cluster = startCluster(
    { servers, databases, staleAfterMs: 15_000, riseCount: 1, fallCount: 3 },
    nothingKept,
  );
  cluster = updateCluster(
    cluster,
    { is: 'claims', set: { source, seq: 1, claims: [claim] } },
    { now: receivedAt, wallMs: 0 },
  );
  for (const server of servers) {
    const verdict = { is: 'good', capabilities: ['IMAP4REV1'], tookMs: 1 } as const;
    const observation = { server, protocol: 'imap', at: now, verdict } as const;
    cluster = updateCluster(cluster, { is: 'observation', observation }, { now, wallMs: 0 });
  }
  cluster = updateCluster(cluster, { is: 'tick' }, { now, wallMs: 0 });
  return { cluster, databases };
}

function serverSettings(id: ServerId) {
  return {
    id,
    address: '127.0.0.1',
    fqdn: `${id}.test`,
    weight: 100,
    protocols: { imap: { port: 143, tls: 'off', identity: 'none' } },
  } as const;
}

const noStats: Stats = {
  open: 0,
  opened: 0,
  spliced: 0,
  handshakes: 0,
  resumed: 0,
  bytesIn: 0,
  bytesOut: 0,
  endsDropped: 0,
  panics: 0,
  goodbyesWorded: 0,
  goodbyesPlain: 0,
  refusals: 0,
  refusalsDelayed: 0,
  ends: [],
  workers: [],
  revision: 1,
  mailboxKeys: 0,
  pins: 0,
};

const zeroRow: SessionRow = {
  id: 1,
  frontend: 'imaps',
  phase: 'preamble',
  clientAddress: '127.0.0.1:1',
  proxyAddress: '',
  user: '',
  mailboxId: '',
  database: -1,
  server: -1,
  generation: 0,
  localPort: 0,
  localAddress: '',
  ageMs: 1,
  idleMs: 1,
  bytesIn: 0,
  bytesOut: 0,
};
