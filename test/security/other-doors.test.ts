/** POP3 and ManageSieve servers that say the unusual: literals, braces, bytes ahead of a handshake. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPop3, pop3AnswerTo } from '../support/pop3-clients.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { openSieve, sieveLogin } from '../support/sieve-clients.ts';
import { type StubServer, startStubServer } from '../support/stub-server.ts';
import { type StubSite, ann, bob, startStubSite } from '../support/stub-site.ts';
import { eventually } from '../support/eventually.ts';

const challenge = Buffer.from('{"status":"401"}').toString('base64');
let site: StubSite;
let sieve: StubServer;
let pop3: StubServer;
let injecting: StubServer;

beforeAll(async () => {
  sieve = await startStubServer({ name: 'sieve', talk: talkSieve });
  pop3 = await startStubServer({ name: 'pop3', talk: talkPop3 });
  injecting = await startStubServer({ name: 'injecting', talk: injectBehindStls });
  site = await startStubSite({
    POSTERN_PROTOCOLS: 'imaps,imap,pop3s,managesieve',
    POSTERN_POP3S_PORT: '0',
    POSTERN_MANAGESIEVE_PORT: '0',
    POSTERN_SERVER_EX1_MANAGESIEVE_PORT: String(sieve.port),
    POSTERN_SERVER_EX1_MANAGESIEVE_TLS: 'off',
    POSTERN_SERVER_EX1_POP3_PORT: String(pop3.port),
    POSTERN_SERVER_EX1_POP3_TLS: 'off',
    POSTERN_SERVER_EX2_POP3_PORT: String(injecting.port),
    POSTERN_SERVER_EX2_POP3_TLS: 'starttls',
  });
  await eventually('both are asked what they offer', () => sieve.heard.length > 0 && pop3.heard.length > 1);
});

afterAll(async () => {
  await site?.close();
  await Promise.all([sieve, pop3, injecting].map((server) => server?.close()));
});

test('a ManageSieve server may say any string as a literal', async () => {
  const client = await openSieve(site.gateway);
  client.send(sieveLogin({ ...ann, password: 'wrong' }));
  expect(await client.line()).toBe('NO "Authentication failed"');
  client.send(`AUTHENTICATE "XOAUTH2" "${base64(`user=${ann.user}\x01auth=Bearer old\x01\x01`)}"\r\n`);
  expect(await client.line()).toBe('NO "Authentication failed"');
  client.send(`${sieveLogin(ann)}LISTSCRIPTS\r\n`);
  expect(await client.line()).toBe('OK "Logged in."');
  expect(await client.line()).toBe('OK "LISTSCRIPTS"');
  client.destroy();
});

test('V28 a ManageSieve client has to be asked for nothing, and gets no invitation', async () => {
  const client = await openSieve(site.gateway);
  client.send('AUTHENTICATE "PLAIN" {28}\r\n');
  expect(await client.line()).toMatch(/^NO "Syntax error/);
  client.send('AUTHENTICATE "PLAIN" {4294967295+}\r\n');
  expect(await client.rest()).toBe('BYE "Too long a literal"\r\n');
});

test('V35 braces at the end of a line are text in POP3, for client and server', async () => {
  const client = await openPop3(site.gateway);
  await pop3AnswerTo(client, `USER ${ann.user}`);
  expect(await pop3AnswerTo(client, 'PASS wrong {5}')).toBe('-ERR [AUTH] Authentication failed');
  await pop3AnswerTo(client, `USER ${ann.user}`);
  expect(await pop3AnswerTo(client, 'PASS secret {5}')).toBe('+OK logged in {5}');
  expect(pop3.heard).toContain('PASS secret {5}');
  client.destroy();
});

test('V02 a server that speaks between its +OK to STLS and the handshake is told no password', async () => {
  const client = await openPop3(site.gateway);
  await pop3AnswerTo(client, `USER ${bob.user}`);
  client.send(`PASS ${bob.password}\r\n`);
  expect(await client.rest(8_000)).toMatch(/^-ERR \[SYS\/TEMP\]/);
  expect(injecting.heard).toContain('STLS');
  expect(injecting.heard.join('\n')).not.toMatch(/USER|PASS|AUTH/);
});

/** Everything that may be a literal is one. "wrong" is wrong, and so is every token. */
async function talkSieve(connection: RawConnection, stub: StubServer): Promise<void> {
  connection.send('"IMPLEMENTATION" {5}\r\nX 1.0\r\n{5}\r\nSIEVE {8}\r\nfileinto\r\n');
  connection.send('"SASL" {13}\r\nPLAIN XOAUTH2\r\nOK {2}\r\nhi\r\n');
  for (;;) {
    const line = await connection.line(600_000);
    stub.heard.push(line);
    const [, mechanism, size] = /^AUTHENTICATE "(\w+)" \{(\d+)\+\}$/.exec(line) ?? [];
    if (mechanism === undefined) connection.send(`OK "${line}"\r\n`);
    else {
      const message = Buffer.from((await connection.bytes(Number(size))).toString(), 'base64').toString();
      await connection.line();
      if (mechanism === 'XOAUTH2') connection.send(`{${challenge.length}}\r\n${challenge}\r\n`);
      else if (message.endsWith('\0wrong')) connection.send('NO {13}\r\nOK, it is\r\nno\r\n');
      else connection.send('OK "Logged in."\r\n');
    }
  }
}

async function talkPop3(connection: RawConnection, stub: StubServer): Promise<void> {
  connection.send('+OK ready {5}\r\n');
  for (;;) {
    const line = await connection.line(600_000);
    stub.heard.push(line);
    if (line === 'CAPA') connection.send('+OK\r\nUSER\r\n.\r\n');
    else if (line.startsWith('PASS wrong')) connection.send('-ERR no {5}\r\n');
    else connection.send(line.startsWith('PASS') ? '+OK logged in {5}\r\n' : '+OK\r\n');
  }
}

async function injectBehindStls(connection: RawConnection, stub: StubServer): Promise<void> {
  connection.send('+OK ready\r\n');
  stub.heard.push(await connection.line(600_000));
  connection.send('+OK begin\r\n+OK in clear\r\n');
  stub.heard.push(await connection.line(600_000));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
