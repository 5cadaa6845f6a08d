/**
 * The demo's mail servers by POP3, ManageSieve and submission, without a gateway: Python's poplib and
 * smtplib, curl, raw clients; and what becomes of sessions and mail when a copy moves or a server dies.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ActiveManager } from '#gateway/lab/active-manager';
import type { LoginProtocol } from '#model/protocol';
import { mustRun } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type Account, command, logIn } from '../support/imap-talk.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { openSieve, plainResponse, sieveAnswer, sieveLogin } from '../support/sieve-talk.ts';
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts';

const [ann, bob] = ['ann', 'bob'].map((name) => ({ user: `${name}@demo.test`, password: 'demo' })) as [
  Account,
  Account,
];

let lab: ActiveManager;
let folder: string;

beforeAll(async () => {
  folder = await makeTempFolder('doors');
  lab = await ActiveManager.start({
    servers: [{ id: 'ex1' }, { id: 'ex2' }],
    databases: [
      { id: 'db1', copies: ['ex1', 'ex2'] },
      { id: 'db2', copies: ['ex2', 'ex1'] },
    ],
    accounts: [ann, bob].map(({ user, password }, index) => {
      return { mailbox: user, password, database: `db${index + 1}` };
    }),
    folder,
    post: async () => undefined,
    log: () => undefined,
  });
});

afterAll(() => {
  lab.stop();
  removeTempFolder(folder);
});

const address = (server: string, protocol: LoginProtocol) => {
  return { host: '127.0.0.1', port: lab.portOf(server, protocol) };
};
const python = async (program: string) => (await mustRun('python3', ['-c', program])).trimEnd().split('\n');
const curl = (...args: string[]) => mustRun('curl', ['-sS', '-u', 'ann@demo.test:demo', ...args]);

/** Subjects in the INBOX, by IMAP. */
async function subjects(server: string, account: Account): Promise<string[]> {
  const client = await logIn(address(server, 'imap'), account);
  await command(client, 'EXAMINE INBOX');
  const lines = await command(client, 'FETCH 1:* BODY[HEADER.FIELDS (SUBJECT)]');
  client.destroy();
  return lines.flatMap((line) => /^Subject: (.*)$/.exec(line)?.[1] ?? []);
}

/** A raw client that has read its greeting. */
async function connect(server: string, protocol: LoginProtocol): Promise<RawConnection> {
  const client = await connectRaw(address(server, protocol));
  if (protocol !== 'sieve') await client.line();
  return client;
}

const pop3 = (server: string) => `
import poplib
c = poplib.POP3('127.0.0.1', ${lab.portOf(server, 'pop3')})
`;

test('poplib reads, and what it deletes is gone behind QUIT, for IMAP too', async () => {
  const before = await subjects('ex1', ann);
  const lines = await python(`${pop3('ex1')}
print(c.getwelcome().decode(), *sorted(c.capa()))
print(c.user('ann@demo.test').decode()); print(c.pass_('demo').decode())
count, size = c.stat()
print(count, size == sum(int(row.split()[1]) for row in c.list()[1]), len(set(c.uidl()[1])))
head = c.top(1, 1)[1]; print(head[-1].decode(), head[-2] == b'')
print(sum(len(row) + 2 for row in c.retr(4)[1]) == int(c.list(4).split()[2]))
c.dele(2); print(len(c.list()[1])); c.rset(); print(len(c.list()[1]))
c.dele(5); print(c.noop().decode(), c.quit().decode())
`);
  expect(lines).toEqual([
    '+OK ex1 ready AUTH-RESP-CODE IMPLEMENTATION PIPELINING RESP-CODES SASL TOP UIDL USER',
    '+OK and the password',
    '+OK ann@demo.test logged in on ex1',
    '5 True 5',
    'This mailbox is ann@demo.test. Its database has a copy on each of the two lab servers; True',
    'True',
    '4',
    '5',
    '+OK +OK ex1 says goodbye',
  ]);
  expect(await subjects('ex1', ann)).toEqual(before);
  expect(before).toHaveLength(4);
  const [left] = await python(`${pop3('ex1')}
c.user('ann@demo.test'); c.pass_('demo'); print(c.stat()[0])`);
  expect(left).toBe('4');
});

