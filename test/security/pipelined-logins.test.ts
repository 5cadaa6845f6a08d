import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { logIn } from '../support/imap-talk.ts';
import { connectRaw, sendingBy } from '../support/raw-connection.ts';
import { politeTalk } from '../support/stub-server.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { openFiles } from '../support/watching.ts';

let site: StubSite;

beforeAll(async () => {
  site = await startStubSite();
});

afterAll(async () => {
  await site?.close();
});

/** What one login session is, whole: the login and what is pipelined behind it. */
const talks: [string, string][] = [
  ['atoms', 'p1 LOGIN ann@site.test secret\r\np2 SELECT INBOX\r\np3 NOOP\r\n'],
  [
    'literals that do not wait',
    'p1 LOGIN {13+}\r\nann@site.test {6+}\r\nsecret\r\np2 SELECT INBOX\r\np3 NOOP\r\n',
  ],
  ['SASL', `p1 AUTHENTICATE PLAIN ${base64('\0ann@site.test\0secret')}\r\np2 SELECT INBOX\r\np3 NOOP\r\n`],
];

test.each(talks)(
  'V35 what is pipelined behind a login by %s arrives once and in order, split anywhere',
  async (_, talk) => {
    for (let at = 1; at < talk.length; at++) {
      const from = site.ex1.heard.length;
      const client = await connectRaw(site.gateway.imaps);
      await client.line();
      client.send(talk.slice(0, at));
      await client.flushed();
      await new Promise((resolve) => setImmediate(resolve));
      client.send(talk.slice(at));
      const lines = await client.linesUntil(/^p3 /);
      expect(lines.filter((line) => /^p[123] /.test(line)).map((line) => line.slice(0, 5))).toEqual([
        'p1 OK',
        'p2 OK',
        'p3 OK',
      ]);
      const heard = site.ex1.heard.slice(from).filter((line) => /^p[23] /.test(line));
      expect(heard, `split at ${at}`).toEqual(['p2 SELECT INBOX', 'p3 NOOP']);
      client.destroy();
    }
  },
);

test.each<[string, string, string]>([
  ['with quotes and backslashes', 'a LOGIN ann@site.test "p \\"q\\" \\\\ {3}"\r\n', 'p "q" \\ {3}'],
  ['empty', 'a LOGIN ann@site.test ""\r\n', ''],
  ['with 8-bit bytes', 'a LOGIN ann@site.test {5+}\r\np\xc3\xa4\xff!\r\n', 'p\xc3\xa4\xff!'],
  ['that looks like a literal', 'a LOGIN ann@site.test {5+}\r\n{99+}\r\n', '{99+}'],
  ['with a line end within', 'a LOGIN ann@site.test {9+}\r\na\r\nb NOOP\r\n', 'a\r\nb NOOP'],
])('V35 a password %s reaches the server as it was given', async (_, talk, password) => {
  const from = site.ex1.logins.length;
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  client.send(talk);
  const answer = await client.linesUntil(/^a /);
  expect(answer.at(-1)).toMatch(/^a OK /);
  expect(site.ex1.logins.slice(from).map((login) => login.password)).toEqual([password]);
  client.destroy();
});

test('V35 a password is sent to the server as a literal or in base64, never within a line', async () => {
  const from = site.ex1.heard.length;
  const client = await logIn(site.gateway.imaps, { user: ann.user, password: 'pass word' });
  const lines = site.ex1.heard.slice(from);
  const around = lines.filter((line) => line.includes('pass word'));
  expect(around.every((line) => line === 'pass word')).toBe(true);
  client.destroy();
});

test('V35 a literal that waits is invited, and only then read', async () => {
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  client.send(`a LOGIN {${ann.user.length}}\r\n`);
  expect(await client.line()).toMatch(/^\+/);
  client.send(`${ann.user} {6}\r\n`);
  expect(await client.line()).toMatch(/^\+/);
  client.send('secret\r\nb NOOP\r\n');
  expect((await client.linesUntil(/^b /)).filter((line) => !line.startsWith('*'))).toEqual([
    expect.stringMatching(/^a OK /),
    expect.stringMatching(/^b OK /),
  ]);
  client.destroy();
});

test('V36 a client that leaves while the server thinks takes the server connection with it', async () => {
  const files = openFiles(site.gateway);
  let waiting = 0;
  site.ex1.setTalk(async (connection, stub) => {
    let isWaiting = false;
    const allButTheAnswer = (data: string) => {
      if (!data.includes('logged in')) return connection.send(data);
      isWaiting = true;
      waiting += 1;
    };
    await politeTalk(sendingBy(connection, allButTheAnswer), stub);
    if (isWaiting) waiting -= 1;
    connection.destroy();
  });
  for (let round = 0; round < 10; round++) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectRaw(site.gateway.imaps)));
    for (const client of clients) client.send(`a LOGIN ${ann.user} secret\r\n`);
    await eventually('all wait for the server', () => waiting === clients.length);
    for (const client of clients) client.destroy();
    await eventually('the server is left too', () => waiting === 0, { withinMs: 1_000 });
  }
  await eventually('no socket is left', () => openFiles(site.gateway) <= files + 4);
  site.ex1.setTalk(politeTalk);
});

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
