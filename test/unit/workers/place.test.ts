import { expect, test } from 'vitest';
import type { RoutingTable } from '#model/routing-table';
import { type Mailbox, type Router, type Search, beginSearch, pause, place } from '#workers/place';
import { decideRoute } from '#workers/route';
import { change, tableOf, usualWorld } from '../../trace/world.ts';
import { type Rig, openRig } from './session-outbox.ts';

const mailbox: Mailbox = { low: 7, high: 0, database: 0 };

test('a database that is served needs no wait', async () => {
  const rig = openRig();
  expect(await told(place(rig.session, mailbox, searchIn(rig, site())))).toBe('ex1');
  expect(rig.said).toEqual([]);
});

test('a refusal needs no wait either', async () => {
  const rig = openRig();
  const unknown = { ...mailbox, database: -1 };
  expect(await told(place(rig.session, unknown, searchIn(rig, site())))).toBe('unknown_mailbox');
  expect(rig.said).toEqual([]);
});

test('a moving database is waited for, by one hold for the whole time', async () => {
  const rig = openRig();
  const moving = site('db1 moving ex1');
  const placed = place(rig.session, mailbox, searchIn(rig, moving));
  rig.clock.advance(4999);
  moving.now('db1 served ex2 4');
  rig.session.onTable();
  expect(await told(placed)).toBe('ex2');
  expect(rig.said).toEqual(['hold 5000']);
});

test('a table without news does not lengthen the wait', async () => {
  const rig = openRig();
  const placed = place(rig.session, mailbox, searchIn(rig, site('db1 moving ex1')));
  rig.clock.advance(3000);
  rig.session.onTable();
  await turn();
  rig.clock.advance(1999);
  await turn();
  expect(rig.clock.timers()).toBe(1);
  rig.clock.advance(1);
  expect(await told(placed)).toBe('held_too_long');
  expect(rig.said).toEqual(['hold 5000', 'hold 2000']);
});

test.each([
  ['db1 disputed ex1', 'database_conflict'],
  ['db1 dismounted ex1', 'database_dismounted'],
  ['db1 unclaimed', 'no_active_copy'],
  ['ex1 down x', 'server_down'],
  ['ex1 maintenance', 'drained'],
])('%s ends as %s when the hold is over', async (line, expected) => {
  const rig = openRig();
  const placed = place(rig.session, mailbox, searchIn(rig, site(line)));
  rig.clock.advance(5000);
  expect(await told(placed)).toBe(expected);
});

test('without a hold time nothing waits', async () => {
  const rig = openRig();
  const search = beginSearch(site('db1 moving ex1').router, rig.clock, 0);
  expect(await told(place(rig.session, mailbox, search))).toBe('held_too_long');
  expect(rig.said).toEqual([]);
});

test('sessions elsewhere are looked for every 100 ms, since no table tells of their end', async () => {
  const rig = openRig();
  const elsewhere = site('db1 served ex2 4');
  elsewhere.pinned = 0;
  const placed = place(rig.session, mailbox, searchIn(rig, elsewhere));
  for (let round = 0; round < 3; round++) {
    rig.clock.advance(100);
    await turn();
  }
  elsewhere.pinned = -1;
  rig.clock.advance(100);
  expect(await told(placed)).toBe('ex2');
  expect(rig.said).toEqual(['hold 100', 'hold 100', 'hold 100', 'hold 100']);
});

test('servers that failed are tried again after a pause, when there is no other', async () => {
  const rig = openRig();
  const search = searchIn(rig, site('db1 free'));
  search.avoid.push(0, 1);
  const placed = place(rig.session, mailbox, search);
  await turn();
  rig.clock.advance(500);
  expect(await told(placed)).toBe('ex1');
});

test('V36: a client that leaves is not waited for', async () => {
  const rig = openRig();
  const placed = place(rig.session, mailbox, searchIn(rig, site('db1 moving ex1')));
  rig.session.onClosed('client_quit');
  expect(await told(placed)).toBe('held_too_long');
  expect(rig.clock.timers()).toBe(0);
});

test('a pause is never longer than what is left', async () => {
  const rig = openRig();
  const search = searchIn(rig, site());
  rig.clock.advance(4900);
  const paused = pause(rig.session, search, 500);
  rig.clock.advance(100);
  expect(await paused).toBe(true);
  expect(await pause(rig.session, search, 500)).toBe(false);
  expect(rig.said).toEqual(['hold 100']);
});

interface Site {
  readonly router: Router;
  pinned: number;
  now(line: string): void;
}

function site(...lines: string[]): Site {
  const world = usualWorld();
  for (const line of lines) change(world, line);
  let table: RoutingTable = tableOf(world, 1);
  const made: Site = {
    pinned: -1,
    now(line) {
      change(world, line);
      table = tableOf(world, 2);
    },
    router: {
      mailboxOf: () => mailbox,
      decide: ({ low, database }, avoid) =>
        decideRoute(table, {
          protocol: 'imap',
          database,
          pinnedServer: made.pinned,
          hashedServer: -1,
          mailboxLow: low,
          avoid,
        }),
    },
  };
  return made;
}

function searchIn(rig: Rig, { router }: Site): Search {
  return beginSearch(router, rig.clock, 5000);
}

async function told(placed: ReturnType<typeof place>): Promise<string> {
  const answer = await placed;
  return answer.is === 'placed' ? answer.served.server.id : answer.reason;
}

/** Lets promises that are due run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