test('POP3 without QUIT deletes nothing; a message that others removed is still to be read', async () => {
  const client = await connect('ex2', 'pop3');
  client.send(`AUTH PLAIN\r\n${plainResponse(bob)}\r\nDELE 1\r\nRETR 1\r\n`);
  expect(await client.linesUntil(/^-ERR/)).toEqual([
    '+ ',
    '+OK bob@demo.test logged in on ex2',
    '+OK message 1 goes at QUIT',
    '-ERR no such message',
  ]);
  const imap = await logIn(address('ex2', 'imap'), bob);
  await command(imap, 'SELECT INBOX');
  await command(imap, 'STORE 5 FLAGS (\\Deleted)');
  await command(imap, 'EXPUNGE');
  imap.destroy();
  client.send('RETR 5\r\n');
  expect(await client.linesUntil(/^\.$/)).toContain('Short.');
  client.destroy();
  expect(await subjects('ex2', bob)).toHaveLength(4);
});

test('a wrong password, another server and a command before the login are told apart in POP3', async () => {
  const answers = async (server: string, ...lines: string[]) => {
    const client = await connect(server, 'pop3');
    client.send(lines.map((line) => `${line}\r\n`).join(''));
    const heard = [];
    for (const _ of lines) heard.push(await client.line());
    client.destroy();
    return heard;
  };
  expect(await answers('ex1', 'STAT', 'PASS x', `USER ${ann.user}`, 'PASS wrong', 'NOISE')).toEqual([
    '-ERR log in first',
    '-ERR USER first',
    '+OK and the password',
    '-ERR [AUTH] no such mailbox or a wrong password',
    '-ERR that is no command',
  ]);
  expect((await answers('ex2', `USER ${ann.user}`, 'PASS demo')).at(-1)).toBe(
    '-ERR [SYS/TEMP] the active copy of db1 is not here',
  );
  const client = await connect('ex1', 'pop3');
  client.send('GET / HTTP/1.1\r\n'.repeat(30));
  expect((await client.rest()).trimEnd().split('\r\n')).toHaveLength(21);
});

test('scripts are put, checked, listed, renamed, activated and deleted, and told whole', async () => {
  const client = await connect('ex1', 'sieve');
  expect(await sieveLogin(client, ann)).toEqual(['OK "ann@demo.test logged in on ex1"']);
  const last = async (text: string) => (await sieveAnswer(client, text)).at(-1);
  const script = '# m\u00fcll\r\nif header :is "subject" "x" {\r\n  discard;\r\n}\r\n';
  const bytes = Buffer.from(script);
  client.send(`PUTSCRIPT "spam" {${bytes.length}+}\r\n`);
  client.send(bytes);
  client.send('\r\n');
  expect(await client.line()).toBe('OK (WARNINGS) "kept; the lab keeps scripts and runs none"');
  expect(await last('PUTSCRIPT "bad" "if {"')).toBe('NO "line 1: a command is expected, not the end"');
  expect(await last('CHECKSCRIPT "keep;"')).toMatch(/^OK \(WARNINGS\)/);
  expect(await last('HAVESPACE "big" 65537')).toMatch(/^NO \(QUOTA\/MAXSIZE\)/);
  expect(await last('HAVESPACE "big" 65536')).toMatch(/^OK/);
  expect(await last('SETACTIVE "none"')).toMatch(/^NO \(NONEXISTENT\)/);
  expect(await last('RENAMESCRIPT "spam" "junk"')).toMatch(/^OK/);
  expect(await last('SETACTIVE "junk"')).toMatch(/^OK/);
  expect(await last('DELETESCRIPT "junk"')).toMatch(/^NO \(ACTIVE\)/);
  expect(await last('PUTSCRIPT "other" "keep;"')).toMatch(/^OK/);
  expect(await sieveAnswer(client, 'LISTSCRIPTS')).toEqual([
    '"junk" ACTIVE',
    '"other"',
    'OK "LISTSCRIPTS completed"',
  ]);
  expect(await last('DELETESCRIPT "other"')).toMatch(/^OK/);
  client.send('GETSCRIPT "junk"\r\n');
  expect(await client.line()).toBe(`{${bytes.length}}`);
  expect(await client.bytes(bytes.length)).toEqual(bytes);
  expect(await client.linesUntil(/^OK/)).toEqual(['', 'OK "GETSCRIPT completed"']);
  expect(await last('NOOP "mark"')).toBe('OK (TAG "mark") "done"');
  client.send('LOGOUT\r\n');
  expect(await client.rest()).toBe('OK "ex1 says goodbye"\r\n');
});

