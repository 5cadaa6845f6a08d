import { expect, test } from 'vitest';
import fc from 'fast-check';
import { ownerOf, updateOwnership } from '#gateway/cluster/active-copy';
import type { Judging } from '#gateway/cluster/active-copy';
import type { Claim, CopyStatus } from '#model/claim';
import type { DatabaseId, Generation, Moment, ServerId } from '#model/ids';
import type { DatabaseState } from '#model/routing-table';

const [ex1, ex2] = ['ex1', 'ex2'] as [ServerId, ServerId];
const now = 100_000 as Moment;
const judging: Judging = {
  now,
  wallMs: 5000,
  staleAfterMs: 15_000,
  epoch: undefined,
  usedGeneration: 0,
  isOverdue: () => false,
  mountedSince: () => undefined,
  isServer: (server) => server === ex1 || server === ex2,
};
const unclaimed: DatabaseState = { at: 'unclaimed' };
const onEx1: DatabaseState = { at: 'served', owner: { server: ex1, generation: 7000 as Generation } };

test.each<[string, DatabaseState, Claim[], string]>([
  [
    'the first claim is believed, from the millisecond of first sight',
    unclaimed,
    [mounted(ex1)],
    'served ex1 5000',
  ],
  ['a move raises the generation by one where that is more', onEx1, [mounted(ex2)], 'served ex2 7001'],
  ['a witness may name the owner', onEx1, [mounted(ex1), mounted(ex1, 'agent:ex2')], 'served ex1 7000'],
  ['two claimants leave the owner in place', onEx1, [mounted(ex1), mounted(ex2)], 'disputed ex1 7000'],
  ['two claimants and no owner: nobody', unclaimed, [mounted(ex1), mounted(ex2)], 'disputed nobody'],
  ['mounting is moving already, with its generation', onEx1, [claim({ ex2: 'Mounting' })], 'moving ex2 7001'],
  [
    'two that mount at once move nothing',
    onEx1,
    [claim({ ex1: 'Mounting', ex2: 'Mounting' })],
    'moving ex1 7000',
  ],
  [
    'dismounted is not elsewhere',
    onEx1,
    [claim({ ex1: 'Dismounted', ex2: 'Healthy' })],
    'dismounted ex1 7000',
  ],
  [
    'a dismounted passive copy takes nothing from the owner',
    onEx1,
    [claim({ ex1: 'Failed', ex2: 'Dismounted' })],
    'dismounted ex1 7000',
  ],
  [
    'without an owner the dismounted copy is the active one',
    unclaimed,
    [claim({ ex2: 'Dismounted' })],
    'dismounted ex2 5000',
  ],
  [
    'most sources name the active server',
    onEx1,
    [active(ex2, 'a'), active(ex2, 'b'), active(ex1, 'c')],
    'remembered ex2 7001',
  ],
  ['a tie of names moves nothing', onEx1, [active(ex2, 'a'), active(ex1, 'b')], 'remembered ex1 7000'],
  [
    'a claim about an unknown server does not count',
    onEx1,
    [mounted('ex9' as ServerId)],
    'remembered ex1 7000',
  ],
  [
    'only passive copies: the database is being left',
    onEx1,
    [claim({ ex1: 'Healthy', ex2: 'Healthy' })],
    'moving ex1 7000',
  ],
  ['at the edge of its age a claim counts', onEx1, [aged(mounted(ex2), 15_000)], 'served ex2 7001'],
  ['past the edge it does not', onEx1, [aged(mounted(ex2), 15_001)], 'remembered ex1 7000'],
  ['a file does not age', onEx1, [{ ...aged(mounted(ex2), 90_000), growsStale: false }], 'served ex2 7001'],
  ['silence moves nothing', onEx1, [], 'remembered ex1 7000'],
  [
    'of two that fall silent the later one does not win',
    onEx1,
    [aged(mounted(ex1), 15_500), aged(mounted(ex2), 14_500)],
    'disputed ex1 7000',
  ],
  [
    'one that spoke on when the other was stale does',
    onEx1,
    [aged(mounted(ex1), 15_500), mounted(ex2)],
    'served ex2 7001',
  ],
])('%s', (_, before, claims, expected) => {
  expect(told(updateOwnership(before, claims, judging))).toBe(expected);
});

test('an epoch is the generation where it is larger, and an older one loses', () => {
  const moved = updateOwnership(onEx1, [{ ...mounted(ex2), epoch: 8000 }], { ...judging, epoch: 8000 });
  expect(told(moved)).toBe('served ex2 8000');
  const old = { ...mounted(ex1), epoch: 7999 };
  expect(told(updateOwnership(moved, [old], { ...judging, epoch: 8000 }))).toBe('remembered ex2 8000');
  expect(told(updateOwnership(onEx1, [{ ...mounted(ex2), epoch: 3 }], { ...judging, epoch: 3 }))).toBe(
    'served ex2 7001',
  );
});

