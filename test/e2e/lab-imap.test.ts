/**
 * The demo's mail servers before real clients, without a gateway: imapflow, Python's imaplib, curl and
 * mbsync; and what becomes of mail and sessions when a copy moves, a server dies, or one freezes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ActiveManager } from '#gateway/lab/active-manager';
import { leaseMs } from '#gateway/lab/mounts';
import type { TopologyDocument } from '#gateway/lab/topology-document';
import { mustRun, runChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { answerTo, command, logIn } from '../support/imap-talk.ts';
import { programPath } from '../support/programs.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts';

const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((name) => ({
  user: `${name}@demo.test`,
  password: 'demo',
})) as [Account, Account, Account];
type Account = { user: string; password: string };

let lab: ActiveManager;
let folder: string;
const documents: TopologyDocument[] = [];

beforeAll(async () => {
  folder = await makeTempFolder('lab');
  lab = await ActiveManager.start({
    servers: [{ id: 'ex1' }, { id: 'ex2' }],
    databases: [
      { id: 'db1', copies: ['ex1', 'ex2'] },
      { id: 'db2', copies: ['ex2', 'ex1'] },
      { id: 'db3', copies: ['ex1', 'ex2'] },
    ],
    accounts: [ann, bob, cid].map(({ user, password }, index) => ({
      mailbox: user,
      password,
      database: `db${index + 1}`,
    })),
    folder,
    post: async (document) => void documents.push(document),
    log: () => undefined,
  });
});

afterAll(() => {
  lab.stop();
  removeTempFolder(folder);
});

const address = (server: string) => ({ host: '127.0.0.1', port: lab.portOf(server, 'imap') });
const activeOf = (database: string) =>
  lab.status().databases.find(({ id }) => id === database)?.activeServer ?? '';

async function openFlow(server: string, account: Account): Promise<ImapFlow> {
  const client = new ImapFlow({
    ...address(server),
    secure: false,
    auth: { user: account.user, pass: account.password },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function loginWords(server: string, { user, password }: Account): Promise<string> {
  const client = await connectRaw(address(server));
  try {
    await client.line();
    return await answerTo(client, `LOGIN ${user} ${password}`);
  } finally {
    client.destroy();
  }
}

test('imapflow reads, appends 20 MiB, searches, moves and deletes', async () => {
  const client = await openFlow('ex1', cid);
  await client.mailboxOpen('INBOX');
  const body = randomBytes(15 * 1024 * 1024)
    .toString('base64')
    .replace(/(.{76})/g, '$1\r\n');
  const message = Buffer.from(`From: cid@demo.test\r\nSubject: large\r\n\r\n${body}\r\n`);
  const appended = await client.append('INBOX', message, ['\\Flagged'], new Date('2026-11-20T10:00:00Z'));
  expect(appended).toMatchObject({ uid: 6, destination: 'INBOX' });
  const large = await client.fetchOne('6', { source: true, flags: true, internalDate: true }, { uid: true });
  if (large === false) throw new Error('the message is not there');
  expect(sha256(large.source ?? Buffer.alloc(0))).toBe(sha256(message));
  expect([...(large.flags ?? [])]).toEqual(expect.arrayContaining(['\\Flagged']));

  const listed = [];
  for await (const each of client.fetch('1:5', { envelope: true, bodyStructure: true })) listed.push(each);
  expect(listed.map(({ envelope }) => envelope?.subject ?? '')).toEqual([
    'Welcome',
    'Grüße aus Köln',
    'Fwd: the old copy',
    'A file of 3,000 bytes',
    '',
  ]);
  expect(listed[1]?.bodyStructure?.childNodes?.map(({ type }) => type)).toEqual(['text/plain', 'text/html']);
  const { content } = await client.download('4', '2');
  if (content === undefined) throw new Error('the part is not there');
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part as Buffer);
  expect(Buffer.concat(parts)).toEqual(Buffer.from(Array.from({ length: 3_000 }, (_, index) => index % 251)));

  expect(await client.search({ subject: 'grüße' }, { uid: true })).toEqual([2]);
  expect(await client.messageMove('6', 'Trash', { uid: true })).toMatchObject({
    uidMap: new Map([[6, 1]]),
  });
  expect(await client.status('Trash', { messages: true, uidNext: true })).toMatchObject({
    messages: 1,
    uidNext: 2,
  });
  await client.mailboxOpen('Trash');
  expect(await client.messageDelete('1', { uid: true })).toBe(true);
  expect(client.mailbox).toMatchObject({ exists: 0 });
  await client.logout();
});

test('imaplib uses every command that it has', async () => {
  const program = `
import imaplib
c = imaplib.IMAP4('127.0.0.1', ${lab.portOf('ex1', 'imap')})
ok = lambda answer: (answer[1] if answer[0] == 'OK' else (_ for _ in ()).throw(Exception(answer)))
ok(c.authenticate('PLAIN', lambda _: b'\\0cid@demo.test\\0demo'))
print(ok(c.namespace()), ok(c.list('""', '""')), ok(c.list('""', '%')))
ok(c.create('a/b')); ok(c.subscribe('a/b')); print(ok(c.lsub('a/', '*')))
ok(c.append('a/b', '(\\\\Seen)', '"20-Nov-2026 10:00:00 +0100"', b'Subject: x\\r\\n\\r\\nbody\\r\\n'))
print(ok(c.status('a/b', '(MESSAGES UNSEEN RECENT UIDNEXT)')))
print(ok(c.select('a/b')), c.recent(), ok(c.search(None, 'SEEN', 'ON', '20-Nov-2026')))
print(ok(c.fetch('1', '(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[TEXT]<1.2>)')))
print(ok(c.store('1', '+FLAGS', '(\\\\Deleted work)')), ok(c.copy('1', 'INBOX')))
print(ok(c.uid('SEARCH', 'KEYWORD', 'work')), ok(c.expunge()), ok(c.check()), ok(c.noop()))
ok(c.close()); ok(c.rename('a/b', 'a/c')); print(ok(c.list('a/', '*')))
ok(c.unsubscribe('a/b')); ok(c.delete('a/c')); ok(c.delete('a'))
print(ok(c.select('INBOX', readonly=True)), c.store('1', 'FLAGS', '()')[0], c.logout()[0])
`;
  const lines = (await mustRun('python3', ['-c', program])).trimEnd().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(
      /^\[b'\(\("" "\/"\)\) NIL NIL'\] \[b'\(\\\\Noselect\) "\/" ""'\] .*"\/" INBOX'.*Trash/,
    ),
    `[b'(\\\\HasNoChildren) "/" a/b']`,
    `[b'a/b (MESSAGES 1 UNSEEN 0 RECENT 1 UIDNEXT 2)']`,
    `[b'1'] ('OK', [b'1']) [b'1']`,
    String.raw`[(b'1 (FLAGS (\\Seen \\Recent) INTERNALDATE "20-Nov-2026 09:00:00 +0000"` +
      ` RFC822.SIZE 20 BODY[TEXT]<1> {2}', b'od'), b')']`,
    expect.stringMatching(
      /^\[b'1 \(FLAGS \(\\\\Seen \\\\Deleted work \\\\Recent\)\)'\] \[b'\[COPYUID \d+ 1 7\]/,
    ),
    `[b'1'] [b'1'] [b'CHECK completed'] [b'NOOP completed']`,
    String.raw`[b'(\\HasNoChildren) "/" a/c']`,
    `[b'6'] NO BYE`,
  ]);
});

test('curl lists, reads and appends', async () => {
  const path = join(folder, 'letter.eml');
  writeFileSync(path, 'From: ann@demo.test\r\nSubject: by curl\r\n\r\nhello\r\n');
  const url = `imap://127.0.0.1:${lab.portOf('ex1', 'imap')}`;
  const curl = (...args: string[]) => mustRun('curl', ['-sS', '-u', 'ann@demo.test:demo', ...args]);
  await curl('-T', path, `${url}/Drafts`);
  expect(await curl(`${url}/Drafts;UID=1`)).toBe(readFileSync(path, 'utf8'));
  expect(await curl(`${url}/INBOX?SUBJECT%20file`)).toBe('* SEARCH 4\r\n');
  expect(await curl(`${url}/`)).toContain('* LIST (\\HasNoChildren) "/" Sent\r\n');
  expect(await curl('-X', 'FETCH 1 ALL', `${url}/INBOX`)).toContain('* 1 FETCH (FLAGS (\\Seen) INTERNALDATE');
});

test.skipIf(programPath('mbsync') === undefined)('mbsync keeps a Maildir in step, both ways', async () => {
  const mail = await makeTempFolder('mbsync');
  for (const name of ['box', 'state']) mkdirSync(join(mail, name));
  const lines = [
    `IMAPAccount a\nHost 127.0.0.1\nPort ${lab.portOf('ex2', 'imap')}`,
    'User bob@demo.test\nPass demo\nSSLType None',
    'AuthMechs LOGIN\n\nIMAPStore far\nAccount a\n',
    `MaildirStore near\nPath ${mail}/box/\nInbox ${mail}/box/INBOX\nSubFolders Verbatim\n`,
    `Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState ${mail}/state/\n`,
  ];
  writeFileSync(join(mail, 'rc'), lines.join('\n'));
  const sync = () => runChild('mbsync', ['-c', join(mail, 'rc'), '-a'], { env: { HOME: mail } });
  expect(await sync()).toMatchObject({ status: 0 });
  const held = () => ['new', 'cur'].flatMap((part) => readdirSync(join(mail, 'box/INBOX', part)));
  expect(held()).toHaveLength(5);

  writeFileSync(
    join(mail, 'box/INBOX/cur/1.local.host:2,S'),
    'From: bob@demo.test\nSubject: from here\n\nhi\n',
  );
  expect(await sync()).toMatchObject({ status: 0 });
  const client = await logIn(address('ex2'), bob);
  expect(await answerTo(client, 'SELECT INBOX')).toContain('OK [READ-WRITE]');
  expect(await command(client, 'SEARCH SUBJECT "from here" SEEN')).toContain('* SEARCH 6');
  expect(await answerTo(client, 'UID STORE 1 +FLAGS.SILENT (\\Deleted)')).toContain('OK');
  expect(await command(client, 'EXPUNGE')).toContain('* 1 EXPUNGE');
  client.destroy();
  expect(await sync()).toMatchObject({ status: 0 });
  expect(held()).toHaveLength(5);
  removeTempFolder(mail);
});

test('what is no command is refused and the connection goes on, for a while', async () => {
  const client = await logIn(address('ex1'), ann);
  expect(await answerTo(client, 'FETCH 1 FLAGS')).toBe('BAD select a folder first');
  expect(await answerTo(client, 'LOGIN a b')).toBe('BAD logged in already');
  expect(await answerTo(client, 'SELECT nowhere')).toBe('NO [NONEXISTENT] no such folder');
  expect(await answerTo(client, 'APPEND INBOX {26214401}')).toBe('NO [TOOBIG] the literal is too long');
  expect(await answerTo(client, 'NOOP')).toBe('OK NOOP completed');
  client.destroy();
  const other = await connectRaw(address('ex1'));
  await other.line();
  other.send('GET / HTTP/1.1\r\n'.repeat(30));
  const lines = await other.linesUntil(/^\* BYE/);
  expect(lines).toHaveLength(21);
  other.destroy();
});

test('a wrong password, another server and a command before the login are told apart', async () => {
  expect(await loginWords('ex1', { ...ann, password: 'wrong' })).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  expect(await loginWords('ex2', ann)).toBe('NO [UNAVAILABLE] the active copy of db1 is not here');
  expect(await loginWords('ex1', ann)).toMatch(
    /^OK \[CAPABILITY IMAP4rev1 .*\] ann@demo\.test logged in on ex1$/,
  );
  const client = await connectRaw(address('ex1'));
  await client.line();
  expect(await answerTo(client, 'SELECT INBOX')).toBe('BAD log in first');
  client.destroy();
});

test('an idle session hears of new mail, flags and expunges', async () => {
  const [idle, other] = [await logIn(address('ex1'), ann), await logIn(address('ex1'), ann)];
  await command(idle, 'SELECT Sent');
  idle.send('i1 IDLE\r\n');
  await idle.linesUntil(/^\+ /);
  other.send('o1 APPEND Sent {11+}\r\nSubject: a\r\r\n');
  await other.linesUntil(/^o1 OK \[APPENDUID \d+ 1\]/);
  expect(await idle.linesUntil(/RECENT$/)).toEqual(['* 1 EXISTS', '* 1 RECENT']);
  await command(other, 'SELECT Sent');
  await command(other, 'STORE 1 FLAGS (\\Deleted)');
  expect(await idle.line()).toBe('* 1 FETCH (UID 1 FLAGS (\\Deleted \\Recent))');
  await command(other, 'CLOSE');
  expect(await idle.line()).toBe('* 1 EXPUNGE');
  idle.send('DONE\r\n');
  expect(await idle.line()).toBe('i1 OK IDLE completed');
  for (const client of [idle, other]) client.destroy();
});

test('a switchover takes all mail along, flags and UIDs too, and ends the sessions that stay', async () => {
  const client = await logIn(address('ex1'), ann);
  client.send('m1 APPEND INBOX (\\Answered) {22+}\r\nSubject: moves along\r\n\r\n');
  await client.linesUntil(/^m1 OK/);
  const before = await contents('ex1', ann);
  const from = documents.length;
  await lab.move('db1', 'ex2');

  expect(await contents('ex2', ann)).toEqual(before);
  expect(await client.linesUntil(/^\* BYE/)).toEqual([
    '* BYE [UNAVAILABLE] the active copy of db1 is not here any more',
  ]);
  expect(await loginWords('ex1', ann)).toMatch(/^NO \[UNAVAILABLE\]/);
  expect(statesSince(from, 'db1')).toEqual(['ex1 Dismounting', 'ex2 Mounting', 'ex2 Mounted']);
  client.destroy();
});

test('documents have the shape of edge-topology/1, and each agent counts its own', () => {
  const [last, earlier] = documents.filter(({ agent }) => agent === 'ex1').reverse();
  expect(last).toMatchObject({
    schema: 'edge-topology/1',
    agent: 'ex1',
    seq: expect.any(Number),
    observedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    server: { name: 'ex1' },
    mailboxes: null,
  });
  expect(last?.seq).toBeGreaterThan(earlier?.seq ?? 0);
  expect(last?.databases[0]).toMatchObject({ name: 'db1', activeServer: 'ex2', mounted: true, epoch: 2 });
});

test('after a crash nothing acknowledged is missing, and the healed server comes back passive', async () => {
  const client = await logIn(address('ex1'), cid);
  for (let index = 0; index < 20; index += 1) {
    expect(await answerTo(client, `APPEND INBOX {8+}\r\nSubject:`)).toContain('OK [APPENDUID');
  }
  const before = await contents('ex1', cid);
  lab.crash('ex1');
  await eventually('db3 on ex2', () => activeOf('db3') === 'ex2' && isMounted('db3'), { withinMs: 1_000 });
  expect(await contents('ex2', cid)).toEqual(before);
  await eventually('documents of ex2 alone', () => documents.at(-1)?.agent === 'ex2');

  await lab.heal('ex1');
  expect(await loginWords('ex1', cid)).toMatch(/^NO \[UNAVAILABLE\]/);
  expect(copyStates('db3')).toEqual({ ex1: 'Healthy', ex2: 'Mounted' });
  await lab.move('db3', 'ex1');
  expect(await contents('ex1', cid)).toEqual(before);
});

test('a frozen server loses what it had, and is fenced off when it thaws', async () => {
  const client = await logIn(address('ex1'), cid);
  lab.freeze('ex1');
  client.send('f1 APPEND INBOX {8+}\r\nSubject:\r\n');
  const waiting = await connectRaw(address('ex1'));
  waiting.send('w1 LOGIN cid@demo.test demo\r\n');
  await eventually('db3 on ex2', () => activeOf('db3') === 'ex2' && isMounted('db3'), { withinMs: 4_000 });
  const onEx2 = await contents('ex2', cid);

  await lab.heal('ex1');
  // Both spoke to ex1 while it did not know yet that db3 had gone: nothing may have come of it.
  expect(await waiting.linesUntil(/^w1 /)).toContain(
    'w1 NO [UNAVAILABLE] the active copy of db3 is not here',
  );
  expect((await client.linesUntil(/^\* BYE/)).some((line) => line.startsWith('f1 OK'))).toBe(false);
  expect(await contents('ex2', cid)).toEqual(onEx2);
  for (const each of [client, waiting]) each.destroy();
});

test('a short pause, less than a lease, moves nothing', async () => {
  const epoch = lab.status().databases.map((database) => database.epoch);
  const client = await logIn(address('ex2'), bob);
  lab.freeze('ex2');
  await new Promise((resolve) => setTimeout(resolve, leaseMs / 2));
  await lab.heal('ex2');
  expect(await answerTo(client, 'NOOP')).toBe('OK NOOP completed');
  expect(lab.status().databases.map((database) => database.epoch)).toEqual(epoch);
  client.destroy();
});

test('orders that make no sense are refused in words', async () => {
  await expect(lab.move('db9', 'ex1')).rejects.toThrow('there is no database db9: db1, db2, db3');
  await expect(lab.move('db2', 'ex3')).rejects.toThrow('ex3 has no copy of db2');
  await expect(lab.move('db2', activeOf('db2'))).rejects.toThrow('already');
  expect(() => lab.crash('ex9')).toThrow('there is no server ex9: ex1, ex2');
});

function isMounted(database: string): boolean {
  return lab.status().databases.find(({ id }) => id === database)?.isMounted === true;
}

function copyStates(database: string): Record<string, string> {
  const copies = lab.status().databases.find(({ id }) => id === database)?.copies ?? [];
  return Object.fromEntries(copies.map(({ server, status }) => [server, status]));
}

/** What a folder holds: UIDs, flags, dates and hashes of every message, and its UIDVALIDITY. */
async function contents(server: string, account: Account): Promise<string[]> {
  const client: RawConnection = await logIn(address(server), account);
  const selected = await command(client, 'EXAMINE INBOX');
  const fetched = await command(client, 'FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)');
  client.destroy();
  const kept = [...selected.filter((line) => line.includes('UIDVALIDITY')), ...fetched.slice(0, -1)];
  return kept.map((line) => line.replace(' \\Recent', '').replace('\\Recent', ''));
}

/** The states of the active copy that ex2's documents told, each once. */
function statesSince(from: number, database: string): string[] {
  const told = documents.slice(from).flatMap(({ agent, databases }) => {
    const row = databases.find(({ name }) => name === database);
    const copy = row?.copies.find((each) => each['server'] === row.activeServer);
    return agent === 'ex2' && row !== undefined ? [`${row.activeServer} ${String(copy?.['status'])}`] : [];
  });
  return told.filter((state, index) => state !== told[index - 1]);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
