import { afterEach, expect, test } from 'vitest';
import { trusting } from '../support/gateway.ts';
import { answerTo } from '../support/imap-talk.ts';
import { type RawConnection, connectRaw, sendingBy } from '../support/raw-connection.ts';
import { politeTalk } from '../support/stub-server.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';

let site: StubSite;

afterEach(async () => {
  await site?.close();
});

const talk = [
  'a CAPABILITY\r\n',
  'b ID ("name" "slices" "version" {3+}\r\n1.0)\r\n',
  `c LOGIN {${ann.user.length}+}\r\n${ann.user} {6+}\r\nse"ret\r\n`,
  'p1 SELECT INBOX\r\n',
  'p2 LOGOUT\r\n',
].join('');

test.each([1, 2, 3])('F12 a session in slices of %i bytes is the same as one in one piece', async (bytes) => {
  site = await startStubSite();
  const whole = await answersTo((client) => client.send(talk));
  const sliced = await answersTo((client) => client.sendSliced(talk, bytes));
  expect(sliced).toBe(whole);
  const heard = site.ex1.heard.filter((line) => /^p[12] /.test(line));
  expect(heard).toEqual(['p1 SELECT INBOX', 'p2 LOGOUT', 'p1 SELECT INBOX', 'p2 LOGOUT']);
  expect(site.ex1.logins.map(({ password }) => password)).toEqual(['se"ret', 'se"ret']);
});

test('F12 STARTTLS in slices of one byte', async () => {
  site = await startStubSite();
  const client = await connectRaw(site.gateway.imap);
  await client.line();
  await client.sendSliced('a CAPABILITY\r\nb STARTTLS\r\n', 1);
  expect((await client.linesUntil(/^b /)).at(-1)).toMatch(/^b OK /);
  await client.startTls(trusting(site.gateway.authority));
  await client.sendSliced(`c LOGIN ${ann.user} secret\r\n`, 1);
  expect((await client.linesUntil(/^c /)).at(-1)).toMatch(/^c OK /);
  client.destroy();
});

test('F12 a server that sends one byte at a time is understood, and passed on to the byte', async () => {
  site = await startStubSite();
  site.ex1.setTalk(async (connection, stub) => {
    // One after the other; in TLS each slice is a record of its own.
    let sent = Promise.resolve();
    const slow = sendingBy(
      connection,
      (data) => void (sent = sent.then(() => connection.sendSliced(data, 1))),
    );
    await politeTalk(slow, stub);
  });
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  expect(await answerTo(client, `LOGIN ${ann.user} secret`)).toMatch(
    /^OK \[CAPABILITY .*UIDPLUS\] ex1 logged in$/,
  );
  client.send('s SELECT INBOX\r\n');
  expect(await client.linesUntil(/^s /)).toEqual([
    '* FLAGS ()',
    '* 0 EXISTS',
    '* OK [UIDVALIDITY 1] ok',
    's OK [READ-WRITE] SELECT',
  ]);
  client.destroy();
});

async function answersTo(send: (client: RawConnection) => unknown): Promise<string> {
  const client = await connectRaw(site.gateway.imaps);
  await send(client);
  return client.rest();
}
