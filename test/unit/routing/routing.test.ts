import { describe, expect, test } from 'vitest';
import type { ClusterView, ServerView } from '#gateway/cluster/cluster-state';
import { buildTable, isOnRing, sameRoutes } from '#gateway/routing/build-table';
import type { TableSettings } from '#gateway/routing/build-table';
import { diffTable } from '#gateway/routing/diff-table';
import { createPublisher, engineTableOf } from '#gateway/routing/publish';
import type { DatabaseId, Generation, Revision, ServerId } from '#model/ids';
import type { AdminState, DatabaseState, Health, RoutingTable } from '#model/routing-table';

const [ex1, ex2, db1, db2] = ['ex1', 'ex2', 'db1', 'db2'] as [ServerId, ServerId, DatabaseId, DatabaseId];
const up: Health = { is: 'up' };
const down: Health = { is: 'down', why: 'no greeting within 5s' };
const settings: TableSettings = {
  servers: [ex1, ex2].map((id) => {
    return {
      id,
      address: `10.1.0.${id.slice(2)}`,
      fqdn: `${id}.corp`,
      weight: 50,
      protocols: { imap: { port: 993, tls: 'implicit', identity: id === ex2 ? 'id' : 'none' } },
    };
  }),
  databases: [{ id: db1, policy: 'sticky' }],
  movePolicy: 'exclusive',
  unknownMailbox: { then: 'refuse' },
};

test('a table has every server and database, with its policy, health and index', () => {
  const table = tableOf({ states: { db1: served(ex1), db2: served(ex2) }, health: { ex1: up } });
  expect(table.servers).toEqual([
    {
      id: 'ex1',
      index: 4,
      admin: 'ready',
      weight: 50,
      protocols: {
        imap: {
          endpoint: { address: '10.1.0.1', port: 993, tls: 'implicit', tlsName: 'ex1.corp' },
          health: up,
          offer: { capabilities: ['IDLE'] },
          identity: 'none',
        },
      },
    },
    {
      id: 'ex2',
      index: 5,
      admin: 'ready',
      weight: 50,
      protocols: {
        imap: {
          endpoint: { address: '10.1.0.2', port: 993, tls: 'implicit', tlsName: 'ex2.corp' },
          health: { is: 'unknown' },
          offer: { capabilities: [] },
          identity: 'id',
        },
      },
    },
  ]);
  expect(table.databases).toEqual([
    { id: 'db1', index: 10, policy: 'sticky', state: served(ex1), copies: [ex1, ex2] },
    {
      id: 'db2',
      index: 11,
      policy: 'exclusive',
      state: served(ex2),
      copies: [ex1, ex2],
      fault: 'SELECT fails',
    },
  ]);
});

test('two tables of the same routes are the same, whatever their revision', () => {
  const table = tableOf({ states: { db1: served(ex1) } });
  expect(sameRoutes(table, { ...table, revision: 9 as Revision })).toBe(true);
  expect(sameRoutes(table, tableOf({ states: { db1: served(ex2) } }))).toBe(false);
});

test.each<[AdminState, Health, boolean]>([
  ['ready', up, true],
  ['ready', { is: 'unknown' }, false],
  ['ready', down, false],
  ['drain', up, false],
  ['maintenance', up, false],
])('a server that is %s and %j is on the ring: %s', (admin, health, expected) => {
  const [server] = tableOf({ admin: { ex1: admin }, health: { ex1: health } }).servers;
  expect(server !== undefined && isOnRing(server)).toBe(expected);
});

describe('what the engine gets', () => {
  test('is servers with their ring share, and owners by index', () => {
    const table = tableOf({
      states: { db1: served(ex1), db2: { at: 'unclaimed' } },
      health: { ex1: up, ex2: down },
    });
    expect(engineTableOf(table, (id) => ({ caPem: `CA of ${id}` }))).toEqual({
      revision: 1,
      servers: [
        {
          index: 4,
          weight: 50,
          endpoints: [
            {
              protocol: 1,
              address: '10.1.0.1',
              port: 993,
              tls: 'implicit',
              tlsName: 'ex1.corp',
              caPem: 'CA of ex1',
              proxy: 'none',
            },
          ],
        },
        {
          index: 5,
          weight: 0,
          endpoints: [],
        },
      ],
      databases: [
        { index: 10, server: 4, generation: 7 },
        { index: 11, server: -1, generation: 0 },
      ],
    });
  });

  test.each<[DatabaseState, number, number]>([
    [{ at: 'moving', owner: owner(ex2) }, 5, 7],
    [{ at: 'dismounted', owner: owner(ex1) }, 4, 7],
    [{ at: 'remembered', owner: owner(ex1) }, 4, 7],
    [{ at: 'remembered', owner: owner('ex9' as ServerId) }, -1, 7],
    [{ at: 'disputed', owner: owner(ex1), claimants: [ex1, ex2] }, -1, 7],
    [{ at: 'disputed', owner: undefined, claimants: [ex1, ex2] }, -1, 0],
  ])('for %j is server %d, generation %d', (state, server, generation) => {
    const table = engineTableOf(tableOf({ states: { db1: state } }), () => ({ caPem: '' }));
    expect(table.databases).toEqual([{ index: 10, server, generation }]);
  });
});

describe('publishing', () => {
  const table = tableOf({ states: { db1: served(ex1) } });

  test('goes to the engine before the workers', () => {
    const order: string[] = [];
    const publish = createPublisher({
      engine: { publish: () => void order.push('engine') },
      toWorkers: () => void order.push('workers'),
      trustOf: () => ({ caPem: '' }),
    });
    expect(publish(table)).toEqual({ problem: undefined });
    expect(order).toEqual(['engine', 'workers']);
  });

  test('does not reach the workers when the engine refuses', () => {
    const told: RoutingTable[] = [];
    const refuse = (): never => {
      throw new Error('servers[0]: no index');
    };
    const publish = createPublisher({
      engine: { publish: refuse },
      toWorkers: (sent) => told.push(sent),
      trustOf: () => ({ caPem: '' }),
    });
    expect(publish(table)).toEqual({ problem: 'servers[0]: no index' });
    expect(told).toEqual([]);
  });
});

