/** What a server is told of the client by a PROXY header, and that nobody else can tell it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway, trusting } from '../support/gateway.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { headerV1 } from '../support/load-balancer.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { type StubServer, politeTalk, startStubServer } from '../support/stub-server.ts';
import { ann } from '../support/stub-site.ts';

let stub: StubServer;
let gateway: Gateway;
const headers: string[] = [];

/** It lets in whom it trusts without a password: nobody but the gateway's own address, as it believes. */
async function trustingTalk(connection: RawConnection, server: StubServer): Promise<void> {
  const header = await connection.line();
  headers.push(header);
  const from = header.split(' ')[2] ?? '';
  return politeTalk(connection, server, {
    NOOP: async (tag) =>
      connection.send(`${tag} ${from === '127.0.0.1' ? 'OK you may relay' : `NO not from ${from}`}\r\n`),
  });
}

beforeAll(async () => {
  stub = await startStubServer({ name: 'ex1', talk: trustingTalk });
  gateway = await startGateway({
    servers: [{ name: 'ex1', port: stub.port }],
    databases: { db1: ['ex1'] },
    mailboxes: { [ann.user]: 'db1' },
    settings: { POSTERN_SERVER_IDENTITY: 'imap:proxy-v1' },
  });
  await gateway.agent.say({ db1: 'ex1' });
  gateway.agent.repeat();
});

afterAll(async () => {
  await gateway?.close();
  await stub?.close();
});

test('V18 a server that trusts the gateway itself still judges each client by its own address', async () => {
  const address = { ...gateway.imaps, localAddress: '127.0.0.8' };
  const client = await logIn(address, ann);
  expect(await answerTo(client, 'NOOP')).toBe('NO not from 127.0.0.8');
  expect(headers).toContain(`PROXY TCP4 127.0.0.8 127.0.0.1 ${client.localPort} ${gateway.imaps.port}`);
  client.destroy();
});

test('a probe is the gateway itself, and says so', () => {
  const own = new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 \\d+ ${stub.port}$`);
  expect(headers.filter((header) => own.test(header)).length).toBeGreaterThan(0);
});

test('V23 what a client sends as a header never reaches the server', async () => {
  const client = await connectRaw({ port: gateway.imap.port, localAddress: '127.0.0.8' });
  await client.line();
  client.send(headerV1('127.0.0.1'));
  expect(await client.line()).toMatch(/BAD/);
  await answerTo(client, 'STARTTLS');
  await client.startTls(trusting(gateway.authority));
  client.send(headerV1('127.0.0.1'));
  expect(await client.line()).toMatch(/BAD/);
  expect(await answerTo(client, `LOGIN ${ann.user} "${ann.password}"`)).toMatch(/^OK /);
  expect(await answerTo(client, 'NOOP')).toBe('NO not from 127.0.0.8');
  expect([...headers, ...stub.heard].join('\n')).not.toContain('203.0.113.5');
  client.destroy();
});
