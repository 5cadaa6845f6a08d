import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway, trusting } from '../support/gateway.ts';
import { type RawConnection, connectRaw, sendingBy } from '../support/raw-connection.ts';
import { type StubServer, startStubServer } from '../support/stub-server.ts';
import { ann, bob, siteDatabases } from '../support/stub-site.ts';
import { plainResponse, replyTo, submissionTalk } from '../support/submission-talk.ts';
import { endedAs } from '../support/watching.ts';

let gateway: Gateway;
let ex1: StubServer;
let ex2: StubServer;

beforeAll(async () => {
  [ex1, ex2] = [
    await startStubServer({ name: 'ex1', talk: submissionTalk }),
    await startStubServer({ name: 'ex2', talk: submissionTalk }),
  ];
  gateway = await startGateway({
    servers: [ex1, ex2].map(({ name, port }) => ({ name, port })),
    databases: { db1: ['ex1', 'ex2'], db2: ['ex2', 'ex1'], db3: ['ex1', 'ex2'] },
    mailboxes: { [ann.user]: 'db1', [bob.user]: 'db2' },
    settings: {
      POSTERN_PROTOCOLS: 'submission,submissions,imaps',
      POSTERN_SUBMISSION_PORT: '0',
      POSTERN_SUBMISSIONS_PORT: '0',
      POSTERN_SERVER_EX1_SUBMISSION_PORT: String(ex1.port),
      POSTERN_SERVER_EX2_SUBMISSION_PORT: String(ex2.port),
      // Nobody asks these stubs for IMAP: the ports must only differ.
      POSTERN_SERVER_EX1_IMAP_PORT: '1',
      POSTERN_SERVER_EX2_IMAP_PORT: '2',
      POSTERN_MOVE_HOLD_FOR: '1s',
      POSTERN_LOG_LEVEL: 'debug',
    },
  });
  await gateway.agent.say(siteDatabases);
  gateway.agent.repeat();
});

afterAll(async () => {
  await gateway?.close();
  await Promise.all([ex1?.close(), ex2?.close()]);
});

test.each(['NOOP\r\n', 'EHLO x\r\nAUTH PLAIN AGFubgB4\r\n', 'x', '\x16\x03\x01\x00\x05hello'])(
  'V01 bytes behind STARTTLS (%j) end the session without an answer or a handshake',
  async (injected) => {
    const client = await clear();
    client.send(`STARTTLS\r\n${injected}`);
    expect(await client.rest(2_000)).toBe('');
    await endedAs(gateway, 'starttls_injection');
  },
);

test('V04 what was said before the handshake is not there after it, and there is no second one', async () => {
  const client = await clear();
  expect((await replyTo(client, 'EHLO before')).join()).toMatch(/STARTTLS/);
  expect(await replyTo(client, 'STARTTLS')).toEqual(['220 2.0.0 Ready to start TLS']);
  await client.startTls(trusting(gateway.authority));
  expect(await replyTo(client, 'MAIL FROM:<ann@site.test>')).toEqual(['503 5.5.1 Send EHLO first']);
  expect((await replyTo(client, 'EHLO behind')).join()).toMatch(/AUTH PLAIN LOGIN/);
  expect(await replyTo(client, 'STARTTLS')).toEqual(['503 5.5.1 TLS is active already']);
  client.send(`AUTH PLAIN ${plainResponse(ann)}\r\n`);
  expect(await client.line()).toMatch(/^235 /);
  expect(ex1.heard).toContain('EHLO behind');
  expect(ex1.heard).not.toContain('EHLO before');
  client.destroy();
});

test('V05 before TLS no login is offered, and a try is refused, not forwarded, not logged', async () => {
  const tried = ex1.logins.length;
  const client = await clear();
  expect((await replyTo(client, 'EHLO laptop')).join()).not.toMatch(/AUTH/);
  const response = plainResponse({ user: ann.user, password: 'canary-in-clear' });
  expect(await replyTo(client, `AUTH PLAIN ${response}`)).toEqual([
    '538 5.7.11 Encryption required for authentication: STARTTLS first',
  ]);
  expect(await replyTo(client, 'AUTH LOGIN')).toHaveLength(1);
  client.send(`AUTH PLAIN ${response}\r\n`);
  expect(await client.rest()).toMatch(/^538 5\.7\.11 .*\r\n421 4\.7\.0 /);
  await endedAs(gateway, 'tls_required');
  expect(ex1.logins.length).toBe(tried);
  expect(gateway.log()).not.toContain('canary-in-clear');
  expect(gateway.log()).not.toContain(response);
});

