import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseCopiesFile, startCopiesFile } from '#gateway/copy-sources/copies-file';
import { serverNames } from '#gateway/copy-sources/server-names';
import type { ClaimSet } from '#model/claim';
import type { Moment, ServerId } from '#model/ids';
import { fakeClock } from '../../support/fake-clock.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const serverIdOf = serverNames(
  ['ex1', 'ex2'].map((id) => ({ id: id as ServerId, fqdn: `${id}.corp.example` })),
);

test.each([
  [
    'YAML',
    'databases:\n  DB1:\n    active: EX1\n    copies: [ex2, ex1.corp.example]\n    status: ' +
      'mounting\n    generation: 7\n',
  ],
  [
    'JSON',
    '{"databases": {"db1": {"active": "ex1", "copies": ["ex2", "ex1"], "status": "Mounting", ' +
      '"generation": 7}}}',
  ],
])('%s says where a database is', (_, text) => {
  expect(parse(text)).toEqual({
    claims: {
      source: 'file',
      seq: undefined,
      claims: [
        {
          source: 'file',
          database: 'db1',
          activeServer: 'ex1',
          copies: [
            { server: 'ex2', status: 'Healthy', activationPreference: 1 },
            { server: 'ex1', status: 'Mounting', activationPreference: 2 },
          ],
          epoch: 7,
          receivedAt: 5,
          growsStale: false,
        },
      ],
      growsStale: false,
    },
  });
});

test('the active server alone is enough, and means mounted', () => {
  const parsed = parse('databases: { 1: { active: ex1 } }');
  expect('claims' in parsed && parsed.claims.claims[0]).toMatchObject({
    database: '1',
    epoch: undefined,
    copies: [{ server: 'ex1', status: 'Mounted' }],
  });
});

test.each<[string, string, string]>([
  ['an empty file', '', 'line 1: expected "databases:" and the databases below it'],
  [
    'another word on top',
    'database:\n  db1: { active: ex1 }\n',
    'line 1: "database" is not known here; known: databases',
  ],
  [
    'no active server',
    'databases:\n  db1: { copies: [ex1] }\n',
    'line 2: expected "active:" and the name of a server',
  ],
  [
    'an unknown server',
    'databases:\n  db1:\n    active: ex3\n',
    'line 3: "ex3" is no server of POSTERN_SERVERS',
  ],
  [
    'an unknown copy',
    'databases:\n  db1:\n    active: ex1\n    copies:\n      - ex1\n      - ex3\n',
    'line 6: "ex3" is no server of POSTERN_SERVERS',
  ],
  [
    'an owner without a copy',
    'databases:\n  db1:\n    active: ex1\n    copies: [ex2]\n',
    'line 4: the active server ex1 is not among the copies',
  ],
  [
    'a slip in a status',
    'databases:\n  db1:\n    active: ex1\n    status: monted\n',
    'line 4: expected mounted, mounting, dismounted or dismounting',
  ],
  [
    'a generation with a fraction',
    'databases:\n  db1: { active: ex1, generation: 1.5 }\n',
    'line 2: expected a whole number',
  ],
  [
    'an unknown field',
    'databases:\n  db1:\n    active: ex1\n    stauts: mounted\n',
    'line 4: "stauts" is not known here; known: active, copies, status, generation',
  ],
  [
    'a database twice',
    'databases:\n  db1: { active: ex1 }\n  DB1: { active: ex2 }\n',
    'line 3: the database db1 is there twice',
  ],
  ['no fields', 'databases:\n  db1:\n', 'line 2: expected the fields of db1, such as { active: ex1 }'],
])('%s is told with its line', (_, text, problem) => {
  expect(parse(text)).toEqual({ problem: `/etc/copies ${problem}` });
});

test('broken YAML is told with its line', () => {
  const parsed = parse('databases:\n  db1: { active: ex1\n  db2: [\n');
  expect('problem' in parsed ? parsed.problem : '').toMatch(/^\/etc\/copies line [234]: /);
});

test('an alias is a mistake, not a way to make much of little', () => {
  expect(parse('databases:\n  db1: &a { active: ex1 }\n  db2: *a\n')).toHaveProperty('problem');
});

test('a file that turns bad leaves the last good claims, and the next good one is taken', async () => {
  const path = join(await makeTempFolder('copies'), 'copies.yaml');
  const clock = fakeClock();
  const sets: ClaimSet[] = [];
  const problems: string[] = [];
  put(path, 'databases: { db1: { active: ex1 } }');
  const watch = startCopiesFile({
    path,
    clock,
    serverIdOf,
    onClaims: (set) => sets.push(set),
    onProblem: (words) => problems.push(words),
  });
  put(path, 'databases: { db1: { active: ex3 } }');
  clock.advance(3000);
  expect([sets.length, problems]).toEqual([1, [`${path} line 1: "ex3" is no server of POSTERN_SERVERS`]]);
  put(path, 'databases: { db1: { active: ex2 } }');
  clock.advance(3000);
  expect(sets.map(({ claims }) => claims[0]?.activeServer)).toEqual(['ex1', 'ex2']);
  expect(problems).toHaveLength(1);
  watch.close();
});

test("claims that can't be taken in are a problem, and the next change is read", async () => {
  const path = join(await makeTempFolder('copies'), 'copies.yaml');
  const clock = fakeClock();
  const problems: string[] = [];
  put(path, 'databases: {}');
  const watch = startCopiesFile({
    path,
    clock,
    serverIdOf,
    onClaims: ({ claims }) => {
      throw new Error(`full of ${claims.length}`);
    },
    onProblem: (words) => problems.push(words),
  });
  put(path, 'databases: { db1: { active: ex1 } }');
  clock.advance(3000);
  expect(problems).toEqual([`${path} can't be taken: full of 0`, `${path} can't be taken: full of 1`]);
  watch.close();
});

function put(path: string, text: string): void {
  writeFileSync(`${path}.draft`, text);
  renameSync(`${path}.draft`, path);
}

function parse(text: string) {
  return parseCopiesFile(text, { path: '/etc/copies', serverIdOf, receivedAt: 5 as Moment });
}
