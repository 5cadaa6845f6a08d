/**
 * Programs that send mail, through the gateway to real Dovecots and real Postfixes: what they send arrives
 * as it was sent, by the server of the sender's database.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ann, bob, cid } from '../support/dovecot-site.ts';
import { eventually } from '../support/eventually.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type Sending, hasSendingPrograms, sendingPrograms } from '../support/smtp-clients.ts';
import {
  type MailServer,
  type SubmissionSite,
  hasMailServers,
  startSubmissionSite,
} from '../support/submission-site.ts';
import { trusting } from '../support/gateway.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const mailTest = test.skipIf(!hasMailServers || !hasSendingPrograms);
const to = 'someone@outside.test';
const ways = ['starttls', 'implicit'] as const;

describe.each<MailServer>(['dovecot', 'postfix'])('to %s', (servers) => {
  let site: SubmissionSite;

  beforeAll(async () => {
    if (hasMailServers) site = await startSubmissionSite({ servers });
  }, 60_000);

  afterAll(async () => {
    await site?.close();
  }, 60_000);

  testPrograms(() => site);
  testTalks(() => site);
});

describe.each([
  { offered: 'LOGIN', used: 'PLAIN', isImplicit: true },
  { offered: 'PLAIN', used: 'LOGIN', isImplicit: false },
] as const)('to a server that takes $offered alone', ({ offered, used, isImplicit }) => {
  let site: SubmissionSite;

  beforeAll(async () => {
    const postfix = { smtpd_sasl_mechanism_filter: offered.toLowerCase() };
    if (hasMailServers) site = await startSubmissionSite({ servers: 'postfix', postfix, isImplicit });
  }, 60_000);

  afterAll(async () => {
    await site?.close();
  }, 60_000);

  mailTest(`a client of ${used} sends, and the server's log says ${offered}`, async () => {
    const sending = { ...sendingOf(site, ann, 'starttls'), mechanism: used };
    const { status, stderr, stdout } = await runProgram('curl', sending);
    expect(status, stderr + stdout).toBe(0);
    await arrived(site, sending);
    expect(await site.logOf('ex1')).toContain(`sasl_method=${offered}, sasl_username=${ann.user}`);
  });
});

describe.each<MailServer>(['dovecot', 'postfix'])('with XCLIENT to %s', (servers) => {
  let site: SubmissionSite;

  beforeAll(async () => {
    if (hasMailServers)
      site = await startSubmissionSite({
        servers,
        settings: { POSTERN_SERVER_IDENTITY: 'submission:xclient' },
        postfix: { smtpd_authorized_xclient_hosts: '127.0.0.1' },
      });
  }, 60_000);

  afterAll(async () => {
    await site?.close();
  }, 60_000);

  mailTest('V18 the server logs the address that the client came from, not ours', async () => {
    // A client from another address of the loopback than the gateway's own.
    const sending = sendingOf(site, ann, 'implicit');
    const client = await connectRaw({
      port: site.ports.implicit,
      tls: trusting(site.gateway.authority),
      localAddress: '127.0.0.77',
    });
    const proof = Buffer.from(`\0${ann.user}\0${ann.password}`).toString('base64');
    client.send(`EHLO laptop\r\nAUTH PLAIN ${proof}\r\n`);
    await client.linesUntil(/^235 /);
    client.send(`MAIL FROM:<${ann.user}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`);
    await client.linesUntil(/^354 /);
    client.send(`${stuffed(sending.message)}.\r\nQUIT\r\n`);
    await client.linesUntil(/^221 /);
    await arrived(site, sending);
    await eventually('the address in the log', async () =>
      /rip=127\.0\.0\.77|127\.0\.0\.77\]/.test(await site.logOf('ex1')),
    );
    client.destroy();
  });
});

/** What people send with. */
function testPrograms(at: () => SubmissionSite): void {
  mailTest.each(ways.flatMap((how) => Object.keys(sendingPrograms).map((name) => [name, how] as const)))(
    '%s over %s: the message arrives with its bytes unchanged, by the server of its sender',
    { timeout: 60_000 },
    async (name, how) => {
      for (const [account, server] of [
        [ann, 'ex1'],
        [bob, 'ex2'],
      ] as const) {
        const logins = await at().loginsOf(server, account.user);
        const sending = sendingOf(at(), account, how);
        const { status, stdout, stderr } = await runProgram(name, sending);
        expect(status, stderr + stdout).toBe(0);
        await arrived(at(), sending);
        await eventually(
          'the login in the log',
          async () => (await at().loginsOf(server, account.user)) === logins + 1,
        );
      }
    },
  );

  mailTest.each(Object.keys(sendingPrograms))('%s with a wrong password is told so', async (name) => {
    const sending = sendingOf(at(), { user: ann.user, password: 'not this' }, 'starttls');
    const { status, stdout, stderr } = await runProgram(name, sending);
    expect(status).not.toBe(0);
    expect(stdout + stderr).toMatch(/535|authentication failed|login denied/i);
    expect(at().sink.mails.some(({ data }) => data.includes(sending.message.slice(0, 40)))).toBe(false);
  });

  mailTest(
    'a moved database: the next session is on the new server, by its own log',
    async () => {
      const [before1, before2] = [await at().loginsOf('ex1', cid.user), await at().loginsOf('ex2', cid.user)];
      const first = sendingOf(at(), cid, 'implicit');
      expect((await runProgram('curl', first)).status).toBe(0);
      await eventually('a login on ex1', async () => (await at().loginsOf('ex1', cid.user)) === before1 + 1);
      await at().move('db3', 'ex2');
      const second = sendingOf(at(), cid, 'implicit');
      expect((await runProgram('curl', second)).status).toBe(0);
      await eventually('a login on ex2', async () => (await at().loginsOf('ex2', cid.user)) === before2 + 1);
      expect(await at().loginsOf('ex1', cid.user)).toBe(before1 + 1);
      await arrived(at(), first);
      await arrived(at(), second);
      await at().move('db3', 'ex1');
    },
    60_000,
  );
}

