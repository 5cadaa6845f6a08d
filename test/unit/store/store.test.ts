import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { formatKept, parseKept } from '#gateway/store/kept-text';
import { openStore } from '#gateway/store/store';
import { nothingKept } from '#model/kept';
import type { Kept } from '#model/kept';
import type { DatabaseId, Generation, ServerId } from '#model/ids';
import { makeTempFolder } from '../../support/temp-folder.ts';

const kept: Kept = keptOf({ db1: ['ex1', 5, undefined], db2: ['ex2', 1_790_000_000_000, 7] });

test('what was saved is found again', async () => {
  const folder = await makeTempFolder('store');
  const store = await openStore(folder, fail);
  expect(store.kept).toEqual(nothingKept);
  await store.save(kept);
  expect((await openStore(folder, fail)).kept).toEqual(kept);
});

test('nothing is written where nothing changed, in whatever order it comes', async () => {
  const folder = await makeTempFolder('store');
  const store = await openStore(folder, fail);
  await store.save(nothingKept);
  expect(existsSync(join(folder, 'state.json'))).toBe(false);
  await store.save(kept);
  const { ino } = statSync(join(folder, 'state.json'));
  await store.save({ ...kept, owners: new Map([...kept.owners].reverse()) });
  expect(statSync(join(folder, 'state.json')).ino).toBe(ino);
  const again = await openStore(folder, fail);
  await again.save(kept);
  expect(statSync(join(folder, 'state.json')).ino).toBe(ino);
});

test('of many saves in a row the last is what stands there', async () => {
  const folder = await makeTempFolder('store');
  const store = await openStore(folder, fail);
  const saves = Array.from({ length: 50 }, (_, count) =>
    store.save(keptOf({ db1: ['ex1', count, undefined] })),
  );
  await Promise.all(saves);
  expect(parseKept(readFileSync(join(folder, 'state.json'), 'utf8'))).toEqual({
    kept: keptOf({ db1: ['ex1', 49, undefined] }),
  });
});

test.each([
  ['cut off', formatKept(kept).slice(0, -20), 'is no JSON object; it may be cut off'],
  ['empty', '', 'is no JSON object; it may be cut off'],
  ['of another schema', '{"schema":"postern-state/2"}', 'has no "schema": "postern-state/1"'],
  ['without servers', '{"schema":"postern-state/1","databases":{}}', 'lacks "databases" or "servers"'],
  [
    'with a generation that is a text',
    state('"db1":{"server":"ex1","generation":"5"}'),
    'has no server and generation for the database "db1"',
  ],
  [
    'with a generation that shrank below 0',
    state('"db1":{"server":"ex1","generation":-1}'),
    'has no server and generation for the database "db1"',
  ],
  ['with an unknown admin state', state('', '"ex1":"broken"'), 'has an unknown state for the server "ex1"'],
])('a file that is %s is told, put aside, and the start goes on', async (_, text, trouble) => {
  const folder = await makeTempFolder('store');
  const path = join(folder, 'state.json');
  writeFileSync(path, text);
  const problems: string[] = [];
  const store = await openStore(folder, (words) => problems.push(words));
  expect(store.kept).toEqual(nothingKept);
  expect(problems).toEqual([`${path} ${trouble}; starting without it, and putting it aside as ${path}.bad`]);
  expect(readFileSync(`${path}.bad`, 'utf8')).toBe(text);
  await store.save(kept);
  expect((await openStore(folder, fail)).kept).toEqual(kept);
});

test('a save that fails is told, and the next one tries again', async () => {
  const folder = await makeTempFolder('store');
  const path = join(folder, 'state.json');
  const problems: string[] = [];
  const store = await openStore(folder, (words) => problems.push(words));
  mkdirSync(path);
  await store.save(kept);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(`${path} can't be written`);
  rmdirSync(path);
  await store.save(kept);
  expect((await openStore(folder, fail)).kept).toEqual(kept);
});

test('without a folder all is in memory', async () => {
  const store = await openStore(undefined, fail);
  await store.save(kept);
  expect(store.kept).toEqual(nothingKept);
});

test('others cannot read what is kept', async () => {
  const folder = await makeTempFolder('store');
  chmodSync(folder, 0o755);
  await (await openStore(folder, fail)).save(kept);
  expect(statSync(join(folder, 'state.json')).mode & 0o077).toBe(0);
});

test('any text parses or is told, and what was formatted parses to itself', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(Object.keys(parseKept(text))).toHaveLength(1);
    }),
  );
  const owners = fc.dictionary(
    fc.string({ minLength: 1 }),
    fc.tuple(fc.string({ minLength: 1 }), fc.nat(), fc.option(fc.nat(), { nil: undefined })),
  );
  fc.assert(
    fc.property(owners, (entries) => {
      const some = keptOf(entries);
      expect(parseKept(formatKept(some))).toEqual({ kept: some });
    }),
  );
});

function keptOf(
  entries: Record<string, [string, number, number | undefined]>,
  servers: Record<string, 'drain'> = { ex2: 'drain' },
): Kept {
  const owners = Object.entries(entries).map(([id, [server, generation, epoch]]) => {
    return [
      id as DatabaseId,
      { server: server as ServerId, generation: generation as Generation, epoch },
    ] as const;
  });
  return {
    owners: new Map(owners),
    admins: new Map(Object.entries(servers).map(([id, admin]) => [id as ServerId, admin])),
  };
}

function state(databases: string, servers = ''): string {
  return `{"schema":"postern-state/1","databases":{${databases}},"servers":{${servers}}}`;
}

function fail(words: string): never {
  throw new Error(words);
}
