/** Settings and files with mistakes in them: what stays, and what is said. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { posternPath } from '../support/gateway.ts';
import { logIn, serverNameOf } from '../support/imap-talk.ts';
import { type StubSite, ann, bob, startStubSite } from '../support/stub-site.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

let site: StubSite | undefined;

afterEach(async () => {
  await site?.close();
  site = undefined;
});

test('bad settings: exit 78, and every problem is named at once', async () => {
  const env = {
    POSTERN_SERVERS: 'ex1',
    POSTERN_SERVER_EX1_ADRESS: '10.0.0.1',
    POSTERN_WORKERS: '99',
    POSTERN_PRESET: 'domino',
  };
  const { status, stderr, stdout } = await runChild(process.execPath, [posternPath, 'run'], { env });
  expect(status).toBe(78);
  const missing = ['POSTERN_SERVER_EX1_ADDRESS', 'POSTERN_TLS_CERT_PATH'];
  for (const name of [...Object.keys(env).slice(1), ...missing]) expect(stderr + stdout).toContain(name);
});

test('a bad directory file: the last good one stays, and the error names file and line', async () => {
  site = await startStubSite();
  const { gateway } = site;
  const path = join(gateway.folder, 'mailboxes');
  await writeFile(path, `${ann.user} db2\n${bob.user}\n`);
  await eventually('the error', () => gateway.log().includes(`${path} line 2`));
  const client = await logIn(gateway.imaps, ann);
  expect(await serverNameOf(client)).toBe('ex1');
  await writeFile(path, `${ann.user} db2\n${bob.user} db2\n`);
  await eventually('ann is in db2', async () => {
    const { stdout } = await gateway.postern('whereis', ann.user, '--json');
    return (JSON.parse(stdout) as { database: string }).database === 'db2';
  });
});

test('a copies file is followed, and one with a mistake changes nothing', async () => {
  const path = join(await makeTempFolder('copies'), 'copies.yaml');
  await writeFile(path, copiesWith('ex1'));
  site = await startStubSite({ POSTERN_COPY_SOURCES: 'file', POSTERN_COPIES_PATH: path });
  const { gateway } = site;
  expect(await serverNameOf(await logIn(gateway.imaps, ann))).toBe('ex1');
  await writeFile(path, copiesWith('ex9'));
  await eventually('the error', () => gateway.log().includes(`${path} line 2`));
  expect(await serverNameOf(await logIn(gateway.imaps, ann))).toBe('ex1');
  await writeFile(path, copiesWith('ex2'));
  await eventually('the next login is on ex2', async () => {
    const client = await logIn(gateway.imaps, ann);
    return (await serverNameOf(client)) === 'ex2';
  });
});

function copiesWith(server: string): string {
  return `databases:\n  db1: { active: ${server}, copies: [ex1, ex2], status: mounted }\n`;
}
