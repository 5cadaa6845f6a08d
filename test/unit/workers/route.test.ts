import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RoutingTable } from '#model/routing-table';
import { type RouteQuestion, decideRoute } from '#workers/route';
import { change, tableOf, usualWorld } from '../../trace/world.ts';

// The world: db1 (index 0) is served by ex1 (index 0), generation 3; ex2 has index 1. Lines change it.
test.each<[string, string[], Partial<RouteQuestion>, string]>([
  ['exclusive: the owner', [], {}, 'ex1: db1 is served by ex1, generation 3'],
  [
    'exclusive: the owner, where sessions are',
    [],
    { pinnedServer: 0 },
    'ex1: db1 is served by ex1, generation 3',
  ],
  [
    'exclusive: sessions elsewhere',
    [],
    { pinnedServer: 1 },
    'hold held_elsewhere: db1 is served by ex1, generation 3; sessions of the mailbox are still open on ex2',
  ],
  [
    'exclusive: a failed owner stays the owner',
    [],
    { avoid: [0] },
    'ex1: db1 is served by ex1, generation 3',
  ],
  [
    'exclusive: the owner down',
    ['ex1 down no greeting'],
    {},
    'hold server_down: db1 is served by ex1, generation 3; ex1 is down: no greeting',
  ],
  [
    'exclusive: the owner in maintenance',
    ['ex1 maintenance'],
    {},
    'hold drained: db1 is served by ex1, generation 3; ex1 is in maintenance',
  ],
  [
    'exclusive: the owner drained',
    ['ex1 drain'],
    {},
    'hold drained: db1 is served by ex1, generation 3; ex1 is being drained',
  ],
  [
    'exclusive: an owner that is none of ours',
    ['db1 served ex9'],
    {},
    'hold server_down: db1 is served by ex9, generation 3; ex9 is none of our servers',
  ],
  ['exclusive: moving', ['db1 moving ex1'], {}, 'hold held_too_long: db1 is moving; its last server is ex1'],
  ['exclusive: dismounted', ['db1 dismounted ex1'], {}, 'hold database_dismounted: db1 is dismounted on ex1'],
  ['exclusive: disputed', ['db1 disputed ex1'], {}, 'hold database_conflict: ex1 and ex2 both claim db1'],
  ['exclusive: unclaimed', ['db1 unclaimed'], {}, 'hold no_active_copy: no source says where db1 is active'],
  [
    'exclusive: remembered',
    ['db1 remembered ex1'],
    {},
    'ex1: no fresh claim; db1 was last served by ex1, generation 3',
  ],
  ['sticky: the owner', ['db1 sticky'], {}, 'ex1: db1 is served by ex1, generation 3'],
  [
    'sticky: where sessions are',
    ['db1 sticky'],
    { pinnedServer: 1 },
    'ex2: sessions of the mailbox are open on ex2; db1 is served by ex1, generation 3',
  ],
  [
    'sticky: sessions on a server that is down',
    ['db1 sticky', 'ex2 down x'],
    { pinnedServer: 1 },
    'ex1: db1 is served by ex1, generation 3',
  ],
  [
    'sticky: sessions on a server in drain',
    ['db1 sticky', 'ex2 drain'],
    { pinnedServer: 1 },
    'ex1: db1 is served by ex1, generation 3',
  ],
  [
    'sticky: sessions on a server that has just failed',
    ['db1 sticky'],
    { pinnedServer: 1, avoid: [1] },
    'ex1: db1 is served by ex1, generation 3',
  ],
  [
    'sticky: the owner down',
    ['db1 sticky', 'ex1 down x'],
    {},
    "ex2: db1 is served by ex1, generation 3; ex1 is down: x; ex2 is chosen by the mailbox's hash",
  ],
  [
    'sticky: the owner in maintenance',
    ['db1 sticky', 'ex1 maintenance'],
    {},
    "ex2: db1 is served by ex1, generation 3; ex1 is in maintenance; ex2 is chosen by the mailbox's hash",
  ],
  [
    'sticky: moving holds',
    ['db1 sticky', 'db1 moving ex1'],
    { pinnedServer: 1 },
    'hold held_too_long: db1 is moving; its last server is ex1',
  ],
  [
    'sticky: dismounted is not elsewhere',
    ['db1 sticky', 'db1 dismounted ex1'],
    {},
    'hold database_dismounted: db1 is dismounted on ex1',
  ],
  [
    'free: the owner, whatever is pinned',
    ['db1 free'],
    { pinnedServer: 1 },
    'ex1: db1 is served by ex1, generation 3',
  ],
  [
    'free: the owner has just failed',
    ['db1 free'],
    { avoid: [0] },
    "ex2: db1 is served by ex1, generation 3; ex1 has just failed; ex2 is chosen by the mailbox's hash",
  ],
  [
    'free: all have just failed',
    ['db1 free'],
    { avoid: [0, 1] },
    'hold server_down: db1 is served by ex1, generation 3; ex1 has just failed; no server offers imap now',
  ],
  [
    'free: all down',
    ['db1 free', 'ex1 down x', 'ex2 down y'],
    {},
    'hold server_down: db1 is served by ex1, generation 3; ex1 is down: x; no server offers imap now',
  ],
  [
    'free: disputed goes to the last owner',
    ['db1 free', 'db1 disputed ex2'],
    {},
    'ex2: ex1 and ex2 both claim db1; ex2 had it last',
  ],
  [
    'free: remembered',
    ['db1 free', 'db1 remembered ex2'],
    {},
    'ex2: no fresh claim; db1 was last served by ex2, generation 3',
  ],
  [
    'free: unclaimed, the ring says',
    ['db1 free', 'db1 unclaimed'],
    { hashedServer: 1 },
    "ex2: no source says where db1 is active; ex2 is chosen by the mailbox's hash",
  ],
  [
    'unknown mailbox: refused',
    [],
    { database: -1 },
    'refuse unknown_mailbox: the directory does not know the mailbox',
  ],
  [
    'unknown mailbox: the ring says',
    ['unknown hash'],
    { database: -1, hashedServer: 1 },
    "ex2: the directory does not know the mailbox; ex2 is chosen by the mailbox's hash",
  ],
  [
    "unknown mailbox: the ring's server is down",
    ['unknown hash', 'ex2 down x'],
    { database: -1, hashedServer: 1 },
    "ex1: the directory does not know the mailbox; ex1 is chosen by the mailbox's hash",
  ],
  [
    'unknown mailbox: the ring has nobody',
    ['unknown hash', 'ex2 down x'],
    { database: -1 },
    "ex1: the directory does not know the mailbox; ex1 is chosen by the mailbox's hash",
  ],
  [
    'a database that the table lacks',
    [],
    { database: 99 },
    "hold no_active_copy: nobody has told of the mailbox's database yet",
  ],
  [
    'sticky: a database that the table lacks, the ring says',
    ['unnamed sticky'],
    { database: 99, hashedServer: 1 },
    "ex2: nobody has told of the mailbox's database yet; ex2 is chosen by the mailbox's hash",
  ],
  [
    'free: a database that the table lacks, where only one server is up',
    ['unnamed free', 'ex1 down x'],
    { database: 99 },
    "ex2: nobody has told of the mailbox's database yet; ex2 is chosen by the mailbox's hash",
  ],
  [
    'free: a database that the table lacks, and no server',
    ['unnamed free', 'ex1 down x', 'ex2 down y'],
    { database: 99 },
    "hold server_down: nobody has told of the mailbox's database yet; no server offers imap now",
  ],
  [
    'exclusive: a failing store on a server that is up',
    ['db1 fails SELECT: no store'],
    {},
    'hold database_dismounted: db1 is served by ex1, generation 3; ex1 is up, but SELECT: no store',
  ],
  [
    'sticky: a failing store on a server that is up',
    ['db1 sticky', 'db1 fails SELECT: no store'],
    {},
    'hold database_dismounted: db1 is served by ex1, generation 3; ex1 is up, but SELECT: no store',
  ],
  [
    'free: a failing store on a server that is up',
    ['db1 free', 'db1 fails SELECT: no store'],
    { hashedServer: 1 },
    'hold database_dismounted: db1 is served by ex1, generation 3; ex1 is up, but SELECT: no store',
  ],
  [
    'free: a store that failed on a server that is down by now',
    ['db1 free', 'db1 fails SELECT: no store', 'ex1 down x'],
    {},
    "ex2: db1 is served by ex1, generation 3; ex1 is down: x; ex2 is chosen by the mailbox's hash",
  ],
  [
    'sticky: sessions beside a failing store stay together',
    ['db1 sticky', 'db1 fails SELECT: no store'],
    { pinnedServer: 1 },
    'ex2: sessions of the mailbox are open on ex2; db1 is served by ex1, generation 3',
  ],
  [
    "a failing store stops its own database, not its server's others",
    ['db1 fails SELECT: no store'],
    { database: 2 },
    'ex1: db3 is served by ex1, generation 3',
  ],
  ['a database whose index is not its place', [], { database: 2 }, 'ex1: db3 is served by ex1, generation 3'],
])('%s', (_, changes, question, expected) => {
  expect(told(tableAfter(changes), question)).toBe(expected);
});