test('a dispute with a source that has missed its time is decided by those that speak', () => {
  const claims = [aged(mounted(ex1), 8000), mounted(ex2)];
  const isOverdue = (source: string): boolean => source === 'agent:ex1';
  const since = (ms: number) => (_: string, server: ServerId) => (server === ex2 ? now - ms : 0) as Moment;
  const decided = { ...judging, isOverdue, mountedSince: since(7999) };
  expect(told(updateOwnership(onEx1, claims, decided))).toBe('served ex2 7001');
  expect(told(updateOwnership(onEx1, claims, { ...decided, isOverdue: () => true }))).toBe('served ex2 7001');
  // It spoke when ex2 had begun already: both have spoken within the dispute.
  expect(told(updateOwnership(onEx1, claims, { ...decided, mountedSince: since(8000) }))).toBe(
    'disputed ex1 7000',
  );
});

test('a first generation is above those of databases that were forgotten', () => {
  const used = { ...judging, epoch: 7, usedGeneration: 90 };
  expect(told(updateOwnership(unclaimed, [{ ...mounted(ex1), epoch: 7 }], used))).toBe('served ex1 91');
});

test('when nothing changed, the same object comes back', () => {
  expect(updateOwnership(onEx1, [mounted(ex1)], judging)).toBe(onEx1);
  const disputed = updateOwnership(onEx1, [mounted(ex1), mounted(ex2)], judging);
  expect(updateOwnership(disputed, [mounted(ex2), mounted(ex1)], judging)).toBe(disputed);
});

const statuses: CopyStatus[] = [
  'Mounted',
  'Mounting',
  'Dismounted',
  'Dismounting',
  'Healthy',
  'Failed',
  'Unknown',
];
const anyClaim = fc.record({
  source: fc.constantFrom('agent:ex1', 'agent:ex2', 'file'),
  copies: fc.dictionary(fc.constantFrom('ex1', 'ex2'), fc.constantFrom(...statuses)),
  active: fc.constantFrom(ex1, ex2, undefined),
  age: fc.integer({ min: 0, max: 30_000 }),
  epoch: fc.option(fc.integer({ min: 0, max: 9000 }), { nil: undefined }),
});
const anyClaims = fc.uniqueArray(anyClaim, { selector: ({ source }) => source, maxLength: 3 }).map((items) =>
  items.map(({ copies, source, active: activeServer, age, epoch }): Claim => {
    return { ...aged(claim(copies, source), age), activeServer, epoch, growsStale: source !== 'file' };
  }),
);

test('a generation never shrinks, and grows whenever the server changes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyClaims, fc.nat(9000)), { maxLength: 12 }), (steps) => {
      let state: DatabaseState = unclaimed;
      for (const [claims, epoch] of steps) {
        const before = ownerOf(state);
        state = updateOwnership(state, claims, { ...judging, epoch });
        const after = ownerOf(state);
        if (before === undefined) continue;
        expect(after?.generation ?? -1).toBeGreaterThanOrEqual(before.generation);
        if (after?.server !== before.server) expect(after?.generation).toBeGreaterThan(before.generation);
      }
    }),
  );
});

test('while two servers claim it and both speak, the owner never changes', () => {
  const extra = fc.record({
    source: fc.constantFrom('agent:ex3', 'file'),
    copies: fc.dictionary(fc.constantFrom('ex1', 'ex2'), fc.constantFrom(...statuses)),
  });
  fc.assert(
    fc.property(fc.array(fc.array(extra, { maxLength: 2 }), { maxLength: 8 }), (rounds) => {
      let state: DatabaseState = onEx1;
      for (const others of rounds) {
        const claims = [
          mounted(ex1),
          mounted(ex2),
          ...others.map(({ source, copies }) => claim(copies, source)),
        ];
        state = updateOwnership(state, claims, judging);
        expect(told(state)).toBe('disputed ex1 7000');
      }
    }),
  );
});

test('judging the same claims twice gives the same object', () => {
  fc.assert(
    fc.property(anyClaims, anyClaims, (earlier, later) => {
      const state = updateOwnership(updateOwnership(unclaimed, earlier, judging), later, judging);
      expect(updateOwnership(state, later, judging)).toBe(state);
    }),
  );
});

function told(state: DatabaseState): string {
  const owner = ownerOf(state);
  return `${state.at} ${owner === undefined ? 'nobody' : `${owner.server} ${owner.generation}`}`;
}

function mounted(server: ServerId, source = `agent:${server}`): Claim {
  return { ...claim({ [server]: 'Mounted' }, source), activeServer: server };
}

function active(server: ServerId, source: string): Claim {
  return { ...claim({}, source), activeServer: server };
}

function claim(copies: Record<string, CopyStatus>, source = 'agent:manager'): Claim {
  return {
    source,
    database: 'db1' as DatabaseId,
    activeServer: undefined,
    copies: Object.entries(copies).map(([server, status]) => {
      return { server: server as ServerId, status, activationPreference: undefined };
    }),
    epoch: undefined,
    receivedAt: now,
    growsStale: true,
  };
}

function aged(item: Claim, ageMs: number): Claim {
  return { ...item, receivedAt: (now - ageMs) as Moment };
}
