import { afterEach, expect, test } from 'vitest';
import { agentVoice } from '../support/agent-voice.ts';
import { eventually, timed } from '../support/eventually.ts';
import { answerTo, command, logIn, serverNameOf } from '../support/imap-talk.ts';
import { sendingBy } from '../support/raw-connection.ts';
import { politeTalk } from '../support/stub-server.ts';
import { type StubSite, ann, bob, cid, siteDatabases, startStubSite } from '../support/stub-site.ts';
import { databaseRow, sessionsOf, statusOf } from '../support/watching.ts';

let site: StubSite;

afterEach(async () => {
  await site?.close();
});

test('F14 a dismounted database is a temporary failure; its neighbours are served', async () => {
  site = await startStubSite();
  const { gateway, ex1, ex2 } = site;
  await gateway.agent.say({ ...siteDatabases, db1: { on: 'ex1', status: 'Dismounted' } });
  await expect(logIn(gateway.imaps, ann)).rejects.toThrow('BYE [UNAVAILABLE]');
  expect([...ex1.logins, ...ex2.logins].filter(({ user }) => user === ann.user)).toEqual([]);
  const neighbour = await logIn(gateway.imaps, cid);
  expect(await serverNameOf(neighbour)).toBe('ex1');
  expect(await databaseRow(gateway, 'db1')).toMatchObject({ state: 'dismounted', server: 'ex1' });
  const { stdout } = await gateway.postern('whereis', ann.user, '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    database: 'db1',
    server: null,
    reason: expect.stringContaining('dismounted'),
  });
});