/** What no such program says. */
function testTalks(at: () => SubmissionSite): void {
  mailTest('V35 EHLO, AUTH, MAIL, RCPT and DATA in one segment are answered in order', async () => {
    const client = await connectRaw({ port: at().ports.implicit, tls: trusting(at().gateway.authority) });
    const sending = sendingOf(at(), ann, 'implicit');
    const proof = Buffer.from(`\0${ann.user}\0${ann.password}`).toString('base64');
    const mail = [`MAIL FROM:<${ann.user}>`, `RCPT TO:<${to}>`, 'DATA'];
    client.send(`${['EHLO laptop', `AUTH PLAIN ${proof}`, ...mail].join('\r\n')}\r\n`);
    const codes = (await client.linesUntil(/^354/)).map((line) => line.slice(0, 4));
    expect(codes.filter((code) => code.endsWith(' '))).toEqual([
      '220 ',
      '250 ',
      '235 ',
      '250 ',
      '250 ',
      '354 ',
    ]);
    client.send(`${stuffed(sending.message)}.\r\nQUIT\r\n`);
    expect((await client.linesUntil(/^221/)).map((line) => line.slice(0, 4))).toEqual(['250 ', '221 ']);
    await arrived(at(), sending);
    client.destroy();
  });

  mailTest('V23 a client that says XCLIENT is refused, and no server hears it', async () => {
    const client = await connectRaw({ port: at().ports.implicit, tls: trusting(at().gateway.authority) });
    await client.linesUntil(/^220 /);
    client.send('EHLO laptop\r\n');
    expect((await client.linesUntil(/^250 /)).join()).not.toMatch(/XCLIENT|XFORWARD/);
    client.send('XCLIENT ADDR=192.0.2.66\r\nXFORWARD ADDR=192.0.2.66\r\n');
    expect(await client.line()).toMatch(/^502 5\.5\.1 /);
    expect(await client.line()).toMatch(/^502 5\.5\.1 /);
    client.destroy();
    for (const server of ['ex1', 'ex2'] as const)
      expect(await at().logOf(server)).not.toContain('192.0.2.66');
  });
}

function sendingOf(site: SubmissionSite, account: Sending['account'], how: Sending['how']): Sending {
  const port = how === 'starttls' ? site.ports.starttls : site.ports.implicit;
  return {
    account,
    how,
    port,
    to,
    message: messageOf(account.user),
    caPath: join(site.gateway.folder, 'ca.pem'),
  };
}

/**
 * With all that programs and servers stumble over: dots at lines' beginnings, long lines, spaces at their
 * ends.
 */
function messageOf(from: string): string {
  const id = randomBytes(12).toString('hex');
  const lines = [
    `Subject: ${id}`,
    `From: <${from}>`,
    `To: <${to}>`,
    `Date: Wed, 25 Nov 2026 12:00:00 +0000`,
    `Message-ID: <${id}@laptop.test>`,
    '',
    '.',
    '..',
    '.x',
    'spaces at the end   ',
    '\ttab',
    'x'.repeat(900),
    '',
    ...Array.from({ length: 60 }, () => randomBytes(35).toString('hex')),
    'the end',
    '',
  ];
  return lines.join('\r\n');
}

/** RFC 5321 section 4.5.2. */
function stuffed(message: string): string {
  return message.replace(/^\./gm, '..');
}

/** The message is in the sink, once; servers put header fields before it, and change nothing of it. */
async function arrived(site: SubmissionSite, { message, account }: Sending): Promise<void> {
  const subject = message.slice(0, message.indexOf('\r\n'));
  const mails = await eventually(
    'the message in the sink',
    () => {
      const found = site.sink.mails.filter(({ data }) => data.includes(subject));
      return found.length > 0 && found;
    },
    { withinMs: 30_000 },
  );
  expect(mails).toHaveLength(1);
  expect(mails[0]).toMatchObject({ from: account.user, to: [to] });
  expect(mails[0]?.data.endsWith(message)).toBe(true);
}

async function runProgram(name: string, sending: Sending) {
  const program = sendingPrograms[name as keyof typeof sendingPrograms];
  return program(sending, await makeTempFolder('mail'));
}
