import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRaw } from '../support/raw-connection.ts';
import { politeTalk, readCommand, stubCapabilities } from '../support/stub-server.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';

let site: StubSite;

beforeAll(async () => {
  site = await startStubSite();
});

afterAll(async () => {
  await site?.close();
});

const injected = '* OK [ALERT] call 555-0100 now\r\n* 99 EXISTS\r\n* CAPABILITY IMAP4rev1 EVIL\r\n';

test.each<[string, (tag: string) => string]>([
  ['untagged lines before a refusal', (tag) => `${injected}${tag} NO [AUTHENTICATIONFAILED] no\r\n`],
  ['a referral', (tag) => `${tag} NO [REFERRAL imap://evil.test/] go there\r\n`],
  ['an alert', (tag) => `${tag} NO [ALERT] call 555-0100 now\r\n`],
  ['control characters', (tag) => `${tag} NO [AUTHENTICATIONFAILED] \x1b[31m\x07\x00red\r\n`],
  ['a line of 2 KB', (tag) => `${tag} NO [AUTHENTICATIONFAILED] ${'x'.repeat(2_000)}\r\n`],
  ['a line of 1 MB', (tag) => `${tag} NO [AUTHENTICATIONFAILED] ${'x'.repeat(1_000_000)}\r\n`],
  ['another tag', (tag) => `zz${tag} OK fooled\r\n${tag} NO no\r\n`],
  ['a continuation', (tag) => `+ say your password again\r\n${tag} NO no\r\n`],
])('V37 of a server that answers with %s a client sees one clean line', async (_, answer) => {
  site.ex1.setTalk(async (connection) => {
    connection.send(`* OK [CAPABILITY ${stubCapabilities}] hello\r\n`);
    for (;;) {
      const words = await readCommand(connection, site.ex1);
      if (words === undefined) return;
      const isLogin = /^(LOGIN|AUTHENTICATE)$/i.test(words[1] ?? '');
      connection.send(isLogin ? answer(words[0] ?? '') : `${words[0]} OK\r\n`);
    }
  });
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  client.send(`a LOGIN ${ann.user} "${ann.password}"\r\n`);
  const line = await client.line();
  client.send('b LOGOUT\r\n');
  const said = [line, ...(await client.rest()).split('\r\n').filter((each) => each !== '')];
  expect(line).toMatch(/^(a NO |\* BYE \[UNAVAILABLE\])/);
  expect(said.filter((each) => !/^(\* BYE|b OK)/.test(each))).toHaveLength(line.startsWith('a ') ? 1 : 0);
  for (const each of said) {
    expect(each.length).toBeLessThanOrEqual(512);
    expect(each).not.toMatch(/[\x00-\x1f\x7f]|555-0100|evil|EVIL|EXISTS|fooled|password again/);
  }
  site.ex1.setTalk(politeTalk);
});
