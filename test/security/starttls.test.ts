import { afterAll, beforeAll, expect, test } from 'vitest';
import { trusting } from '../support/gateway.ts';
import { answerTo, command } from '../support/imap-talk.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { politeTalk } from '../support/stub-server.ts';
import { type StubSite, ann, bob, startStubSite } from '../support/stub-site.ts';
import { endedAs, healthOf } from '../support/watching.ts';

let site: StubSite;

beforeAll(async () => {
  site = await startStubSite();
});

afterAll(async () => {
  await site?.close();
});

test.each(['b NOOP\r\n', 'b LOGIN a b\r\n', 'x', '\x16\x03\x01\x00\x05hello'])(
  'V01 bytes behind STARTTLS (%j) end the session without an answer or a handshake',
  async (injected) => {
    const client = await connectRaw(site.gateway.imap);
    await client.line();
    client.send(`a STARTTLS\r\n${injected}`);
    expect(await client.rest(2_000)).toBe('');
    await endedAs(site.gateway, 'starttls_injection');
  },
);

test('V01 what was said before the handshake is not there after it', async () => {
  const client = await connectRaw(site.gateway.imap);
  await client.line();
  expect(await answerTo(client, 'STARTTLS')).toMatch(/^OK /);
  await client.startTls(trusting(site.gateway.authority));
  client.send('only NOOP\r\n');
  expect(await client.line()).toMatch(/^only OK /);
  client.destroy();
});

test('V04 a second STARTTLS is refused, and the session goes on', async () => {
  const client = await connectRaw(site.gateway.imap);
  await client.line();
  await answerTo(client, 'STARTTLS');
  await client.startTls(trusting(site.gateway.authority));
  expect(await answerTo(client, 'STARTTLS')).toMatch(/^BAD /);
  expect(await answerTo(client, 'NOOP')).toMatch(/^OK /);
  client.destroy();
});

test('V04 capabilities before and inside TLS are not the same', async () => {
  const client = await connectRaw(site.gateway.imap);
  expect(await client.line()).toMatch(/STARTTLS.*LOGINDISABLED/);
  await answerTo(client, 'STARTTLS');
  await client.startTls(trusting(site.gateway.authority));
  const capabilities = (await command(client, 'CAPABILITY'))[0];
  expect(capabilities).toContain('AUTH=PLAIN');
  expect(capabilities).not.toMatch(/STARTTLS|LOGINDISABLED/);
  client.destroy();
});

test('V04 a server that greets with PREAUTH is told no password', async () => {
  site.ex2.setTalk(async (connection) => {
    connection.send('* PREAUTH [CAPABILITY IMAP4rev1] welcome, whoever you are\r\n');
    site.ex2.heard.push(await connection.line());
  });
  const before = site.ex2.logins.length;
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  client.send(`a LOGIN ${bob.user} "${bob.password}"\r\n`);
  expect(await client.rest(8_000)).toMatch(/^\* BYE \[UNAVAILABLE\]/);
  expect(site.ex2.logins.length).toBe(before);
  expect(site.ex2.heard.join('\n')).not.toContain(bob.password);
  site.ex2.setTalk(politeTalk);
  await healthOf(site.gateway, 'ex2', 'up');
});

test('V05 before TLS no login is offered, and a try is refused, not forwarded, not logged', async () => {
  const client = await connectRaw(site.gateway.imap);
  const greeting = await client.line();
  expect(greeting).toContain('LOGINDISABLED');
  expect(greeting).not.toContain('AUTH=');
  const tried = site.ex1.logins.length;
  expect(await answerTo(client, `LOGIN ${ann.user} canary-in-clear`)).toMatch(/^NO \[PRIVACYREQUIRED\]/);
  const response = Buffer.from(`\0${ann.user}\0canary-in-clear`).toString('base64');
  expect(await answerTo(client, `AUTHENTICATE PLAIN ${response}`)).toMatch(/^NO \[PRIVACYREQUIRED\]/);
  client.send(`last LOGIN ${ann.user} canary-in-clear\r\n`);
  expect(await client.rest()).toMatch(/^last NO \[PRIVACYREQUIRED\].*\r\n\* BYE /);
  await endedAs(site.gateway, 'tls_required');
  expect(site.ex1.logins.length).toBe(tried);
  expect(site.gateway.log()).not.toContain('canary-in-clear');
  expect(site.gateway.log()).not.toContain(response);
});

test('V05 no literal is invited for a password in clear', async () => {
  const client = await connectRaw(site.gateway.imap);
  await client.line();
  client.send(`a LOGIN ${ann.user} {6}\r\n`);
  expect(await client.line()).toMatch(/^a NO \[PRIVACYREQUIRED\]/);
  client.destroy();
});