test('V09 a session ticket of submission opens no session of IMAP', async () => {
  const first = await encrypted();
  const tls = first.tls() as TLSSocket;
  const [ticket] = (await once(tls, 'session')) as [Buffer];
  first.destroy();
  const again = await connectRaw({
    port: gateway.portOf('submissions'),
    tls: { ...trusting(gateway.authority), session: ticket },
  });
  expect(again.tls()?.isSessionReused()).toBe(true);
  again.destroy();
  const other = await connectRaw({
    port: gateway.portOf('imaps'),
    tls: { ...trusting(gateway.authority), session: ticket },
  });
  expect(other.tls()?.isSessionReused()).toBe(false);
  other.destroy();
});

test('V10 a client that asks by ALPN for another protocol gets no session', async () => {
  const tls = { ...trusting(gateway.authority), ALPNProtocols: ['h2', 'imap'] };
  await expect(connectRaw({ port: gateway.portOf('submissions'), tls })).rejects.toThrow(
    /no application protocol/i,
  );
  await endedAs(gateway, 'tls_wrong_protocol');
});

test.each(['GET / HTTP/1.1', 'POST /mail HTTP/1.0', 'CONNECT mail:25 HTTP/1.1'])(
  'V10 %s closes the session after the first line',
  async (line) => {
    const client = await encrypted();
    await client.line();
    client.send(`${line}\r\nHost: x\r\n\r\nEHLO x\r\n`);
    expect(await client.rest(2_000)).toBe('421 4.7.0 This is a mail submission server\r\n');
    await endedAs(gateway, 'wrong_protocol');
  },
);

test.each(['EHLO laptop\n', 'EHLO laptop\rNOOP\r\n', 'EHLO lap\0top\r\n'])(
  'V16 a line that ends otherwise than in CRLF (%j) ends the session',
  async (bytes) => {
    const client = await encrypted();
    await client.line();
    client.send(bytes);
    expect(await client.rest(2_000)).toBe('500 5.5.2 Not SMTP\r\n421 4.7.0 Too many errors\r\n');
    await endedAs(gateway, 'syntax');
  },
);

test('V23 a client that says who it is, is refused, and no server hears of it', async () => {
  const from = ex1.heard.length;
  const client = await encrypted();
  await client.line();
  expect((await replyTo(client, 'EHLO laptop')).join()).not.toMatch(/XCLIENT|XFORWARD/);
  expect(await replyTo(client, 'XCLIENT ADDR=192.0.2.66')).toEqual(['502 5.5.1 Command not implemented']);
  expect(await replyTo(client, 'XFORWARD ADDR=192.0.2.66')).toEqual(['502 5.5.1 Command not implemented']);
  expect(await replyTo(client, `AUTH PLAIN ${plainResponse(ann)}`)).toEqual(['235 2.7.0 in at ex1']);
  expect(ex1.heard.slice(from).join()).not.toContain('192.0.2.66');
  client.destroy();
});

test('V31 base64 that is none is an error of its session only', async () => {
  const [rude, polite] = [await encrypted(), await encrypted()];
  for (const client of [rude, polite]) await client.line();
  await replyTo(rude, 'EHLO laptop');
  await replyTo(polite, 'EHLO laptop');
  for (const bad of ['AGFu\tbgB4', 'AGFubgB4=', '%%%%'])
    expect((await replyTo(rude, `AUTH PLAIN ${bad}`))[0]).toMatch(/^50[01] 5\.5\.2 /);
  expect(await rude.rest()).toMatch(/^421 4\.7\.0 /);
  expect(await replyTo(polite, `AUTH PLAIN ${plainResponse(bob)}`)).toEqual(['235 2.7.0 in at ex2']);
  polite.destroy();
});

