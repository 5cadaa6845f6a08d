/** Standard clients through the gateway to real Dovecots: they must not notice that it is there. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { openImapFlow, runCurl, runImaplib, runMbsync } from '../support/clients.ts';
import {
  type DovecotSite,
  ann,
  bob,
  dovecotTest,
  hasDovecot,
  startDovecotSite,
} from '../support/dovecot-site.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const ways = ['imaps', 'starttls'] as const;

let site: DovecotSite;

beforeAll(async () => {
  if (hasDovecot) site = await startDovecotSite();
});

afterAll(async () => {
  await site?.close();
});

dovecotTest.each(ways)('imapflow over %s: each user is on the server of its database', async (how) => {
  for (const [account, server] of [
    [ann, 'ex1'],
    [bob, 'ex2'],
  ] as const) {
    const client = await openImapFlow(site.gateway, account, how);
    expect(client.serverInfo).toMatchObject({ name: server });
    const appended = await client.append('INBOX', `Subject: from ${how}\r\n\r\nhello\r\n`);
    const lock = await client.getMailboxLock('INBOX');
    const uid = appended === false ? 0 : (appended.uid ?? 0);
    const found = await client.fetchOne(String(uid), { envelope: true }, { uid: true });
    expect(found === false ? undefined : found.envelope?.subject).toBe(`from ${how}`);
    lock.release();
    await client.logout();
  }
});

dovecotTest.each(ways)('imaplib over %s', async (how) => {
  const { status, stdout, stderr } = await runImaplib(
    site.gateway,
    ann,
    how,
    `
client.append('INBOX', None, None, b'Subject: imaplib\\r\\n\\r\\nhello\\r\\n')
print(client.select('INBOX')[0])
print(len(client.search(None, 'SUBJECT', 'imaplib')[1][0].split()) > 0)
`,
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout.trim().split('\n')).toEqual(['OK', 'True']);
});

dovecotTest.each(ways)('curl over %s', async (how) => {
  const { status, stdout, stderr } = await runCurl(site.gateway, bob, {
    how,
    path: 'INBOX',
    more: ['-X', 'STATUS INBOX (MESSAGES)'],
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\* STATUS INBOX \(MESSAGES \d+\)/);
});

dovecotTest('curl with a wrong password is told so', async () => {
  const account = { user: bob.user, password: 'not this' };
  const { status, stderr } = await runCurl(site.gateway, account, { how: 'imaps', path: 'INBOX' });
  expect(status).toBe(67);
  expect(stderr).toMatch(/denied/i);
});

dovecotTest('mbsync pulls the whole INBOX', async () => {
  const client = await openImapFlow(site.gateway, ann);
  for (let count = 0; count < 5; count++) await client.append('INBOX', `Subject: ${count}\r\n\r\nhello\r\n`);
  const { messages } = (await client.status('INBOX', { messages: true })) as { messages: number };
  await client.logout();
  const folder = await makeTempFolder('mbsync');
  const { status, stderr } = await runMbsync(site.gateway, ann, folder);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(
    readdirSync(join(folder, 'mail/INBOX/new')).length + readdirSync(join(folder, 'mail/INBOX/cur')).length,
  ).toBe(messages);
});

dovecotTest(
  'a message of 20 MiB goes up and comes down the same, whichever client carries it',
  { timeout: 180_000 },
  async () => {
    // Lines, so that no client wraps them; random, so that nothing can be left out unseen.
    const lines = Array.from({ length: 376_000 }, () => randomBytes(27).toString('hex'));
    const message = Buffer.from(`Subject: large\r\n\r\n${lines.join('\r\n')}\r\n`).subarray(
      0,
      20 * 1024 * 1024 - 2,
    );
    const body = Buffer.concat([message, Buffer.from('\r\n')]);
    expect(body.length).toBe(20 * 1024 * 1024);
    const client = await openImapFlow(site.gateway, ann);
    const appended = await client.append('INBOX', body);
    const uid = appended === false ? 0 : (appended.uid ?? 0);
    const lock = await client.getMailboxLock('INBOX');
    const found = await client.fetchOne(String(uid), { source: true }, { uid: true });
    expect(sha256(found === false ? undefined : found.source)).toBe(sha256(body));
    lock.release();
    await client.logout();

    const folder = await makeTempFolder('bulk');
    const path = join(folder, 'message');
    const down = await runCurl(site.gateway, ann, {
      how: 'starttls',
      path: `INBOX;UID=${uid}`,
      more: ['-o', path],
    });
    expect(down.stderr).toBe('');
    expect(sha256(await readFile(path))).toBe(sha256(body));
    await writeFile(path, body);
    const up = await runCurl(site.gateway, bob, { how: 'imaps', path: 'INBOX', more: ['-T', path] });
    expect(up.stderr).toBe('');
    const { stdout } = await runImaplib(
      site.gateway,
      bob,
      'starttls',
      `
import hashlib
client.select('INBOX')
last = client.search(None, 'ALL')[1][0].split()[-1]
print(hashlib.sha256(client.fetch(last, '(BODY.PEEK[])')[1][0][1]).hexdigest())
`,
    );
    expect(stdout.trim()).toBe(sha256(body));
  },
);
function sha256(bytes: Uint8Array | undefined): string {
  return createHash('sha256')
    .update(bytes ?? new Uint8Array())
    .digest('hex');
}
