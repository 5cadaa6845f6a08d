/** POP3 through the gateway to real Dovecots: clients must not notice that it is there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import {
  type DovecotSite,
  ann,
  bob,
  dovecotTest,
  hasDovecot,
  startDovecotSite,
} from '../support/dovecot-site.ts';
import { eventually } from '../support/eventually.ts';
import { trusting } from '../support/gateway.ts';
import { logIn } from '../support/imap-talk.ts';
import { openPop3, pop3AnswerTo, runFetchmail, runPop3Curl, runPoplib } from '../support/pop3-clients.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { endedAs } from '../support/watching.ts';

const ways = ['pop3s', 'pop3'] as const;
const sasl = Buffer.from(`\0${ann.user}\0${ann.password}`).toString('base64');

let site: DovecotSite;

beforeAll(async () => {
  if (!hasDovecot) return;
  site = await startDovecotSite({
    POSTERN_PRESET: 'dovecot-dsync',
    POSTERN_PROTOCOLS: 'imaps,imap,pop3s,pop3',
    POSTERN_POP3S_PORT: '0',
    POSTERN_POP3_PORT: '0',
    POSTERN_POP3_BASELINE: 'AUTH=LOGIN',
    POSTERN_SERVER_IDENTITY: 'pop3:xclient',
  });
  for (const account of [ann, bob]) await deliver(account);
});

beforeEach(async () => {
  if (hasDovecot) await site.heal();
});

afterAll(async () => {
  await site?.close();
});

dovecotTest.each(ways)('poplib over %s: each user is on the server of its database', async (way) => {
  for (const [account, server] of [
    [ann, site.pair.ex1],
    [bob, site.pair.ex2],
  ] as const) {
    const before = (await server.loginLines('pop3', account.user)).length;
    const { status, stdout, stderr } = await runPoplib(
      site.gateway,
      account,
      way,
      `
print(client.stat()[0])
print(b'Subject: hello' in client.retr(1)[1], b'..dots' in client.retr(1)[1] or b'.dots' in client.retr(1)[1])
print('TOP' in client.capa(), 'UIDL' in client.capa())
`,
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(['1', 'True True', 'True True']);
    expect((await server.loginLines('pop3', account.user)).length).toBe(before + 1);
  }
});

dovecotTest.each(ways)('curl over %s', async (way) => {
  const list = await runPop3Curl(site.gateway, bob, way, '');
  expect(list).toMatchObject({ status: 0, stderr: '' });
  expect(list.stdout).toMatch(/^1 \d+/);
  const message = await runPop3Curl(site.gateway, bob, way, '1');
  expect(message).toMatchObject({ status: 0, stderr: '' });
  expect(message.stdout).toContain('Subject: hello');
});

dovecotTest.each(ways)('fetchmail over %s fetches the mail', async (way) => {
  const folder = await makeTempFolder('fetchmail');
  const { status, stdout, stderr } = await runFetchmail(site.gateway, ann, way, folder);
  expect(status, stdout + stderr).toBe(0);
  expect(await readFile(join(folder, 'mailbox'), 'utf8')).toContain('Subject: hello');
});

dovecotTest('a wrong password is told as one, and the right one may follow', async () => {
  const { status, stderr } = await runPop3Curl(site.gateway, { ...bob, password: 'not this' }, 'pop3s', '');
  expect(status).toBe(67);
  expect(stderr).toMatch(/denied/i);
  const client = await openPop3(site.gateway);
  await pop3AnswerTo(client, `USER ${ann.user}`);
  expect(await pop3AnswerTo(client, 'PASS not this')).toBe('-ERR [AUTH] Authentication failed');
  await pop3AnswerTo(client, `USER ${ann.user}`);
  expect(await pop3AnswerTo(client, `PASS ${ann.password}`)).toMatch(/^\+OK /);
  client.destroy();
  // V53: neither is in the log.
  expect(site.gateway.log()).not.toMatch(/not this|"PASS/);
});

dovecotTest(
  'V10 a client that asks for POP3 by ALPN gets it, one that asks for the web does not',
  async () => {
    const address = (ALPNProtocols: string[]) => ({
      port: site.gateway.portOf('pop3s'),
      tls: { ...trusting(site.gateway.authority), ALPNProtocols },
    });
    const client = await connectRaw(address(['h2', 'pop3']));
    expect(client.tls()?.alpnProtocol).toBe('pop3');
    client.destroy();
    await expect(connectRaw(address(['h2', 'imap']))).rejects.toThrow(/no application protocol/i);
  },
);

dovecotTest('V09 a session ticket of POP3 is good for POP3, and for no other door', async () => {
  const first = await openPop3(site.gateway);
  const session = first.tls()?.getSession() ?? expect.unreachable('a ticket');
  first.destroy();
  const isResumedAt = async (frontend: string): Promise<boolean | undefined> => {
    const port = site.gateway.portOf(frontend);
    const client = await connectRaw({ port, tls: { ...trusting(site.gateway.authority), session } });
    const isResumed = client.tls()?.isSessionReused();
    client.destroy();
    return isResumed;
  };
  expect([await isResumedAt('imaps'), await isResumedAt('pop3s')]).toEqual([false, true]);
});

dovecotTest('V10 an HTTP request is over after its first line', async () => {
  const client = await openPop3(site.gateway);
  client.send(`POST / HTTP/1.1\r\nUSER ${ann.user}\r\nPASS ${ann.password}\r\nSTAT\r\n`);
  expect(await client.rest(2_000)).toBe('-ERR This is a POP3 server\r\n');
});

dovecotTest.each<[string, string[]]>([
  ['USER and PASS', [`USER ${ann.user}\r\n`, `PASS ${ann.password}\r\n`]],
  ['AUTH PLAIN at once', [`AUTH PLAIN ${sasl}\r\n`]],
  ['AUTH PLAIN in two steps', ['AUTH PLAIN\r\n', `${sasl}\r\n`]],
  ['AUTH LOGIN', ['AUTH LOGIN\r\n', `${base64(ann.user)}\r\n`, `${base64(ann.password)}\r\n`]],
])('V35 %s, and what is pipelined behind it', async (_, lines) => {
  const client = await openPop3(site.gateway);
  client.send(`${lines.join('')}STAT\r\nNOOP\r\nQUIT\r\n`);
  const answers = (await client.rest()).split('\r\n').slice(lines.length - 1);
  expect(answers).toEqual([
    expect.stringMatching(/^\+OK Logged in/),
    expect.stringMatching(/^\+OK 1 \d+/),
    '+OK',
    expect.stringMatching(/^\+OK Logging out/),
    '',
  ]);
});

dovecotTest.each([
  ['inside TLS', 'ex1', ann],
  ['behind STLS', 'ex2', bob],
] as const)('a server learns the address of the client by XCLIENT %s', async (_, name, account) => {
  const client = await openPop3(site.gateway, '127.0.0.77');
  await pop3AnswerTo(client, `USER ${account.user}`);
  await pop3AnswerTo(client, `PASS ${account.password}`);
  const logins = await site.pair.server(name).loginLines('pop3', account.user);
  expect(logins.at(-1)).toContain(`rip=127.0.0.77, rport=${client.localPort}`);
  expect(logins.at(-1)).toContain('TLS');
  client.destroy();
});

dovecotTest('a login goes where the database is now, and never to where it was', async () => {
  const atEx1 = (await site.pair.ex1.loginLines('pop3', ann.user)).length;
  await site.move('db1', 'ex2');
  const client = await openPop3(site.gateway);
  await pop3AnswerTo(client, `USER ${ann.user}`);
  expect(await pop3AnswerTo(client, `PASS ${ann.password}`)).toMatch(/^\+OK /);
  expect(await pop3AnswerTo(client, 'STAT')).toMatch(/^\+OK 1 /);
  expect((await site.pair.ex2.loginLines('pop3', ann.user)).length).toBe(1);
  expect((await site.pair.ex1.loginLines('pop3', ann.user)).length).toBe(atEx1);
  client.destroy();
});

dovecotTest('a server that is gone is no wrong password', async () => {
  await site.pair.ex2.kill();
  const client = await openPop3(site.gateway);
  await pop3AnswerTo(client, `USER ${bob.user}`);
  expect(await client.isOpen()).toBe(true);
  client.send(`PASS ${bob.password}\r\n`);
  expect(await client.rest(15_000)).toMatch(/^-ERR \[SYS\/TEMP\] [^\r\n]*\r\n$/);
});

dovecotTest('V01 bytes behind STLS end the session without an answer or a handshake', async () => {
  const client = await connectRaw({ port: site.gateway.portOf('pop3') });
  await client.line();
  client.send(`STLS\r\nUSER ${ann.user}\r\n`);
  expect(await client.rest(2_000)).toBe('');
  await endedAs(site.gateway, 'starttls_injection');
});

dovecotTest('V05 and V38 in clear nobody can log in, and nothing invites to', async () => {
  const client = await connectRaw({ port: site.gateway.portOf('pop3') });
  expect(await client.line()).toMatch(/^\+OK [^<>]*$/);
  client.send('CAPA\r\n');
  const offered = await client.linesUntil(/^\.$/);
  expect(offered).toContain('STLS');
  expect(offered.join('\n')).not.toMatch(/SASL|USER/);
  expect(await pop3AnswerTo(client, `USER ${ann.user}`)).toMatch(/^-ERR \[SYS\/PERM\]/);
  expect(await pop3AnswerTo(client, 'STLS')).toMatch(/^\+OK/);
  await client.startTls(trusting(site.gateway.authority));
  client.send('CAPA\r\n');
  expect(await client.linesUntil(/^\.$/)).toEqual(
    expect.arrayContaining(['SASL PLAIN LOGIN', 'USER', 'TOP']),
  );
  client.destroy();
});

/** One message, once, by IMAP. */
async function deliver(account: { user: string; password: string }): Promise<void> {
  const client = await eventually(`a login of ${account.user}`, () => logIn(site.gateway.imaps, account));
  const message = 'Subject: hello\r\n\r\n.dots\r\nhello\r\n';
  client.send(`a APPEND INBOX {${message.length}+}\r\n${message}\r\n`);
  await client.linesUntil(/^a OK/);
  client.destroy();
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
