/**
 * Real Dovecots whose databases move, die, freeze and lose their store: where the next login lands, and when.
 */
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { openImapFlow } from '../support/clients.ts';
import {
  type DovecotSite,
  ann,
  bob,
  cid,
  dovecotTest,
  hasDovecot,
  startDovecotSite,
} from '../support/dovecot-site.ts';
import { eventually, timed } from '../support/eventually.ts';
import { answerTo, command, logIn, serverNameOf } from '../support/imap-talk.ts';
import { databaseRow, healthOf } from '../support/watching.ts';

let site: DovecotSite;

beforeAll(async () => {
  if (hasDovecot) site = await startDovecotSite();
});

afterEach(async () => {
  if (!hasDovecot) return;
  await site?.heal();
  for (const name of ['ex1', 'ex2']) await healthOf(site.gateway, name, 'up');
  await eventually('every store is well', async () => {
    const rows = await Promise.all(['db1', 'db2', 'db3'].map((name) => databaseRow(site.gateway, name)));
    return rows.every(({ fault }) => fault === '');
  });
});

afterAll(async () => {
  await site?.close();
});

dovecotTest(
  'a moved database: the next login is on the new server within 2 s, by its own log, with the mail',
  async () => {
    const { gateway, pair } = site;
    const writer = await openImapFlow(gateway, ann);
    await writer.append('INBOX', 'Subject: before the move\r\n\r\nhello\r\n');
    const before = await databaseRow(gateway, 'db1');
    await pair.move('db1', 'ex2');
    const logins = { ex1: await pair.ex1.loginsOf(ann.user), ex2: await pair.ex2.loginsOf(ann.user) };
    const { value: client, tookMs } = await timed(async () => {
      await site.tell();
      return openImapFlow(gateway, ann);
    });
    expect(tookMs).toBeLessThan(2_000);
    expect(await pair.ex2.loginsOf(ann.user)).toBe(logins.ex2 + 1);
    expect(await pair.ex1.loginsOf(ann.user)).toBe(logins.ex1);
    const lock = await client.getMailboxLock('INBOX');
    expect((await client.search({ subject: 'before the move' })) || []).not.toHaveLength(0);
    lock.release();
    await client.logout();
    const after = await databaseRow(gateway, 'db1');
    expect(after).toMatchObject({ server: 'ex2', state: 'served' });
    expect(after.generation).toBeGreaterThan(before.generation ?? 0);
    const { stdout, status } = await gateway.postern('whereis', ann.user, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      mailbox: ann.user,
      database: 'db1',
      server: 'ex2',
      generation: after.generation,
    });
  },
);

dovecotTest('a session on another database stays open through a move, the same one', async () => {
  const { gateway } = site;
  const idle = await logIn(gateway.imaps, bob);
  await answerTo(idle, 'SELECT INBOX');
  idle.send('i IDLE\r\n');
  expect(await idle.line()).toMatch(/^\+/);
  const sessionOf = async () => {
    const { sessions } = (await gateway.admin(`GET /v1/sessions?user=${bob.user}`)).json<{
      sessions: { session: string }[];
    }>();
    return sessions.map(({ session }) => session);
  };
  const before = await sessionOf();
  await site.move('db1', 'ex2');
  (await logIn(gateway.imaps, ann)).destroy();
  expect(await sessionOf()).toEqual(before);
  idle.send('DONE\r\n');
  expect((await idle.linesUntil(/^i /)).at(-1)).toMatch(/^i OK/);
  idle.destroy();
});

dovecotTest(
  'a killed server: its sessions end within a second, its databases are served by the other after the move',
  async () => {
    const { gateway, pair } = site;
    const sessions = [await logIn(gateway.imaps, ann), await logIn(gateway.imaps, cid)];
    const bystander = await logIn(gateway.imaps, bob);
    const { tookMs } = await timed(async () => {
      await pair.ex1.kill();
      for (const session of sessions) await session.rest(2_000);
    });
    expect(tookMs).toBeLessThan(1_000);
    const login = logIn(gateway.imaps, cid);
    await pair.forceMove('db1', 'ex2');
    await pair.forceMove('db3', 'ex2');
    await site.tell();
    expect(await serverNameOf(await login)).toBe('ex2');
    expect(await serverNameOf(await logIn(gateway.imaps, ann))).toBe('ex2');
    expect(await answerTo(bystander, 'NOOP')).toMatch(/^OK /);
  },
);

dovecotTest(
  'a frozen server is found down, its sessions are ended, and the other serves after the move',
  async () => {
    const { gateway, pair } = site;
    const session = await logIn(gateway.imaps, ann);
    pair.ex1.freeze();
    expect(await healthOf(gateway, 'ex1', 'down')).toMatch(/within 1/);
    await session.rest(5_000);
    await pair.forceMove('db1', 'ex2');
    await pair.forceMove('db3', 'ex2');
    await site.tell();
    expect(await serverNameOf(await logIn(gateway.imaps, ann))).toBe('ex2');
  },
  60_000,
);

dovecotTest(
  'F14 a store that fails while its server is up: temporary failure there, its neighbours are served',
  async () => {
    const { gateway, pair } = site;
    await pair.ex1.detachStore('db1');
    const row = await eventually('the login probe finds it', async () => {
      const found = await databaseRow(gateway, 'db1');
      return found.fault !== '' && found;
    });
    expect(row).toMatchObject({ server: 'ex1', state: 'served' });
    const logins = await pair.ex2.loginsOf(ann.user);
    await expect(logIn(gateway.imaps, ann)).rejects.toThrow('BYE [UNAVAILABLE]');
    expect(await pair.ex2.loginsOf(ann.user)).toBe(logins);
    const neighbour = await logIn(gateway.imaps, cid);
    expect((await command(neighbour, 'SELECT INBOX')).at(-1)).toMatch(/ OK /);
    neighbour.destroy();
    await pair.ex1.attachStore('db1');
    await eventually('ann is let in again', async () => (await logIn(gateway.imaps, ann)).isOpen());
  },
);

dovecotTest('the log of a session names the port by which the server knows it', async () => {
  const { gateway, pair } = site;
  const before = gateway.ends().length;
  const client = await logIn(gateway.imaps, ann);
  await answerTo(client, 'LOGOUT');
  await client.rest();
  const record = await eventually('the log line', () =>
    gateway
      .ends()
      .slice(before)
      .find(({ user }) => user === ann.user),
  );
  expect(record).toMatchObject({ server: 'ex1', database: 'db1', reason: 'server_closed' });
  expect(await pair.ex1.log()).toContain(`rport=${String(record['localPort'])}, `);
});