describe('the difference', () => {
  const before = tableOf({ states: { db1: served(ex1), db2: served(ex2) }, health: { ex1: up, ex2: up } });

  test('of a table to itself is nothing', () => {
    expect(diffTable(before, before)).toEqual({
      moved: [],
      down: [],
      up: [],
      ready: [],
      draining: [],
      inMaintenance: [],
      removed: [],
    });
  });

  test('names what moved, and not what only changed its state', () => {
    const after = tableOf({
      states: { db1: { at: 'moving', owner: owner(ex2) }, db2: { at: 'remembered', owner: owner(ex2) } },
      health: { ex1: up, ex2: up },
    });
    expect(diffTable(before, after).moved).toEqual([
      { database: 'db1', index: 10, policy: 'sticky', from: 'ex1', wasAbsent: false, to: 'ex2', toIndex: 5 },
    ]);
  });

  test('tells a database without a row before from one without an owner', () => {
    const without = tableOf({ states: { db1: { at: 'unclaimed' } } });
    expect(diffTable(without, before).moved).toMatchObject([
      { database: 'db1', from: undefined, wasAbsent: false },
      { database: 'db2', from: undefined, wasAbsent: true },
    ]);
    expect(diffTable(undefined, before).moved.map(({ wasAbsent }) => wasAbsent)).toEqual([false, false]);
  });
});

describe('the difference in servers', () => {
  const before = tableOf({ states: { db1: served(ex1), db2: served(ex2) }, health: { ex1: up, ex2: up } });

  test('names servers that went down, up, out of service or away, each once', () => {
    const after = tableOf({ states: {}, health: { ex1: down, ex2: up }, admin: { ex2: 'maintenance' } });
    expect(diffTable(before, after)).toMatchObject({
      down: [{ server: 'ex1', index: 4, protocol: 'imap', why: 'no greeting within 5s' }],
      up: [],
      ready: [],
      inMaintenance: [{ server: 'ex2' }],
    });
    expect(diffTable(after, after).down).toEqual([]);
    expect(diffTable(after, before)).toMatchObject({ up: [{ server: 'ex1' }], ready: [{ server: 'ex2' }] });
    const drained = tableOf({ states: {}, health: { ex1: up, ex2: up }, admin: { ex2: 'drain' } });
    expect(diffTable(before, drained)).toMatchObject({ draining: [{ server: 'ex2' }], inMaintenance: [] });
    const without = { ...before, servers: before.servers.slice(0, 1) };
    expect(diffTable(before, without).removed).toMatchObject([{ server: 'ex2', index: 5 }]);
  });

  test('names each protocol of a server by itself', () => {
    const two = withPop3(before, up);
    const lame = withPop3(before, down);
    expect(diffTable(two, lame)).toMatchObject({ down: [{ server: 'ex1', protocol: 'pop3' }], up: [] });
    expect(diffTable(lame, two)).toMatchObject({ down: [], up: [{ server: 'ex1', protocol: 'pop3' }] });
    const dead = withPop3(tableOf({ health: { ex1: down, ex2: up } }), down);
    expect(diffTable(two, dead).down.map(({ protocol }) => protocol)).toEqual(['imap', 'pop3']);
    expect(diffTable(lame, dead).down.map(({ protocol }) => protocol)).toEqual(['imap']);
    expect(diffTable(two, withPop3(before, { is: 'unknown' })).down).toEqual([]);
  });

  test('from nothing is all that there is', () => {
    expect(diffTable(undefined, before)).toMatchObject({
      moved: [{ from: undefined }, { from: undefined }],
      up: [{ server: 'ex1' }, { server: 'ex2' }],
    });
  });
});

/** The table where ex1 offers POP3 as well. */
function withPop3(table: RoutingTable, health: Health): RoutingTable {
  const servers = table.servers.map((server) => {
    const { imap } = server.protocols;
    if (server.id !== ex1 || imap === undefined) return server;
    return { ...server, protocols: { imap, pop3: { ...imap, health } } };
  });
  return { ...table, servers };
}

interface Site {
  readonly states?: Readonly<Record<string, DatabaseState>>;
  readonly health?: Readonly<Record<string, Health>>;
  readonly admin?: Readonly<Record<string, AdminState>>;
}

function tableOf({ states = {}, health = {}, admin = {} }: Site): RoutingTable {
  const view: ClusterView = {
    servers: new Map(
      [ex1, ex2].map((id): [ServerId, ServerView] => {
        const seen = health[id];
        return [
          id,
          {
            admin: admin[id] ?? 'ready',
            protocols: seen === undefined ? {} : { imap: { health: seen, capabilities: ['IDLE'] } },
          },
        ];
      }),
    ),
    databases: new Map(
      Object.entries(states).map(([id, state]) => {
        return [
          id as DatabaseId,
          { state, copies: [ex1, ex2], fault: id === db2 ? 'SELECT fails' : undefined },
        ];
      }),
    ),
  };
  return buildTable({
    settings,
    view,
    revision: 1 as Revision,
    serverIndexOf: (id) => (id === ex1 ? 4 : 5),
    databaseIndexOf: (id) => (id === db1 ? 10 : 11),
  });
}

function served(server: ServerId): DatabaseState {
  return { at: 'served', owner: owner(server) };
}

function owner(server: ServerId) {
  return { server, generation: 7 as Generation };
}
