/** SIGTERM with sessions open. */
import { afterEach, expect, test } from 'vitest';
import { timed } from '../support/eventually.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, bob, startStubSite } from '../support/stub-site.ts';
import { endedAs } from '../support/watching.ts';

let site: StubSite;

afterEach(async () => {
  await site?.close();
});

test('SIGTERM: no new connections, sessions go on until they end, and the exit is clean', async () => {
  site = await startStubSite({ POSTERN_DRAIN_TIMEOUT: '20s' });
  const { gateway } = site;
  const [leaving, staying] = [await logIn(gateway.imaps, ann), await logIn(gateway.imaps, bob)];
  const stopped = gateway.stop();
  await expect
    .poll(() => connectRaw({ port: gateway.imap.port }).then((it) => it.destroy(), String))
    .toContain('ECONNREFUSED');
  expect(await answerTo(staying, 'NOOP')).toMatch(/^OK /);
  for (const client of [leaving, staying]) {
    expect(await answerTo(client, 'LOGOUT')).toMatch(/^OK /);
    await client.rest();
  }
  const { value, tookMs } = await timed(() => stopped);
  expect(value.status).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
});

test('SIGTERM: sessions still open after the drain timeout get a BYE', async () => {
  site = await startStubSite({ POSTERN_DRAIN_TIMEOUT: '1s' });
  const { gateway } = site;
  const client = await logIn(gateway.imaps, ann);
  const { value, tookMs } = await timed(async () => {
    const stopped = gateway.stop();
    expect(await client.rest()).toMatch(/^\* BYE \[UNAVAILABLE\]/);
    return stopped;
  });
  expect(value.status).toBe(0);
  expect(tookMs).toBeLessThan(6_000);
  await endedAs(gateway, 'shutdown');
});
