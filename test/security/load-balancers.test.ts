/** PROXY headers of load balancers: from whom they are believed, and what then counts. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { trusting } from '../support/gateway.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { type LoadBalancer, headerV1, headerV2, startLoadBalancer } from '../support/load-balancer.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { endedAs, healthOf, sessionsOf } from '../support/watching.ts';

let site: StubSite;
const balancers: LoadBalancer[] = [];

beforeAll(async () => {
  site = await startStubSite({
    POSTERN_PROXY_PROTOCOL: 'imaps,imap',
    POSTERN_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8',
    POSTERN_MAX_CONNECTIONS_PER_ADDRESS: '2',
    POSTERN_SERVER_IDENTITY: 'imap:id',
  });
  // Until a probe has seen that it takes ID, it gets none.
  await healthOf(site.gateway, 'ex1', 'up');
});

afterEach(async () => {
  await Promise.all(balancers.splice(0).map((balancer) => balancer.close()));
});

afterAll(async () => {
  await site?.close();
});

async function throughBalancer(header: Buffer): Promise<RawConnection> {
  const balancer = await startLoadBalancer({ to: site.gateway.imaps.port, header: () => header });
  balancers.push(balancer);
  return logIn({ port: balancer.port, tls: trusting(site.gateway.authority) }, ann);
}

test.each([
  ['version 1', headerV1('192.0.2.1', 1111), '192.0.2.1:1111'],
  ['version 2', headerV2('192.0.2.1', 2222), '192.0.2.1:2222'],
])('V51 %s together with the TLS hello: the client of the header counts', async (_, header, address) => {
  const client = await throughBalancer(header);
  const [row] = await sessionsOf(site.gateway);
  expect(row).toMatchObject({ clientAddress: address, user: ann.user });
  expect(row?.proxyAddress).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(site.ex1.heard.join('\n')).toContain('"x-originating-ip" "192.0.2.1"');
  expect(site.ex1.heard.join('\n')).toContain('"x-connected-ip" "203.0.113.5"');
  client.destroy();
  const end = await eventually('its end in the log', () =>
    site.gateway.ends().find((record) => record['client'] === address),
  );
  expect(end).toMatchObject({ user: ann.user, proxy: row?.proxyAddress });
  await eventually('nobody is left', async () => (await sessionsOf(site.gateway)).length === 0);
});

test('V51 a header in pieces, and STARTTLS behind it', async () => {
  const client = await connectRaw({ port: site.gateway.imap.port });
  await client.sendSliced(headerV2('192.0.2.2').toString('latin1'), 5);
  expect(await client.line()).toContain('STARTTLS');
  await answerTo(client, 'STARTTLS');
  await client.startTls(trusting(site.gateway.authority));
  expect(await answerTo(client, `LOGIN ${ann.user} "${ann.password}"`)).toMatch(/^OK /);
  client.destroy();
});

test('V51 whoever is no trusted proxy is closed before a byte is read, header or not', async () => {
  for (const bytes of [headerV1('192.0.2.3'), headerV2('192.0.2.3'), Buffer.from('a NOOP\r\n')]) {
    const stranger = await connectRaw({ port: site.gateway.imap.port, localAddress: '127.0.0.7' });
    stranger.send(bytes);
    expect(await stranger.rest()).toBe('');
  }
  const end = await endedAs(site.gateway, 'proxy_untrusted');
  expect(end['client']).toMatch(/^127\.0\.0\.7:/);
  expect(end['detail']).toBe('127.0.0.7 is not in POSTERN_TRUSTED_PROXIES');
});

test.each([
  ['no header', 'a LOGIN ann secret\r\n'],
  ['a TLS hello at once', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['a port with a leading zero', 'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n'],
  ['version 3', '\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x0c'],
])('V51 a trusted proxy that sends %s is closed without a word', async (_, bytes) => {
  const before = site.gateway.ends().length;
  const client = await connectRaw({ port: site.gateway.imap.port });
  client.send(bytes);
  expect(await client.rest()).toBe('');
  const end = await eventually('its end in the log', () => site.gateway.ends()[before]);
  expect(end).toMatchObject({ reason: 'proxy_header_bad' });
  expect(JSON.stringify(end)).not.toContain('secret');
});

test('V51 the limit of an address counts the clients, not the load balancer', async () => {
  const clients: RawConnection[] = [];
  for (const from of ['192.0.2.4', '192.0.2.4', '192.0.2.5', '192.0.2.6']) {
    const client = await connectRaw({ port: site.gateway.imap.port });
    client.send(headerV1(from));
    expect(await client.line()).toMatch(/^\* OK /);
    clients.push(client);
  }
  const third = await connectRaw({ port: site.gateway.imap.port });
  third.send(headerV1('192.0.2.4'));
  expect(await third.rest()).toMatch(/^\* BYE \[LIMIT\]/);
  clients.forEach((client) => client.destroy());
});

test('V23 a second header is the client speaking, and changes nothing', async () => {
  const client = await connectRaw({ port: site.gateway.imap.port });
  client.send(Buffer.concat([headerV1('192.0.2.8'), headerV1('127.0.0.1')]));
  await client.line();
  expect(await client.line()).toMatch(/BAD/);
  const rows = await sessionsOf(site.gateway);
  expect(rows.map(({ clientAddress }) => clientAddress)).toContain('192.0.2.8:54321');
  expect(rows.map(({ clientAddress }) => clientAddress)).not.toContain('127.0.0.1:54321');
  client.destroy();
});
