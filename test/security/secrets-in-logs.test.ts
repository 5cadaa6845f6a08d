import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askAdmin } from '../support/admin-client.ts';
import { agentDocument } from '../support/agent-voice.ts';
import { eventually } from '../support/eventually.ts';
import { command, logIn } from '../support/imap-talk.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, cid, startStubSite } from '../support/stub-site.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

let site: StubSite;
const canaries = {
  good: 'canary-good-5b1f',
  refused: 'wrong',
  literal: 'canary-literal-77aa',
  probe: 'canary-probe-9c3d',
  unknown: 'canary-unknown-e8e8',
};

beforeAll(async () => {
  const folder = await makeTempFolder('canary');
  const probes = join(folder, 'probes');
  await writeFile(probes, `db1 ${ann.user} ${canaries.probe}\n`);
  site = await startStubSite({ POSTERN_PROBE_ACCOUNTS_FILE: probes, POSTERN_PROBE_LOGIN_INTERVAL: '1s' });
});

afterAll(async () => {
  await site?.close();
});

test('V53 no password is in any log, metric, answer or command line', async () => {
  const { gateway, ex1 } = site;
  await eventually('the login probe has run', () =>
    ex1.logins.some(({ password }) => password === canaries.probe),
  );
  const open = await logIn(gateway.imaps, { user: ann.user, password: canaries.good });
  await tryLogin(`a LOGIN ${ann.user} {${canaries.literal.length}+}\r\n${canaries.literal}\r\n`);
  await tryLogin(`a AUTHENTICATE PLAIN ${base64(`\0${cid.user}\0${canaries.good}`)}\r\n`);
  await tryLogin(`a LOGIN nobody@site.test ${canaries.unknown}\r\n`);
  await tryLogin(`a LOGIN ${ann.user} ${canaries.unknown} too many words\r\n`);
  await tryLogin(`a AUTHENTICATE PLAIN ${base64(canaries.unknown)}=broken\r\n`);
  await ex1.crash();
  await open.rest();
  await eventually('sessions are logged', () => gateway.ends().length >= 5);
  await askAdmin(gateway.adminSocket, 'POST /v1/agent', {
    body: 'no json',
    headers: { authorization: 'Bearer canary-token-4f4f' },
  });

  const pages = ['GET /v1/status', 'GET /metrics', 'GET /v1/sessions', `GET /v1/whereis?mailbox=${ann.user}`];
  const answers = await Promise.all(pages.map(async (page) => (await gateway.admin(page)).text));
  const commandLine = readFileSync(`/proc/${gateway.pid}/cmdline`, 'utf8');
  const environment = readFileSync(`/proc/${gateway.pid}/environ`, 'utf8');
  const told = [gateway.log(), commandLine, environment, ...answers].join('\n');
  expect(told).toContain(ann.user);
  for (const secret of [
    canaries.good,
    canaries.literal,
    canaries.probe,
    canaries.unknown,
    'canary-token-4f4f',
  ]) {
    expect(told.includes(secret), secret).toBe(false);
    expect(told.includes(base64(secret).slice(4, -4)), `${secret} in base64`).toBe(false);
  }
});

test.each<[string, string]>([
  ['terminal escapes', '\x1b[2J\x1b]0;owned\x07@site.test'],
  ['a right-to-left mark', Buffer.from('a\u202egro.tset@site.test').toString('latin1')],
  ['a line separator', Buffer.from('a\u2028b@site.test').toString('latin1')],
  ['what ends a JSON string', 'a","level":"error","x":"'],
  ['2,000 bytes', `${'l'.repeat(2_000)}@site.test`],
  ['bytes that are no UTF-8', '\xff\xfe\x80@site.test'],
])('V54 a user name with %s makes one clean line of the log', async (_, name) => {
  const { gateway } = site;
  const before = gateway.log().length;
  await tryLogin(`a LOGIN {${name.length}+}\r\n${name} {6+}\r\nsecret\r\n`);
  await eventually('the session is logged', () => gateway.log().slice(before).includes('"session"'));
  const added = gateway.log().slice(before);
  expect(added).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
  for (const line of added.split('\n').filter((each) => each !== '')) {
    const record: unknown = JSON.parse(line);
    const longest = Math.max(...Object.values(record as object).map((value) => String(value).length));
    expect(longest).toBeLessThanOrEqual(600);
  }
});

test('V54 an agent that names itself with line ends makes one clean line too', async () => {
  const { gateway } = site;
  const body = agentDocument({
    agent: 'a\n\u001b[31m"b',
    seq: 1,
    servers: ['ex1'],
    databases: { db1: 'ex1' },
  });
  await askAdmin(gateway.adminSocket, 'POST /v1/agent', { body });
  for (const line of gateway
    .log()
    .split('\n')
    .filter((each) => each.startsWith('{')))
    JSON.parse(line);
  expect(gateway.log()).not.toContain('\u001b');
});

/** Says it, then leaves; whatever the answer is. */
async function tryLogin(text: string): Promise<void> {
  const client = await connectRaw(site.gateway.imaps);
  await client.line();
  client.send(text);
  await client.line(8_000).catch(() => undefined);
  await command(client, 'LOGOUT', 1_000).catch(() => undefined);
  client.destroy();
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