test('an unknown mailbox may have a database by rule', () => {
  const table = tableAfter([]);
  const rule = (id: string | undefined): RoutingTable => ({
    ...table,
    unknownMailbox: { then: 'database', database: id as never },
  });
  expect(told(rule('db2'), { database: -1 })).toBe('ex2: db2 is served by ex2, generation 3');
  expect(told(rule('db9'), { database: -1 })).toBe('hold no_active_copy: nobody has told of db9 yet');
  expect(
    told({ ...rule('db9'), unnamedDatabasePolicy: 'free' }, { database: -1, hashedServer: 1 }),
  ).toContain('ex2: nobody has told of db9 yet');
});

test('a disputed database that nobody ever owned goes by the hash where any server may serve', () => {
  const table = tableAfter(['db1 free', 'ex2 down x']);
  const state = { at: 'disputed' as const, owner: undefined, claimants: [] };
  const disputed = { ...table, databases: table.databases.map((one) => ({ ...one, state })) };
  expect(told(disputed, {})).toContain('ex1: ');
});

/** The usual world where every server offers POP3 as well; `down` names those whose POP3 is down. */
function withPop3(changes: string[], down: readonly string[] = []): RoutingTable {
  const table = tableAfter(changes);
  const servers = table.servers.map((server) => {
    const { imap } = server.protocols;
    if (imap === undefined) return server;
    const health = down.includes(server.id)
      ? ({ is: 'down', why: 'no greeting' } as const)
      : ({ is: 'up' } as const);
    return { ...server, protocols: { ...server.protocols, pop3: { ...imap, health } } };
  });
  return { ...table, servers };
}

