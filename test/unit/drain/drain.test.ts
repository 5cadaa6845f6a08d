import { expect, test } from 'vitest';
import { planDrain } from '#gateway/drain/drain-plan';
import type { Goodbye } from '#gateway/drain/drain-plan';
import { urgentPace } from '#gateway/drain/pace';
import { createDrainer } from '#gateway/drain/drainer';
import type { DrainOutcome } from '#gateway/drain/drainer';
import type { TableDiff } from '#gateway/routing/diff-table';
import { codeOf } from '#model/end-reason';
import type { DatabaseId, ServerId } from '#model/ids';
import type { MovePolicy } from '#model/routing-table';

const nothing: TableDiff = {
  moved: [],
  down: [],
  up: [],
  ready: [],
  draining: [],
  inMaintenance: [],
  removed: [],
};
const ex1 = { server: 'ex1' as ServerId, index: 4, why: 'no greeting within 5s' };
const ex1Imap = { ...ex1, protocol: 'imap' } as const;
const slowly = { perSecond: 50, windowMs: 20_000 };
const end = { serverDownSessions: 'end', holdForMs: 35_000, goodbye: slowly } as const;
const keep = { ...end, serverDownSessions: 'keep' } as const;

test.each<[string, Partial<TableDiff>, string[]]>([
  [
    'an exclusive database that moved loses the sessions that are elsewhere',
    { moved: [moved('exclusive')] },
    ['copy_moved {"database":10,"exceptServer":5} db1 moved from ex1 to ex2'],
  ],
  [
    'to a server that the settings lack, all of them',
    { moved: [{ ...moved('exclusive'), toIndex: undefined }] },
    ['copy_moved {"database":10} db1 moved from ex1 to ex2'],
  ],
  ['a sticky one keeps them', { moved: [moved('sticky')] }, []],
  ['a free one keeps them', { moved: [moved('free')] }, []],
  [
    'a database that nobody owned before has none',
    { moved: [{ ...moved('exclusive'), from: undefined }] },
    [],
  ],
  [
    'one that was forgotten for a while may have some',
    { moved: [{ ...moved('exclusive'), from: undefined, wasAbsent: true }] },
    ['copy_moved {"database":10,"exceptServer":5} db1 is known again, on ex2'],
  ],
  [
    'a server that is down for one protocol loses the sessions of that one',
    { down: [{ ...ex1, protocol: 'pop3' }] },
    ['server_down {"server":4,"protocol":2} ex1 pop3 is down: no greeting within 5s'],
  ],
  [
    'one that is down for all of them loses each',
    { down: [ex1Imap, { ...ex1, protocol: 'submission' }] },
    [
      'server_down {"server":4,"protocol":1} ex1 imap is down: no greeting within 5s',
      'server_down {"server":4,"protocol":4} ex1 submission is down: no greeting within 5s',
    ],
  ],
  [
    'a server in maintenance too',
    { inMaintenance: [{ ...ex1, why: '' }] },
    ['drained {"server":4} ex1 is in maintenance'],
  ],
  [
    'and one that was removed',
    { removed: [{ ...ex1, why: 'the settings no longer name it' }] },
    ['drained {"server":4} ex1 was removed: the settings no longer name it'],
  ],
  ['a server that drains keeps its sessions', { draining: [ex1] }, []],
  ['a server that is back changes nothing', { up: [ex1Imap], ready: [ex1] }, []],
])('%s', (_, diff, expected) => {
  expect(planDrain({ ...nothing, ...diff }, end).map(told)).toEqual(expected);
});

test('sessions of a dead server are kept where the settings say so', () => {
  expect(planDrain({ ...nothing, down: [ex1Imap] }, keep)).toEqual([]);
  expect(planDrain({ ...nothing, down: [ex1Imap], inMaintenance: [ex1] }, keep)).toHaveLength(1);
});

test('what protects mailboxes goes first', () => {
  const plan = planDrain({ ...nothing, moved: [moved('exclusive')], down: [ex1Imap] }, end);
  expect(plan.map(({ reason }) => reason)).toEqual(['copy_moved', 'server_down']);
});

test('what an operator takes out of service is paced as set; moves and dead servers wait for no pace', () => {
  const diff = { moved: [moved('exclusive')], down: [ex1Imap], inMaintenance: [ex1], removed: [ex1] };
  const paces = planDrain({ ...nothing, ...diff }, end).map(({ reason, pace }) => [reason, pace]);
  const atOnce = { perSecond: 0, windowMs: 2_000 };
  expect(paces).toEqual([
    ['copy_moved', atOnce],
    ['server_down', atOnce],
    ['drained', slowly],
    ['drained', slowly],
  ]);
});

test('each goodbye goes to the engine, and one that fails keeps no other back', async () => {
  const orders: unknown[] = [];
  const outcomes: DrainOutcome[] = [];
  const drainer = createDrainer({
    goodbye: (selection, told) => {
      orders.push([selection, told]);
      return selection.server === undefined
        ? Promise.reject(new Error('engine stopped'))
        : Promise.resolve(3);
    },
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  await drainer.carryOut(planDrain({ ...nothing, moved: [moved('exclusive')], down: [ex1Imap] }, end));
  expect(orders).toEqual([
    [
      { database: 10, exceptServer: 5 },
      { reason: codeOf('copy_moved'), ...urgentPace },
    ],
    [
      { server: 4, protocol: 1 },
      { reason: codeOf('server_down'), ...urgentPace },
    ],
  ]);
  expect(outcomes.map(({ told: count, problem }) => [count, problem])).toEqual([
    [undefined, 'Error: engine stopped'],
    [3, undefined],
  ]);
});

test('a goodbye that the engine throws at is an outcome as well', async () => {
  const outcomes: DrainOutcome[] = [];
  const drainer = createDrainer({
    goodbye: ({ server }) => {
      if (server === undefined) throw new Error('engine stopped');
      return Promise.resolve(3);
    },
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  await drainer.carryOut(planDrain({ ...nothing, moved: [moved('exclusive')], down: [ex1Imap] }, end));
  expect(outcomes.map(({ problem }) => problem)).toEqual(['Error: engine stopped', undefined]);
});

function moved(policy: MovePolicy) {
  return {
    database: 'db1' as DatabaseId,
    index: 10,
    policy,
    from: 'ex1' as ServerId,
    wasAbsent: false,
    to: 'ex2' as ServerId,
    toIndex: 5,
  };
}

function told({ reason, selection, why }: Goodbye): string {
  return `${reason} ${JSON.stringify(selection)} ${why}`;
}
