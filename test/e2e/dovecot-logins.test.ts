/** Logins of every shape, byte for byte, through the gateway to a real Dovecot. */
import { afterAll, beforeAll, expect } from 'vitest';
import { type DovecotSite, ann, dovecotTest, hasDovecot, startDovecotSite } from '../support/dovecot-site.ts';
import { trusting } from '../support/gateway.ts';
import { answerTo, serverNameOf } from '../support/imap-talk.ts';
import { connectRaw } from '../support/raw-connection.ts';

let site: DovecotSite;

beforeAll(async () => {
  if (hasDovecot) site = await startDovecotSite();
});

afterAll(async () => {
  await site?.close();
});

const sasl = Buffer.from(`\0${ann.user}\0${ann.password}`).toString('base64');

dovecotTest.each<[string, string]>([
  ['atoms', `a LOGIN ${ann.user} ${ann.password}\r\n`],
  ['quoted strings', `a LOGIN "${ann.user}" "${ann.password}"\r\n`],
  ['capitals', `a login "${ann.user.toUpperCase()}" "${ann.password}"\r\n`],
  ['literals that do not wait', `a LOGIN {${ann.user.length}+}\r\n${ann.user} {6+}\r\n${ann.password}\r\n`],
  ['AUTHENTICATE PLAIN at once', `a AUTHENTICATE PLAIN ${sasl}\r\n`],
  ['AUTHENTICATE PLAIN in two lines', `a AUTHENTICATE PLAIN\r\n${sasl}\r\n`],
])('%s, and what is pipelined behind', async (_, login) => {
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  client.send(
    `${login}b SELECT INBOX\r\nc NOOP\r\nd APPEND INBOX {16+}\r\nSubject: abc\r\n\r\n\r\ne LOGOUT\r\n`,
  );
  const answers = (await client.rest()).split('\r\n').filter((line) => /^[a-e] /.test(line));
  expect(answers.map((line) => line.slice(0, 4))).toEqual(['a OK', 'b OK', 'c OK', 'd OK', 'e OK']);
});

dovecotTest('literals that wait are invited one by one', async () => {
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  client.send(`a LOGIN {${ann.user.length}}\r\n`);
  expect(await client.line()).toMatch(/^\+/);
  client.send(`${ann.user} {6}\r\n`);
  expect(await client.line()).toMatch(/^\+/);
  client.send(`${ann.password}\r\n`);
  expect((await client.linesUntil(/^a /)).at(-1)).toMatch(/^a OK /);
  expect(await serverNameOf(client)).toBe('ex1');
  client.destroy();
});

dovecotTest(
  "AUTHENTICATE LOGIN where it is offered, STARTTLS, and the server's own capabilities after the login",
  async () => {
    const client = await connectRaw(site.gateway.imap);
    await client.line();
    await answerTo(client, 'STARTTLS');
    await client.startTls(trusting(site.gateway.authority));
    expect(await answerTo(client, `LOGIN ${ann.user} ${ann.password}`)).toMatch(
      /^OK \[CAPABILITY [^\]]*THREAD=REFS/,
    );
    client.destroy();
  },
);

dovecotTest('a refused password leaves the session open for another try, three times', async () => {
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  expect(await answerTo(client, `LOGIN ${ann.user} wrong`)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  expect(await answerTo(client, `LOGIN ${ann.user} ${ann.password}`)).toMatch(/^OK /);
  client.destroy();
  const stubborn = await connectRaw(site.gateway.imaps);
  await stubborn.line();
  for (let count = 0; count < 2; count++) {
    expect(await answerTo(stubborn, `LOGIN ${ann.user} wrong`)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  }
  stubborn.send(`z LOGIN ${ann.user} wrong\r\n`);
  expect(await stubborn.rest()).toMatch(/^z NO \[AUTHENTICATIONFAILED\].*\r\n\* BYE /);
});
