/** ManageSieve through the gateway to real Dovecots: clients must not notice that it is there. */
import { readFile, writeFile } from 'node:fs/promises';
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
import { trusting } from '../support/gateway.ts';
import {
  openClearSieve,
  openSieve,
  runSieveClient,
  runSieveConnect,
  sieveLogin,
} from '../support/sieve-clients.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { endedAs } from '../support/watching.ts';

let site: DovecotSite;

beforeAll(async () => {
  if (!hasDovecot) return;
  site = await startDovecotSite({
    POSTERN_PRESET: 'dovecot-dsync',
    POSTERN_PROTOCOLS: 'imaps,imap,managesieve',
    POSTERN_MANAGESIEVE_PORT: '0',
    POSTERN_MANAGESIEVE_BASELINE: 'AUTH=LOGIN,SIEVE=ENOTIFY,NOTIFY=MAILTO',
    POSTERN_SERVER_IDENTITY: 'managesieve:xclient',
  });
});

beforeEach(async () => {
  if (hasDovecot) await site.heal();
});

afterAll(async () => {
  await site?.close();
});

dovecotTest('scripts go up and come down the same, each user on the server of its database', async () => {
  for (const [account, server] of [
    [ann, site.pair.ex1],
    [bob, site.pair.ex2],
  ] as const) {
    const before = (await server.loginLines('managesieve', account.user)).length;
    const { status, stdout, stderr } = await runSieveClient(
      site.gateway,
      account,
      `
script = b'require "fileinto";\\r\\nfileinto "Junk";\\r\\n'
print(client.ask(b'PUTSCRIPT "one" {%d+}\\r\\n%s\\r\\n' % (len(script), script))[-1][:2].decode())
print(client.ask(b'SETACTIVE "one"\\r\\n')[-1][:2].decode())
print(client.ask(b'LISTSCRIPTS\\r\\n')[0].decode())
print(client.ask(b'GETSCRIPT "one"\\r\\n')[1] == script)
print(client.ask(b'PUTSCRIPT "two" "keep nothing"\\r\\n')[0][:2].decode())
`,
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toBe('OK "Logged in."');
    expect(lines.slice(1, 6)).toEqual(['OK', 'OK', '"one" ACTIVE', 'True', 'NO']);
    expect((await server.loginLines('managesieve', account.user)).length).toBe(before + 1);
  }
});

dovecotTest(
  "what is offered before the login is true, and the server's own list comes after it",
  async () => {
    const { stdout, status } = await runSieveClient(
      site.gateway,
      ann,
      `
offered = [line.decode() for line in client.within]
print([line for line in offered if 'SASL' in line or 'NOTIFY' in line])
own = [line.decode() for line in client.ask(b'CAPABILITY\\r\\n')]
print('Pigeonhole' in own[0], 'Postern' in offered[0])
extensions = lambda lines: set(next(line for line in lines if 'fileinto' in line).split('"')[3].split())
print(len(extensions(offered)) >= 15, extensions(offered) <= extensions(own))
`,
    );
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(1, 4)).toEqual([
      `['"SASL" "PLAIN LOGIN"', '"NOTIFY" "mailto"']`,
      'True True',
      'True True',
    ]);
  },
);

dovecotTest('sieve-connect puts a script, lists it, and gets it back', async () => {
  const folder = await makeTempFolder('sieve');
  const path = join(folder, 'three.sieve');
  await writeFile(path, 'require "vacation";\nvacation "away";\n');
  const put = await runSieveConnect(site.gateway, bob, '--localsieve', path, '--upload');
  expect(put, put.stdout + put.stderr).toMatchObject({ status: 0 });
  const list = await runSieveConnect(site.gateway, bob, '--list');
  expect(list.stdout).toContain('"three.sieve"');
  const got = await runSieveConnect(
    site.gateway,
    bob,
    '--remotesieve',
    'three.sieve',
    '--localsieve',
    join(folder, 'got'),
    '--download',
  );
  expect(got, got.stdout + got.stderr).toMatchObject({ status: 0 });
  expect(await readFile(join(folder, 'got'), 'utf8')).toContain('vacation "away";');
  const wrong = await runSieveConnect(site.gateway, { ...bob, password: 'not this' }, '--list');
  expect(wrong.status).not.toBe(0);
  expect(site.gateway.log()).not.toContain('not this');
});