test('ManageSieve tells a wrong password from another server, and takes PLAIN in two steps', async () => {
  const client = await connect('ex1', 'sieve');
  expect(await client.linesUntil(/^OK/)).toEqual([
    '"IMPLEMENTATION" "Postern lab"',
    '"SASL" "PLAIN"',
    '"SIEVE" ""',
    '"VERSION" "1.0"',
    'OK "ex1 ready"',
  ]);
  expect(await sieveAnswer(client, 'LISTSCRIPTS')).toEqual(['NO "log in first"']);
  const wrong = plainResponse({ ...ann, password: 'wrong' });
  expect(await sieveAnswer(client, `AUTHENTICATE "PLAIN" "${wrong}"`)).toEqual([
    'NO "no such mailbox or a wrong password"',
  ]);
  client.send('AUTHENTICATE "PLAIN"\r\n');
  expect(await client.line()).toBe('""');
  const response = plainResponse(ann);
  expect(await sieveAnswer(client, `{${response.length}+}\r\n${response}`)).toEqual([
    'OK "ann@demo.test logged in on ex1"',
  ]);
  client.destroy();
  const other = await connect('ex2', 'sieve');
  expect(await sieveLogin(other, ann)).toEqual(['NO (TRYLATER) "the active copy of db1 is not here"']);
  other.destroy();
});

test('smtplib submits to mailboxes on both servers; the mail is read back by IMAP and POP3', async () => {
  const lines = await python(`
import smtplib
for method in ('PLAIN', 'LOGIN'):
    c = smtplib.SMTP('127.0.0.1', ${lab.portOf('ex1', 'submission')})
    c.ehlo('client.test'); c.user, c.password = 'ann@demo.test', 'demo'
    print(*c.auth(method, getattr(c, 'auth_' + method.lower()), initial_response_ok=method == 'PLAIN'))
    print(c.sendmail('ann@demo.test', ['bob@demo.test', 'ann@demo.test'],
        'Subject: by ' + method + '\\r\\n\\r\\n.a dot\\r\\n..two\\r\\n'))
    print(*c.mail('ann@demo.test'), *c.rcpt('eve@demo.test'), *c.rset(), *c.noop(), *c.quit())
`);
  expect(lines.slice(0, 3)).toEqual([
    "235 b'2.7.0 ann@demo.test logged in on ex1'",
    '{}',
    expect.stringMatching(/^250 b'2\.1\.0 .*' 550 b'5\.1\.1 there is no such mailbox' 250 .* 250 .* 221 .*$/),
  ]);
  expect(lines[3]).toBe(lines[0]);
  for (const [server, account] of [
    ['ex1', ann],
    ['ex2', bob],
  ] as const) {
    expect((await subjects(server, account)).slice(-2)).toEqual(['by PLAIN', 'by LOGIN']);
  }
  const [text] = await python(`${pop3('ex2')}
c.user('bob@demo.test'); c.pass_('demo'); print(b'|'.join(c.retr(c.stat()[0])[1]).decode())`);
  expect(text?.split('|')).toEqual([
    'Return-Path: <ann@demo.test>',
    'Received: from client.test ([127.0.0.1])',
    expect.stringMatching(/^\tby ex1\.demo\.test with ESMTPA id \w+$/),
    expect.stringMatching(/^\tfor <bob@demo\.test>; .* \+0000$/),
    'Subject: by LOGIN',
    '',
    '.a dot',
    '..two',
  ]);
});

