import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startFileDirectory } from '#gateway/directory/file-directory';
import type { MailboxesLoaded } from '#gateway/directory/file-directory';
import { fakeClock } from '../../support/fake-clock.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const loaded: MailboxesLoaded = { mailboxes: 1, keys: 2, databases: ['db1'], bytes: 100 };

test('the file is read at once, and again after a change', async () => {
  const site = await createSite();
  site.answer(loaded);
  await site.directory.first;
  expect(site.directory.status()).toEqual({ loaded, loadedAt: 0, problem: undefined });
  site.change();
  expect(site.asked()).toBe(2);
  site.answer({ ...loaded, mailboxes: 5 });
  await site.settled();
  expect(site.directory.status()).toMatchObject({ loaded: { mailboxes: 5 }, loadedAt: 3000 });
  expect(site.told).toEqual(['1 mailboxes', '5 mailboxes']);
});

test('a bad file is told, and the last good reading stays', async () => {
  const site = await createSite();
  site.answer(loaded);
  await site.directory.first;
  site.change();
  site.answer(new Error('/etc/mailboxes line 3: no database'));
  await site.settled();
  expect(site.directory.status()).toEqual({
    loaded,
    loadedAt: 0,
    problem: '/etc/mailboxes line 3: no database',
  });
  expect(site.told).toEqual(['1 mailboxes', '/etc/mailboxes line 3: no database']);
  site.change();
  site.answer(loaded);
  await site.settled();
  expect(site.directory.status()).toMatchObject({ problem: undefined });
});

test('changes during a reading ask for one more, and readings never overlap', async () => {
  const site = await createSite();
  site.change();
  site.change();
  expect(site.asked()).toBe(1);
  site.answer(loaded);
  await site.settled();
  expect(site.asked()).toBe(2);
  site.answer(loaded);
  await site.directory.first;
  expect(site.asked()).toBe(2);
});

test("a reading that can't be taken in is a problem, and the next change is read", async () => {
  const site = await createSite();
  site.answer({ ...loaded, mailboxes: -1 });
  await site.directory.first;
  site.change();
  site.answer(loaded);
  await site.settled();
  expect(site.told).toEqual(['no such number', '1 mailboxes']);
});

test('a directory that is closed tells nothing of the reading under way', async () => {
  const site = await createSite();
  site.directory.close();
  site.answer(loaded);
  await site.directory.first;
  site.change();
  expect([site.told, site.asked()]).toEqual([[], 1]);
});

async function createSite() {
  const path = join(await makeTempFolder('directory'), 'mailboxes');
  writeFileSync(path, 'a');
  const clock = fakeClock();
  const told: string[] = [];
  const waiting: { resolve: (value: MailboxesLoaded) => void; reject: (error: Error) => void }[] = [];
  let asked = 0;
  let text = 'a';
  const directory = startFileDirectory({
    path,
    clock,
    load: () => {
      asked++;
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    onLoaded: ({ mailboxes }) => {
      if (mailboxes < 0) throw new Error('no such number');
      told.push(`${mailboxes} mailboxes`);
    },
    onProblem: (words) => told.push(words),
  });
  return {
    directory,
    told,
    asked: () => asked,
    answer(outcome: MailboxesLoaded | Error) {
      const reading = waiting.shift();
      if (outcome instanceof Error) reading?.reject(outcome);
      else reading?.resolve(outcome);
    },
    /** Renames a longer file over it, and lets the poll and the pause pass. */
    change() {
      text += 'a';
      writeFileSync(`${path}.draft`, text);
      renameSync(`${path}.draft`, path);
      clock.advance(3000);
    },
    /** A reading's outcome takes some turns of the promise queue. */
    settled: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
}
