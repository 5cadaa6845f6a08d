/** SIGTERM with sessions open. */
import { afterEach, expect, test } from 'vitest';
import { timed } from '../support/eventually.ts';
import { logIn } from '../support/imap-talk.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, bob, startStubSite } from '../support/stub-site.ts';
import { endedAs } from '../support/watching.ts';

let site: StubSite;

afterEach(async () => {
  await site?.close();
});

test('SIGTERM: nobody new, the idle get a BYE, the busy finish first, and the exit is clean', async () => {
  site = await startStubSite({ POSTERN_DRAIN_TIMEOUT: '20s' });
  const { gateway } = site;
  const [idle, busy] = [await logIn(gateway.imaps, ann), await logIn(gateway.imaps, bob)];
  busy.send('b1 NO');
  const stopped = gateway.stop();
  await expect
    .poll(() => connectRaw({ port: gateway.imap.port }).then((it) => it.destroy(), String))
    .toContain('ECONNREFUSED');
  expect(await idle.rest()).toMatch(/^\* BYE \[UNAVAILABLE\]/);
  busy.send('OP\r\n');
  expect(await busy.line()).toMatch(/^b1 OK /);
  expect(await busy.rest()).toMatch(/^\* BYE \[UNAVAILABLE\]/);
  const { value, tookMs } = await timed(() => stopped);
  expect(value.status).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
});

test('SIGTERM: a session busy beyond the drain timeout is told why, and the exit is clean', async () => {
  site = await startStubSite({ POSTERN_DRAIN_TIMEOUT: '1s' });
  const { gateway } = site;
  const client = await logIn(gateway.imaps, ann);
  client.send('b1 NO');
  const { value, tookMs } = await timed(async () => {
    const stopped = gateway.stop();
    expect(await client.rest()).toMatch(/^\* BYE \[UNAVAILABLE\]/);
    return stopped;
  });
  expect(value.status).toBe(0);
  expect(tookMs).toBeLessThan(6_000);
  await endedAs(gateway, 'shutdown');
});

test('SIGTERM: a server that leaves a probe without an answer does not keep the gateway alive', async () => {
  site = await startStubSite();
  const { gateway, ex1 } = site;
  const isAsked = new Promise<void>((resolve) => {
    ex1.setTalk(async (connection) => {
      connection.send('* OK mute\r\n');
      await connection.line();
      resolve();
      await new Promise(() => undefined);
    });
  });
  await isAsked;
  const { value, tookMs } = await timed(() => gateway.stop());
  expect(value.status).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
});