test.each(['[UNAVAILABLE]', '[SERVERBUG]', '[INUSE]'])(
  'F14 a server that can not open the store (NO %s) has not judged the password: temporary failure',
  async (code) => {
    site = await startStubSite();
    site.ex1.setTalk(async (connection, stub) => {
      const refused = `NO ${code} no store`;
      const change = (data: string) => data.replace(/OK \[CAPABILITY.*logged in/, refused);
      await politeTalk(
        sendingBy(connection, (data) => connection.send(change(data))),
        stub,
      );
    });
    await expect(logIn(site.gateway.imaps, ann)).rejects.toThrow(/BYE \[UNAVAILABLE\]/);
    expect(site.ex2.logins).toEqual([]);
    const neighbour = await logIn(site.gateway.imaps, bob);
    expect(await serverNameOf(neighbour)).toBe('ex2');
  },
);

test('F15 a planned move: logins are on the new server within 2 s, none on the old one', async () => {
  site = await startStubSite();
  const { gateway, ex1, ex2 } = site;
  const old = await logIn(gateway.imaps, ann);
  const neighbour = await logIn(gateway.imaps, cid);
  const loginsBefore = ex1.logins.length;
  const generation = (await databaseRow(gateway, 'db1')).generation ?? 0;
  const { value: moved, tookMs } = await timed(async () => {
    await gateway.agent.say({ ...siteDatabases, db1: 'ex2' });
    return logIn(gateway.imaps, ann);
  });
  expect(tookMs).toBeLessThan(2_000);
  expect(await serverNameOf(moved)).toBe('ex2');
  expect(await old.rest()).toMatch(/^(\* BYE .*\r\n)?$/);
  for (let count = 0; count < 20; count++) (await logIn(gateway.imaps, ann)).destroy();
  expect(ex1.logins.length).toBe(loginsBefore);
  expect(ex2.logins.length).toBe(21);
  expect(await answerTo(neighbour, 'NOOP')).toMatch(/^OK /);
  expect((await databaseRow(gateway, 'db1')).generation).toBeGreaterThan(generation);
});

test('F15 an idle session of a moved exclusive database gets a BYE', async () => {
  site = await startStubSite();
  const idle = await logIn(site.gateway.imaps, ann);
  await eventually('it counts as idle', async () => (await sessionsOf(site.gateway))[0]!.idleMs > 300);
  await site.gateway.agent.say({ ...siteDatabases, db1: 'ex2' });
  expect(await idle.rest()).toMatch(/^\* BYE \[UNAVAILABLE\]/);
});

test('F15 logins that come while the database moves wait, and land on the new server', async () => {
  site = await startStubSite({ POSTERN_MOVE_HOLD_FOR: '10s' });
  const { gateway, ex1 } = site;
  await gateway.agent.say({ ...siteDatabases, db1: { on: 'ex1', status: 'Dismounting' } });
  const waiting = [logIn(gateway.imaps, ann), logIn(gateway.imaps, ann), logIn(gateway.imaps, ann)];
  await eventually('three wait', async () => {
    return (await sessionsOf(gateway)).length === 3;
  });
  await gateway.agent.say({ ...siteDatabases, db1: 'ex2' });
  for (const client of await Promise.all(waiting)) expect(await serverNameOf(client)).toBe('ex2');
  expect(ex1.logins.filter(({ user }) => user === ann.user)).toEqual([]);
});

test('F16 a crash and then the move: the next login works within 5 s', async () => {
  site = await startStubSite({ POSTERN_MOVE_HOLD_FOR: '10s' });
  const { gateway, ex1 } = site;
  const sessions = await Promise.all([logIn(gateway.imaps, ann), logIn(gateway.imaps, ann)]);
  const { value: client, tookMs } = await timed(async () => {
    await ex1.crash();
    const waiting = logIn(gateway.imaps, ann);
    await gateway.agent.say({ ...siteDatabases, db1: 'ex2', db3: 'ex2' });
    return waiting;
  });
  expect(tookMs).toBeLessThan(5_000);
  expect(await serverNameOf(client)).toBe('ex2');
  for (const session of sessions) await session.rest(1_000);
});

test('F17 two servers claim one database: nobody is let in, nobody is moved, it is said in 5 s', async () => {
  site = await startStubSite();
  const { gateway, ex1, ex2 } = site;
  const open = await logIn(gateway.imaps, ann);
  const { generation } = await databaseRow(gateway, 'db1');
  gateway.agent.silence();
  const logins = () => ex1.logins.length + ex2.logins.length;
  const before = logins();
  const { tookMs } = await timed(async () => {
    const rival = agentVoice(gateway.adminSocket, ['ex1', 'ex2'], 'rival');
    await rival.say({ db1: 'ex2' });
    await eventually(
      'the dispute is seen',
      async () => (await databaseRow(gateway, 'db1')).state === 'disputed',
    );
  });
  expect(tookMs).toBeLessThan(5_000);
  const alarm = gateway
    .records()
    .find(({ level, text }) => level === 'error' && String(text).includes('db1'));
  expect(alarm?.['text']).toMatch(/ex1 and ex2/);
  for (let count = 0; count < 3; count++)
    await expect(logIn(gateway.imaps, ann)).rejects.toThrow('BYE [UNAVAILABLE]');
  expect(logins()).toBe(before);
  expect(await answerTo(open, 'NOOP')).toMatch(/^OK /);
  expect(await databaseRow(gateway, 'db1')).toMatchObject({ generation });
});

test('F17 when the sources agree again, the database is served again', async () => {
  site = await startStubSite({ POSTERN_MOVE_HOLD_FOR: '10s' });
  const { gateway } = site;
  gateway.agent.silence();
  const rival = agentVoice(gateway.adminSocket, ['ex1', 'ex2'], 'rival');
  await rival.say({ db1: 'ex2' });
  await eventually(
    'the dispute is seen',
    async () => (await databaseRow(gateway, 'db1')).state === 'disputed',
  );
  const waiting = logIn(gateway.imaps, ann);
  await gateway.agent.say({ ...siteDatabases, db1: 'ex2' });
  expect(await serverNameOf(await waiting)).toBe('ex2');
});

test('F18 a source that falls silent changes nothing: the last owner is kept, its age shown', async () => {
  site = await startStubSite({ POSTERN_CLAIM_STALE_AFTER: '1s' });
  const { gateway } = site;
  const open = await logIn(gateway.imaps, ann);
  gateway.agent.silence();
  await eventually(
    'the claim is stale',
    async () => (await databaseRow(gateway, 'db1')).state === 'remembered',
  );
  const client = await logIn(gateway.imaps, ann);
  expect(await serverNameOf(client)).toBe('ex1');
  expect((await command(open, 'NOOP')).at(-1)).toMatch(/ OK /);
  const [source] = (await statusOf(gateway)).sources;
  expect(source).toMatchObject({ isStale: true });
  expect(source?.ageMs).toBeGreaterThan(1_000);
  const metrics = (await gateway.admin('GET /metrics')).text;
  const age = Number(/^postern_source_age_seconds\{[^}]*\} ([\d.]+)/m.exec(metrics)?.[1]);
  expect(age).toBeGreaterThan(1);
  await gateway.agent.say({ ...siteDatabases, db1: 'ex2' });
  expect(await serverNameOf(await logIn(gateway.imaps, ann))).toBe('ex2');
});
