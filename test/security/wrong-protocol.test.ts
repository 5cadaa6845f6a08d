import { type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerTo, logIn, serverNameOf } from '../support/imap-talk.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { makeAuthority } from '../support/certificates.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { endedAs } from '../support/watching.ts';

let site: StubSite;
let otherCa: string;

beforeAll(async () => {
  const folder = await makeTempFolder('sni');
  const authority = await makeAuthority(folder);
  const own = await authority.issue('own', ['imap.test', 'localhost', '127.0.0.1']);
  const other = await authority.issue('other', ['mail.other.test']);
  otherCa = authority.caPem;
  site = await startStubSite({
    POSTERN_TLS_CERT_PATH: `${own.certificatePath},${other.certificatePath}`,
    POSTERN_TLS_KEY_PATH: `${own.keyPath},${other.keyPath}`,
  });
});

afterAll(async () => {
  await site?.close();
});

const port = () => site.gateway.imaps.port;
const tls = (more: object) => ({ port: port(), tls: { ca: otherCa, servername: 'imap.test', ...more } });

test('V10 a client that asks by ALPN for another protocol gets the alert 120', async () => {
  await expect(connectRaw(tls({ ALPNProtocols: ['h2', 'http/1.1'] }))).rejects.toThrow(
    /no application protocol/i,
  );
  await endedAs(site.gateway, 'tls_wrong_protocol');
});

test('V10 a client that asks for imap gets it, one that asks for nothing is let in', async () => {
  const asked = await connectRaw(tls({ ALPNProtocols: ['h2', 'imap'] }));
  expect(asked.tls()?.alpnProtocol).toBe('imap');
  asked.destroy();
  const silent = await connectRaw(tls({}));
  expect(silent.tls()?.alpnProtocol).toBe(false);
  expect(await silent.line()).toMatch(/^\* OK /);
  silent.destroy();
});

test.each(['GET / HTTP/1.1', 'POST /mail HTTP/1.0'])(
  'V10 %s closes the session after the first line',
  async (line) => {
    const client = await connectRaw(tls({}));
    await client.line();
    client.send(`${line}\r\nHost: imap.test\r\nX: a LOGIN ann secret\r\n\r\n`);
    const said = await client.rest(2_000);
    expect(said).toContain('* BYE ');
    expect(said).not.toMatch(/^(Host:|X:|a) /m);
    await endedAs(site.gateway, 'wrong_protocol');
  },
);

test('V10 three lines that are no commands close the session', async () => {
  const client = await connectRaw(tls({}));
  await client.line();
  client.send('a FROB\r\nb FROB\r\n');
  expect(await client.line()).toMatch(/^a BAD /);
  expect(await client.line()).toMatch(/^b BAD /);
  expect(client.isOpen()).toBe(true);
  client.send('c FROB\r\n');
  expect(await client.rest(2_000)).toMatch(/^c BAD .*\r\n\* BYE .*\r\n$/);
  await endedAs(site.gateway, 'syntax');
});

test.each<[string, object, string]>([
  ['its name', { servername: 'mail.other.test' }, 'mail.other.test'],
  ['a name in capitals', { servername: 'MAIL.Other.test' }, 'mail.other.test'],
  ['an unknown name', { servername: 'nobody.test', checkServerIdentity: () => undefined }, 'imap.test'],
  ['no name', { servername: '', checkServerIdentity: () => undefined }, 'imap.test'],
  ['a name of 250 bytes', { servername: longName(250), checkServerIdentity: () => undefined }, 'imap.test'],
])('V11 a client that gives %s gets a certificate', async (_, more, expected) => {
  const client = await connectRaw(tls(more));
  expect(subjectOf(client.tls())).toBe(expected);
  expect(await answerTo(client, 'NOOP')).toMatch(/^OK /);
  client.destroy();
});

test('V11 many names cost no memory and change nothing', async () => {
  for (let count = 0; count < 100; count++) {
    const client = await connectRaw(
      tls({ servername: `n${count}.test`, checkServerIdentity: () => undefined }),
    );
    client.destroy();
  }
  const client = await logIn(tls({}), ann);
  expect(await serverNameOf(client)).toBe('ex1');
  client.destroy();
});

function subjectOf(socket: TLSSocket | undefined): string | string[] | undefined {
  return socket?.getPeerCertificate().subject.CN;
}

function longName(bytes: number): string {
  const label = `${'a'.repeat(48)}.`;
  return `${label.repeat(10)}`.slice(0, bytes - 5).replace(/\.$/, 'a') + '.test';
}