// One protocol of a server may be down while its others are up.
test.each<[string, string[], string[], Partial<RouteQuestion>, string]>([
  [
    'exclusive: POP3 waits for the owner, though IMAP is served there',
    [],
    ['ex1'],
    { protocol: 'pop3', pinnedServer: 0 },
    'hold server_down: db1 is served by ex1, generation 3; ex1 is down: no greeting',
  ],
  ['exclusive: IMAP goes on', [], ['ex1'], { pinnedServer: 0 }, 'ex1: db1 is served by ex1, generation 3'],
  [
    'sticky: POP3 goes elsewhere while the IMAP sessions stay',
    ['db1 sticky'],
    ['ex1'],
    { protocol: 'pop3', pinnedServer: 0 },
    "ex2: db1 is served by ex1, generation 3; ex1 is down: no greeting; ex2 is chosen by the mailbox's hash",
  ],
  [
    'sticky: and IMAP then joins it there, so that the doors are together again',
    ['db1 sticky'],
    ['ex1'],
    { pinnedServer: 1 },
    'ex2: sessions of the mailbox are open on ex2; db1 is served by ex1, generation 3',
  ],
  [
    "unknown mailbox: POP3 leaves the ring's server, which is up for IMAP",
    ['unknown hash'],
    ['ex2'],
    { protocol: 'pop3', database: -1, hashedServer: 1 },
    "ex1: the directory does not know the mailbox; ex1 is chosen by the mailbox's hash",
  ],
  [
    'unknown mailbox: IMAP stays with it',
    ['unknown hash'],
    ['ex2'],
    { database: -1, hashedServer: 1 },
    "ex2: the directory does not know the mailbox; ex2 is chosen by the mailbox's hash",
  ],
  [
    'unknown mailbox: a door goes where another is open',
    ['unknown hash'],
    [],
    { protocol: 'pop3', database: -1, hashedServer: 1, pinnedServer: 0 },
    'ex1: the directory does not know the mailbox; sessions of the mailbox are open on ex1',
  ],
  [
    'unknown mailbox: but not where its own protocol is down',
    ['unknown hash'],
    ['ex1'],
    { protocol: 'pop3', database: -1, hashedServer: 1, pinnedServer: 0 },
    "ex2: the directory does not know the mailbox; ex2 is chosen by the mailbox's hash",
  ],
  [
    'free: unclaimed, a door goes where another is open',
    ['db1 free', 'db1 unclaimed'],
    [],
    { hashedServer: 1, pinnedServer: 0 },
    'ex1: no source says where db1 is active; sessions of the mailbox are open on ex1',
  ],
])('%s', (_, changes, down, question, expected) => {
  expect(told(withPop3(changes, down), question)).toBe(expected);
});