test('curl submits, and reads by POP3', async () => {
  const letter = join(folder, 'letter.eml');
  writeFileSync(letter, 'From: ann@demo.test\r\nSubject: by curl\r\n\r\nhello\r\n');
  const envelope = ['--mail-from', ann.user, '--mail-rcpt', ann.user, '--upload-file', letter];
  for (const mechanism of ['PLAIN', 'LOGIN']) {
    const url = `smtp://127.0.0.1:${lab.portOf('ex1', 'submission')}`;
    await curl('--login-options', `AUTH=${mechanism}`, ...envelope, url);
  }
  const url = `pop3://127.0.0.1:${lab.portOf('ex1', 'pop3')}`;
  const count = (await curl(`${url}/`)).trimEnd().split('\r\n').length;
  expect(await curl(`${url}/${count}`)).toMatch(/Subject: by curl\r\n\r\nhello\r\n$/);
});

test('submission refuses mail without a login, a wrong password, and what is too large', async () => {
  const client = await connect('ex1', 'submission');
  const ask = async (text: string) => {
    client.send(`${text}\r\n`);
    return (await client.linesUntil(/^\d{3} /)).at(-1);
  };
  await ask('EHLO client.test');
  expect(await ask('MAIL FROM:<ann@demo.test>')).toMatch(/^530 5\.7\.0 /);
  expect(await ask(`AUTH PLAIN ${plainResponse({ ...ann, password: 'wrong' })}`)).toBe(
    '535 5.7.8 no such mailbox or a wrong password',
  );
  expect(await ask(`AUTH PLAIN ${plainResponse(bob)}`)).toBe('454 4.7.0 the active copy of db2 is not here');
  expect(await ask(`AUTH PLAIN ${plainResponse(ann)}`)).toBe('235 2.7.0 ann@demo.test logged in on ex1');
  expect(await ask('MAIL FROM:<ann@demo.test> SIZE=26214401')).toMatch(/^552 /);
  await ask('MAIL FROM:<ann@demo.test>');
  await ask('RCPT TO:<ann@demo.test>');
  await ask('DATA');
  const line = `${'x'.repeat(998)}\r\n`;
  client.send(Buffer.from(line.repeat(Math.ceil(26_214_401 / line.length))));
  expect(await ask('.')).toBe('552 5.2.2 a message has 26214400 bytes at most');
  client.destroy();
});

test('a client that goes without a word leaves no session behind, by any door', async () => {
  const sessionsOn = (server: string) =>
    lab.status().servers.find((each) => each.server === server)?.sessions;
  await eventually('nobody is there', () => sessionsOn('ex1') === 0);
  const protocols = ['imap', 'pop3', 'sieve', 'submission'] as const;
  const clients = await Promise.all(protocols.map((protocol) => connect('ex1', protocol)));
  await eventually('all are there', () => sessionsOn('ex1') === protocols.length);
  for (const client of clients) client.finish();
  await eventually('all are gone', () => sessionsOn('ex1') === 0);
});

