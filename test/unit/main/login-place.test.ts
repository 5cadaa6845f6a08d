import { expect, test } from 'vitest';
import { activeServerIn } from '#gateway/start-monitors';
import type { DatabaseId, Generation, ServerId } from '#model/ids';
import type { DatabaseState, Health } from '#model/routing-table';

const [ex1, ex2] = ['ex1', 'ex2'] as [ServerId, ServerId];
const db1 = 'db1' as DatabaseId;
const owner = { server: ex1, generation: 7 as Generation };
const up: Health = { is: 'up' };

test.each<[DatabaseState, Health, string | undefined]>([
  [{ at: 'served', owner }, up, 'ex1'],
  [{ at: 'remembered', owner }, up, 'ex1'],
  [{ at: 'disputed', owner, claimants: [ex1, ex2] }, up, 'ex1'],
  [{ at: 'disputed', owner: undefined, claimants: [ex1, ex2] }, up, undefined],
  [{ at: 'moving', owner }, up, undefined],
  [{ at: 'dismounted', owner }, up, undefined],
  [{ at: 'unclaimed' }, up, undefined],
  [{ at: 'served', owner }, { is: 'down', why: 'no greeting' }, undefined],
  [{ at: 'remembered', owner }, { is: 'unknown' }, undefined],
])(
  'F14, F18: a login probe of a database that is %o goes to a server that is %o',
  (state, health, server) => {
    const protocols = { imap: { health, capabilities: ['IDLE'] } };
    const servers = new Map([[ex1, { admin: 'ready' as const, protocols }]]);
    const databases = new Map([[db1, { state, copies: [], fault: 'EXAMINE: NO' }]]);
    const found = activeServerIn({ servers, databases }, db1);
    expect(found).toEqual(server === undefined ? undefined : { server, capabilities: ['IDLE'] });
  },
);

test('a database that nobody knows is probed nowhere', () => {
  expect(activeServerIn({ servers: new Map(), databases: new Map() }, db1)).toBeUndefined();
});
