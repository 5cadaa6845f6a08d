import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { timed } from '../support/eventually.ts';
import { answerTo, logIn, serverNameOf } from '../support/imap-talk.ts';
import { startStubServer } from '../support/stub-server.ts';
import { type StubSite, ann, bob, cid, siteDatabases, startStubSite } from '../support/stub-site.ts';
import { endedAs, healthOf } from '../support/watching.ts';

let site: StubSite;

afterEach(async () => {
  await site?.close();
});

test('F01 a server killed mid-session: its client knows within 1 s, and the next login works', async () => {
  site = await startStubSite();
  const { gateway, ex1 } = site;
  const [onEx1, onEx2] = [await logIn(gateway.imaps, ann), await logIn(gateway.imaps, bob)];
  await ex1.crash();
  const { value: said, tookMs } = await timed(() => onEx1.rest(5_000));
  expect(tookMs).toBeLessThan(1_000);
  expect(said).toMatch(/^(\* BYE .*\r\n)?$/);
  await gateway.agent.say({ ...siteDatabases, db1: 'ex2', db3: 'ex2' });
  const again = await timed(() => logIn(gateway.imaps, ann));
  expect(again.tookMs).toBeLessThan(1_000);
  expect(await serverNameOf(again.value)).toBe('ex2');
  expect(await answerTo(onEx2, 'NOOP')).toMatch(/^OK /);
});

test('F02 a server that stops says goodbye in its own words, to the byte', async () => {
  site = await startStubSite();
  const client = await logIn(site.gateway.imaps, ann);
  const words = '* BYE Server shutting down.\r\n';
  client.send('last NOOP\r\n');
  expect(await client.line()).toMatch(/^last OK/);
  site.ex1.sayToAll(words);
  await site.ex1.close();
  expect(await client.rest()).toBe(words);
  await endedAs(site.gateway, 'server_closed');
});

test('F05 a server that accepts and never greets: another takes the login within 8 s', async () => {
  site = await startStubSite({ POSTERN_MOVE_POLICY: 'free', POSTERN_PROBE_INTERVAL: '10m' });
  site.ex1.setTalk(() => new Promise(() => undefined));
  const { value: client, tookMs } = await timed(() => logIn(site.gateway.imaps, ann, 12_000));
  expect(tookMs).toBeLessThan(8_000);
  expect(await serverNameOf(client)).toBe('ex2');
});

test('F05 a server that never greets is out of the pool after three probes, with the reason', async () => {
  site = await startStubSite({
    POSTERN_GREETING_TIMEOUT: '300ms',
    POSTERN_PROBE_FALL: '3',
    POSTERN_MOVE_HOLD_FOR: '0s',
  });
  await healthOf(site.gateway, 'ex1', 'up');
  site.ex1.setTalk(() => new Promise(() => undefined));
  expect(await healthOf(site.gateway, 'ex1', 'down')).toMatch(/greeting/);
  await expect(logIn(site.gateway.imaps, cid)).rejects.toThrow('BYE [UNAVAILABLE]');
  const client = await logIn(site.gateway.imaps, bob);
  expect(await serverNameOf(client)).toBe('ex2');
});

test('F08 a closed port costs a login 50 ms at most, where another server may take it', async () => {
  site = await startStubSite({ POSTERN_MOVE_POLICY: 'free', POSTERN_PROBE_INTERVAL: '10m' });
  const loginMs = async () => {
    const { value: client, tookMs } = await timed(() => logIn(site.gateway.imaps, ann));
    const name = await serverNameOf(client);
    client.destroy();
    return { name, tookMs };
  };
  for (let warm = 0; warm < 5; warm++) await loginMs();
  const before = [await loginMs(), await loginMs(), await loginMs(), await loginMs(), await loginMs()];
  await site.ex1.close();
  const after = [await loginMs(), await loginMs(), await loginMs(), await loginMs(), await loginMs()];
  expect(before.map(({ name }) => name)).toEqual(Array(5).fill('ex1'));
  expect(after.map(({ name }) => name)).toEqual(Array(5).fill('ex2'));
  expect(median(after) - median(before)).toBeLessThan(50);
});

test('F08 a closed port refuses no password: an exclusive mailbox waits until it is back', async () => {
  site = await startStubSite({ POSTERN_MOVE_HOLD_FOR: '10s' });
  const { port } = site.ex1;
  await site.ex1.close();
  const login = logIn(site.gateway.imaps, ann, 12_000);
  await healthOf(site.gateway, 'ex1', 'down');
  // Nobody else may have taken the port meanwhile.
  const free = createServer().listen(port, '127.0.0.1');
  await once(free, 'listening');
  await new Promise((resolve) => free.close(resolve));
  const certificate = await site.authority.issue('ex1-again', ['ex1.test']);
  const back = await startStubServer({ name: 'ex1', certificate, port });
  const client = await login;
  expect(await serverNameOf(client)).toBe('ex1');
  client.destroy();
  await back.close();
});

function median(rounds: readonly { tookMs: number }[]): number {
  const sorted = rounds.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