test('sessions of all doors end when the copy moves away, and their logins follow it', async () => {
  const sessions = {
    pop3: await connect('ex1', 'pop3'),
    sieve: await openSieve(address('ex1', 'sieve'), ann),
    submission: await connect('ex1', 'submission'),
  };
  sessions.pop3.send(`USER ${ann.user}\r\nPASS demo\r\nDELE 1\r\n`);
  await sessions.pop3.linesUntil(/QUIT/);
  sessions.submission.send(`EHLO client.test\r\n`);
  await sessions.submission.linesUntil(/^250 /);
  sessions.submission.send(`AUTH PLAIN ${plainResponse(ann)}\r\n`);
  await sessions.submission.line();
  const before = await subjects('ex1', ann);
  await lab.move('db1', 'ex2');

  expect(await sessions.pop3.rest()).toBe('-ERR [SYS/TEMP] the active copy of db1 is not here any more\r\n');
  expect(await sessions.sieve.rest()).toBe(
    'BYE (TRYLATER) "the active copy of db1 is not here any more"\r\n',
  );
  expect(await sessions.submission.rest()).toBe('421 4.3.2 the active copy of db1 is not here any more\r\n');
  const [state, ...list] = await python(`${pop3('ex2')}
c.user('ann@demo.test'); print(c.pass_('demo').decode()); print(c.stat()[0])`);
  expect([state, Number(list[0])]).toEqual(['+OK ann@demo.test logged in on ex2', before.length]);
  expect(await subjects('ex2', ann)).toEqual(before);
  const sieve = await openSieve(address('ex2', 'sieve'), ann);
  expect(await sieveAnswer(sieve, 'LISTSCRIPTS')).toEqual(['"junk" ACTIVE', 'OK "LISTSCRIPTS completed"']);
  sieve.destroy();
});

test('mail for a database that is moving, or whose server dies, waits and arrives', async () => {
  const send = (subject: string) =>
    python(`
import smtplib
c = smtplib.SMTP('127.0.0.1', ${lab.portOf('ex2', 'submission')})
c.login('bob@demo.test', 'demo')
c.sendmail('bob@demo.test', ['ann@demo.test'], 'Subject: ${subject}\\r\\n\\r\\n')
`);
  const moved = lab.move('db1', 'ex1');
  await Promise.all([moved, send('while it moves')]);
  expect((await subjects('ex1', ann)).at(-1)).toBe('while it moves');
  lab.crash('ex1');
  await send('while it is dead');
  await eventually('db1 on ex2', () => lab.status().databases[0]?.activeServer === 'ex2');
  expect((await subjects('ex2', ann)).slice(-2)).toEqual(['while it moves', 'while it is dead']);
  await lab.heal('ex1');
});

test('what a frozen server was told while others took over is done nowhere, by any door', async () => {
  expect(lab.status().databases[0]?.activeServer).toBe('ex2');
  const before = await subjects('ex2', ann);
  const maildrop = await connect('ex2', 'pop3');
  maildrop.send(`USER ${ann.user}\r\nPASS demo\r\nDELE 1\r\n`);
  await maildrop.linesUntil(/QUIT/);
  const sieve = await openSieve(address('ex2', 'sieve'), ann);
  const sender = await connect('ex2', 'submission');
  const letter = ['EHLO client.test', `AUTH PLAIN ${plainResponse(ann)}`, 'MAIL FROM:<ann@demo.test>'];
  for (const line of [...letter, 'RCPT TO:<ann@demo.test>', 'DATA']) {
    sender.send(`${line}\r\n`);
    await sender.linesUntil(/^\d{3} /);
  }
  lab.freeze('ex2');
  maildrop.send('QUIT\r\n');
  sieve.send('PUTSCRIPT "late" "keep;"\r\n');
  sender.send('Subject: too late\r\n\r\n.\r\n');
  await eventually('db1 on ex1', () => {
    const [db1] = lab.status().databases;
    return db1?.activeServer === 'ex1' && db1.isMounted;
  });
  await lab.heal('ex2');
  expect(await maildrop.rest()).toMatch(/^-ERR \[SYS\/TEMP\] /);
  expect(await sieve.rest()).toMatch(/^BYE \(TRYLATER\) /);
  expect(await sender.rest()).toMatch(/^421 /);
  expect(await subjects('ex1', ann)).toEqual(before);
  const now = await openSieve(address('ex1', 'sieve'), ann);
  expect(await sieveAnswer(now, 'LISTSCRIPTS')).toEqual(['"junk" ACTIVE', 'OK "LISTSCRIPTS completed"']);
  now.destroy();
});