dovecotTest('a wrong password is told as one, and the right one may follow', async () => {
  const client = await openSieve(site.gateway);
  client.send(sieveLogin({ ...ann, password: 'not this' }));
  expect(await client.line()).toBe('NO "Authentication failed"');
  client.send(sieveLogin(ann));
  expect(await client.line()).toBe('OK "Logged in."');
  client.destroy();
});

dovecotTest.each<[string, string, number]>([
  ['a quoted response', sieveLogin(ann), 0],
  ['a response in its own line', sieveLogin(ann).replace(' "AG', '\r\n"AG'), 1],
  [
    'AUTHENTICATE LOGIN',
    `AUTHENTICATE "LOGIN"\r\n"${base64(ann.user)}"\r\n{8+}\r\n${base64(ann.password)}\r\n`,
    2,
  ],
])('V35 %s, and what is pipelined behind it', async (_, login, challenges) => {
  const client = await openSieve(site.gateway);
  client.send(`${login}HAVESPACE "x" 9\r\nPUTSCRIPT "x" {7+}\r\nkeep;\r\n\r\nNOOP "here"\r\nLOGOUT\r\n`);
  const answers = (await client.rest()).split('\r\n').slice(challenges);
  expect(answers).toEqual([
    'OK "Logged in."',
    expect.stringMatching(/^OK/),
    expect.stringMatching(/^OK/),
    expect.stringMatching(/^OK \(TAG "here"\)|^OK \(TAG \{4\}/),
    expect.stringMatching(/^OK/),
    '',
  ]);
});

dovecotTest('the server learns the address of the client by XCLIENT', async () => {
  const client = await openSieve(site.gateway, '127.0.0.77');
  client.send(sieveLogin(ann));
  expect(await client.line()).toMatch(/^OK/);
  const logins = await site.pair.ex1.loginLines('managesieve', ann.user);
  expect(logins.at(-1)).toContain(`rip=127.0.0.77, rport=${client.localPort}`);
  client.destroy();
});

dovecotTest('a login goes where the database is now, and never to where it was', async () => {
  const atEx1 = (await site.pair.ex1.loginLines('managesieve', ann.user)).length;
  await site.move('db1', 'ex2');
  const client = await openSieve(site.gateway);
  client.send(sieveLogin(ann));
  expect(await client.line()).toMatch(/^OK/);
  expect((await site.pair.ex2.loginLines('managesieve', ann.user)).length).toBe(1);
  expect((await site.pair.ex1.loginLines('managesieve', ann.user)).length).toBe(atEx1);
  client.destroy();
});

dovecotTest('a server that is gone is no wrong password', async () => {
  await site.pair.ex2.kill();
  const client = await openSieve(site.gateway);
  client.send(sieveLogin(bob));
  expect(await client.rest(15_000)).toMatch(/^BYE \(TRYLATER\) [^\r\n]*\r\n$/);
});

dovecotTest('V01 bytes behind STARTTLS end the session without an answer or a handshake', async () => {
  const { client } = await openClearSieve(site.gateway);
  client.send(`STARTTLS\r\n${sieveLogin(ann)}`);
  expect(await client.rest(2_000)).toBe('');
  await endedAs(site.gateway, 'starttls_injection');
});

dovecotTest(
  'V10 behind STARTTLS a client may ask for ManageSieve by ALPN, and for nothing else',
  async () => {
    const tls = (ALPNProtocols: string[]) => ({ ...trusting(site.gateway.authority), ALPNProtocols });
    for (const [asked, given] of [
      [['h2', 'managesieve'], 'managesieve'],
      [['h2', 'imap'], undefined],
    ] as const) {
      const { client } = await openClearSieve(site.gateway);
      client.send('STARTTLS\r\n');
      await client.linesUntil(/^OK/);
      const started = client.startTls(tls([...asked]));
      if (given === undefined) await expect(started).rejects.toThrow(/no application protocol/i);
      else expect((await started, client.tls()?.alpnProtocol)).toBe(given);
      client.destroy();
    }
  },
);

dovecotTest('V05 in clear nobody can log in, and nothing invites to', async () => {
  const { client, greeting } = await openClearSieve(site.gateway);
  expect(greeting).toEqual(expect.arrayContaining(['"SASL" ""', '"STARTTLS"']));
  client.send(sieveLogin(ann));
  expect(await client.line()).toMatch(/^NO \(ENCRYPT-NEEDED\)/);
  client.destroy();
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
