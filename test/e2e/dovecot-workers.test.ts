/** Workers that end while users of real Dovecots are connected. */
import { afterAll, beforeAll, expect } from 'vitest';
import { openImapFlow } from '../support/clients.ts';
import {
  type DovecotSite,
  ann,
  bob,
  dovecotTest,
  hasDovecot,
  startDovecotSite,
} from '../support/dovecot-site.ts';
import { type WorkerFaults, makeWorkerFaults } from '../support/worker-faults.ts';

let site: DovecotSite;
let faults: WorkerFaults;

beforeAll(async () => {
  if (!hasDovecot) return;
  faults = await makeWorkerFaults();
  site = await startDovecotSite({ POSTERN_WORKERS: '1', ...faults.settings });
});

afterAll(async () => {
  await site?.close();
});

dovecotTest.for(['terminate', 'throw'] as const)(
  'a worker ends by %s: who is logged in stays, who comes is served',
  async (fault) => {
    const client = await openImapFlow(site.gateway, ann);
    const lock = await client.getMailboxLock('INBOX');
    await faults.strikeAll(fault);
    const appended = await client.append('INBOX', `Subject: after ${fault}\r\n\r\nhello\r\n`);
    const uid = appended === false ? 0 : (appended.uid ?? 0);
    const found = await client.fetchOne(String(uid), { envelope: true }, { uid: true });
    expect(found === false ? undefined : found.envelope?.subject).toBe(`after ${fault}`);
    lock.release();
    await client.logout();
    const next = await openImapFlow(site.gateway, bob);
    expect(next.serverInfo).toMatchObject({ name: 'ex2' });
    await next.logout();
  },
);