test(
  'V35 what is pipelined behind AUTH arrives once and in order, split anywhere',
  { timeout: 60_000 },
  async () => {
    const mail = [
      'MAIL FROM:<ann@site.test>',
      'RCPT TO:<bob@site.test>',
      'DATA',
      'Subject: x',
      '',
      'x',
      '.',
      'QUIT',
    ];
    const talk = `${['EHLO laptop', `AUTH PLAIN ${plainResponse(ann)}`, ...mail].join('\r\n')}\r\n`;
    for (let at = 1; at < talk.length; at++) {
      const from = ex1.heard.length;
      const client = await encrypted();
      await client.line();
      client.send(talk.slice(0, at));
      await client.flushed();
      await new Promise((resolve) => setImmediate(resolve));
      client.send(talk.slice(at));
      const codes = (await client.linesUntil(/^221 /))
        .filter((line) => line[3] === ' ')
        .map((line) => line.slice(0, 3));
      expect(codes, `split at ${at}`).toEqual(['250', '235', '250', '250', '354', '250', '221']);
      const heard = ex1.heard.slice(from).filter((line) => !/^(?:EHLO|AUTH|QUIT)/.test(line));
      expect(heard, `split at ${at}`).toEqual(mail.slice(0, -1));
      client.destroy();
    }
  },
);

test.each(['p "q" \\ {3}', 'p\xc3\xa4\xff!', 'a\r\nRSET', ' '])(
  'V35 the password %j reaches the server as it was given',
  async (password) => {
    const from = ex1.logins.length;
    const client = await encrypted();
    await client.line();
    await replyTo(client, 'EHLO laptop');
    await replyTo(client, `AUTH PLAIN ${plainResponse({ user: ann.user, password })}`);
    expect(ex1.logins.slice(from).map((login) => login.password)).toEqual([password]);
    client.destroy();
  },
);

const evil = `535-5.7.8 ${'x'.repeat(7_000)}\x1b[2J\r\n535 5.7.8 evil`;

test('V37 of a refusing server nothing reaches the client but its code, and it may try again', async () => {
  ex1.setTalk(async (connection, stub) => {
    const rude = (data: string) => connection.send(data.replace('535 5.7.8 no', evil));
    await submissionTalk(sendingBy(connection, rude), stub);
  });
  const client = await encrypted();
  await client.line();
  await replyTo(client, 'EHLO laptop');
  for (let count = 0; count < 2; count++) {
    const response = plainResponse({ user: ann.user, password: 'wrong' });
    expect(await replyTo(client, `AUTH PLAIN ${response}`)).toEqual([
      '535 5.7.8 Authentication credentials invalid',
    ]);
  }
  expect(await replyTo(client, `AUTH PLAIN ${plainResponse(ann)}`)).toEqual(['235 2.7.0 in at ex1']);
  client.destroy();
  ex1.setTalk(submissionTalk);
});

test('V53 no password of submission is in the log', async () => {
  const client = await encrypted();
  await client.line();
  await replyTo(client, 'EHLO laptop');
  const wrong = plainResponse({ user: ann.user, password: 'canary-of-ann' });
  // Twice what the server does not judge, once what it takes.
  expect((await replyTo(client, `AUTH PLAIN ${wrong}=`))[0]).toMatch(/^501 /);
  expect((await replyTo(client, `NOSUCH ${wrong}`))[0]).toMatch(/^500 /);
  expect((await replyTo(client, `AUTH PLAIN ${wrong}`))[0]).toMatch(/^235 /);
  expect(await replyTo(client, 'QUIT')).toEqual(['221 2.0.0 Bye']);
  client.destroy();
  await endedAs(gateway, 'server_closed');
  expect(gateway.log()).not.toContain('canary-of-ann');
  expect(gateway.log()).not.toContain(wrong);
});

async function clear(): Promise<RawConnection> {
  const client = await connectRaw({ port: gateway.portOf('submission') });
  expect(await client.line()).toBe('220 imap.test ESMTP ready');
  return client;
}

function encrypted(): Promise<RawConnection> {
  return connectRaw({ port: gateway.portOf('submissions'), tls: trusting(gateway.authority) });
}