test('a server that nobody has looked at yet is used, but after those that are known to be up', () => {
  const unknown = (table: RoutingTable, ...names: string[]): RoutingTable => ({
    ...table,
    servers: table.servers.map((one) => {
      const { imap } = one.protocols;
      return names.includes(one.id) && imap
        ? { ...one, protocols: { imap: { ...imap, health: { is: 'unknown' } } } }
        : one;
    }),
  });
  expect(told(unknown(tableAfter([]), 'ex1', 'ex2'), {})).toContain('ex1: ');
  expect(told(unknown(tableAfter(['unknown hash']), 'ex2'), { database: -1, hashedServer: 1 })).toContain(
    'ex1: ',
  );
});

test('weight 0 is chosen by hash only when nobody else is there', () => {
  const table = tableAfter(['unknown hash']);
  const weightless = {
    ...table,
    servers: table.servers.map((one) => (one.id === 'ex2' ? { ...one, weight: 0 } : one)),
  };
  for (let low = 0; low < 50; low++)
    expect(told(weightless, { database: -1, mailboxLow: low })).toContain('ex1: ');
  const alone = { ...weightless, servers: weightless.servers.filter(({ id }) => id === 'ex2') };
  expect(told(alone, { database: -1 })).toContain('ex2: ');
});

test('the spread follows the weights, and a server that goes moves only its own mailboxes', () => {
  const table = tableAfter(['unknown hash']);
  const [first, second] = table.servers;
  if (first === undefined || second === undefined) return expect.unreachable();
  const third = { ...second, id: 'ex3' as typeof second.id, index: 2, weight: 50 };
  const three = { ...table, servers: [first, second, third] };
  const two = { ...table, servers: [first, third] };
  const counts = new Map<string, number>();
  for (let low = 0; low < 5000; low++) {
    const before = serverOf(three, low);
    counts.set(before, (counts.get(before) ?? 0) + 1);
    if (before !== 'ex2') expect(serverOf(two, low)).toBe(before);
  }
  for (const [name, share] of [
    ['ex1', 2000],
    ['ex2', 2000],
    ['ex3', 1000],
  ] as const) {
    expect(Math.abs((counts.get(name) ?? 0) - share)).toBeLessThan(200);
  }
});

test('whatever the table says, an exclusive database is served by its owner or by nobody', () => {
  const line = fc.constantFrom(
    'ex1 down x',
    'ex1 drain',
    'ex2 maintenance',
    'ex2 down y',
    'db1 moving ex1',
    'db1 served ex2 4',
    'db1 remembered ex2',
    'db1 disputed ex2',
    'db1 unclaimed',
    'db1 dismounted ex1',
    'unknown hash',
  );
  const index = fc.integer({ min: -1, max: 2 });
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 5 }),
      index,
      index,
      fc.array(index, { maxLength: 3 }),
      (lines, pinnedServer, hashedServer, avoid) => {
        const table = tableAfter(lines);
        const decision = decideRoute(table, { ...usualQuestion, pinnedServer, hashedServer, avoid });
        expect(decision.why).not.toBe('');
        if (decision.is !== 'serve') return;
        const state = table.databases[0]?.state;
        expect(state?.at === 'served' || state?.at === 'remembered').toBe(true);
        expect(state && 'owner' in state && state.owner?.server).toBe(decision.server.id);
        expect([-1, decision.server.index]).toContain(pinnedServer === 2 ? -1 : pinnedServer);
      },
    ),
  );
});

const usualQuestion: RouteQuestion = {
  protocol: 'imap',
  database: 0,
  pinnedServer: -1,
  hashedServer: -1,
  mailboxLow: 7,
  avoid: [],
};

function told(table: RoutingTable, question: Partial<RouteQuestion>): string {
  const decision = decideRoute(table, { ...usualQuestion, ...question });
  const head = decision.is === 'serve' ? decision.server.id : `${decision.is} ${decision.reason}`;
  return `${head}: ${decision.why}`;
}

function serverOf(table: RoutingTable, mailboxLow: number): string {
  const decision = decideRoute(table, { ...usualQuestion, database: -1, mailboxLow });
  return decision.is === 'serve' ? decision.server.id : 'nobody';
}

function tableAfter(changes: readonly string[]): RoutingTable {
  const world = usualWorld();
  for (const line of changes) change(world, line);
  return tableOf(world, 1);
}
