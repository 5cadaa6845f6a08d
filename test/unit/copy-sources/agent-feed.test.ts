import { expect, test } from 'vitest';
import fc from 'fast-check';
import { agentBodyBytesMax, createAgentFeed } from '#gateway/copy-sources/agent-feed';
import { serverNames } from '#gateway/copy-sources/server-names';
import type { Moment, ServerId } from '#model/ids';

const serverIdOf = serverNames([
  { id: 'ex1' as ServerId, fqdn: 'mail-a.corp.example' },
  { id: 'ex2' as ServerId, fqdn: 'ex2.corp.example' },
]);
const guid = 'e6f4cf03-a2d3-456b-9140-3ba771f0aca8';
const copies = [
  { server: 'EX1', status: 'Mounted', activationPreference: 1 },
  { server: 'EX2', status: 'Healthy', activationPreference: 2 },
];
const database = { name: 'DB01', guid, activeServer: 'ex1', mounted: true, copies };
const document = {
  schema: 'edge-topology/1',
  agent: 'ex1',
  seq: 18734,
  observedAt: '2026-11-22T10:15:03Z',
  databases: [database],
};

test('a whole document gives one claim a database', () => {
  expect(receive(document)).toEqual({
    notes: [],
    claims: {
      source: 'agent:ex1',
      seq: 18734,
      claims: [
        {
          source: 'agent:ex1',
          database: 'db01',
          activeServer: 'ex1',
          copies: [
            { server: 'ex1', status: 'Mounted', activationPreference: 1 },
            { server: 'ex2', status: 'Healthy', activationPreference: 2 },
          ],
          epoch: undefined,
          receivedAt: 77,
          growsStale: true,
        },
      ],
    },
  });
});

test('a database is meant by its GUID where that is known, whatever its spelling', () => {
  const known = createAgentFeed({ serverIdOf, isKnownDatabase: (id) => id === guid });
  const received = known.receive(
    JSON.stringify({ ...document, databases: [{ ...database, guid: `{${guid.toUpperCase()}}` }] }),
    0 as Moment,
  );
  expect('claims' in received && received.claims.claims[0]?.database).toBe(guid);
});

test.each([
  [{ mounted: true, copies: [] }, [['ex1', 'Mounted']]],
  [{ mounted: false, copies: undefined }, [['ex1', 'Dismounted']]],
  [
    { mounted: true, copies: [{ server: 'mail-a', status: 'failedAndSuspended' }] },
    [['ex1', 'FailedAndSuspended']],
  ],
  [{ copies: [{ server: 'MAIL-A.CORP.EXAMPLE', status: 'Eingebunden' }] }, [['ex1', 'Unknown']]],
  [{ copies: [{ server: 'ex9', status: 'Mounted' }] }, [['ex1', 'Mounted']]],
])('copies of %j are %j', (change, expected) => {
  const received = receive({ ...document, databases: [{ ...database, ...change }] });
  const claim = 'claims' in received ? received.claims.claims[0] : undefined;
  expect(claim?.copies.map(({ server, status }) => [server, status])).toEqual(expected);
});

test('servers that the settings lack are noted, and the rest is taken', () => {
  const received = receive({
    ...document,
    databases: [{ ...database, copies: [...copies, { server: 'ex9', status: 'Mounted' }] }],
  });
  expect(received).toMatchObject({ notes: ['unknown server "ex9"'] });
});

test.each<[string, unknown, string]>([
  [
    'another schema',
    { ...document, schema: 'edge-topology/2' },
    '"schema" is "edge-topology/2", not "edge-topology/1"',
  ],
  ['no agent', { ...document, agent: '' }, '"agent" is "", not a name'],
  ['no seq', { ...document, seq: undefined }, '"seq" is missing, not a whole number from 0'],
  ['a negative seq', { ...document, seq: -1 }, '"seq" is -1, not a whole number from 0'],
  ['no databases', { ...document, databases: {} }, '"databases" is no list'],
  [
    'too many databases',
    { ...document, databases: Array.from({ length: 4097 }, () => 0) },
    '"databases" has more than 4096 items',
  ],
  [
    'a database without a name',
    withDatabase({ name: undefined, guid: undefined }),
    'databases[0]: neither "name" nor "guid"',
  ],
  ['a database twice', { ...document, databases: [database, database] }, 'databases[1]: db01 a second time'],
  [
    'an epoch that is a text',
    withDatabase({ epoch: '7' }),
    'databases[0]: "epoch" is no whole number from 0',
  ],
  [
    'an epoch beyond what counts exactly',
    withDatabase({ epoch: 2 ** 52 + 1 }),
    'databases[0]: "epoch" is no whole number from 0',
  ],
  [
    'a copy without a status',
    withDatabase({ copies: [{ server: 'ex1' }] }),
    'databases[0]: a copy without "server" and "status"',
  ],
  [
    'two copies on a server',
    withDatabase({ copies: [...copies, { server: 'mail-a', status: 'Healthy' }] }),
    'databases[0]: two copies on ex1',
  ],
  [
    'a mounted that is a text',
    withDatabase({ mounted: 'True' }),
    'databases[0]: "mounted" is not true or false',
  ],
  ['a list', [document], 'no JSON object'],
])('V57: %s is refused whole', (_, body, problem) => {
  expect(receive(body)).toEqual({ problem });
});

test('V57: a document of the limit is parsed, one byte more is not', () => {
  const text = JSON.stringify(document);
  const feed = createAgentFeed({ serverIdOf, isKnownDatabase: () => false });
  expect(feed.receive(text.padEnd(agentBodyBytesMax), 0 as Moment)).toHaveProperty('claims');
  expect(feed.receive(text.padEnd(agentBodyBytesMax + 1), 0 as Moment)).toEqual({
    problem: 'more than 1048576 bytes',
  });
});

test('V57: only so many agents are remembered, and those go on', () => {
  const feed = createAgentFeed({ serverIdOf, isKnownDatabase: () => false });
  const from = (agent: string) => feed.receive(JSON.stringify({ ...document, agent }), 0 as Moment);
  for (let count = 0; count < 64; count++) expect(from(`witness${count}`)).toHaveProperty('claims');
  expect(from('witness64')).toEqual({ problem: 'more than 64 agents' });
  expect(from('witness63')).toHaveProperty('claims');
});

test('whatever comes in is an answer, never a throw', () => {
  const feed = createAgentFeed({ serverIdOf, isKnownDatabase: () => false });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(feed.receive(body, 0 as Moment)).toHaveProperty('problem');
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const received = feed.receive(
        JSON.stringify({ ...document, databases: [{ name: 'x', copies: [value], activeServer: value }] }),
        0 as Moment,
      );
      expect(Object.keys(received).length).toBeGreaterThan(0);
    }),
  );
});

function receive(body: unknown) {
  return createAgentFeed({ serverIdOf, isKnownDatabase: () => false }).receive(
    JSON.stringify(body),
    77 as Moment,
  );
}

function withDatabase(change: object) {
  return { ...document, databases: [{ ...database, ...change }] };
}
