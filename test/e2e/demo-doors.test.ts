/** The demo through all its doors: one mailbox's sessions are on one server, and follow its database. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustRun } from '../support/child.ts';
import { type Demo, type Frontend, anyCertificate, startDemo } from '../support/demo.ts';
import { type DoorSession, openDoor, smtpAnswer } from '../support/door-logins.ts';
import { eventually } from '../support/eventually.ts';
import { command } from '../support/imap-talk.ts';
import { sieveAnswer } from '../support/sieve-talk.ts';

const ann = { user: 'ann@demo.test', password: 'demo' };
let demo: Demo;

beforeAll(async () => void (demo = await startDemo()));
afterAll(async () => void (await demo?.stop()));

type Protocol = keyof typeof openDoor;
const protocols: readonly Protocol[] = ['imap', 'pop3', 'sieve', 'submission'];
const doors: readonly (readonly [Frontend, Protocol])[] = [
  ['imaps', 'imap'],
  ['imap', 'imap'],
  ['pop3s', 'pop3'],
  ['pop3', 'pop3'],
  ['submissions', 'submission'],
  ['submission', 'submission'],
  ['managesieve', 'sieve'],
];

/** All of it, and nothing besides. */
const goodbyes: Readonly<Record<Protocol, RegExp>> = {
  imap: /^\* BYE \[UNAVAILABLE\] [^\r]*\r\n$/,
  pop3: /^-ERR \[SYS\/TEMP\] [^\r]*\r\n$/,
  sieve: /^BYE \(TRYLATER\) "[^\r]*"\r\n$/,
  submission: /^421 4\.\d\.\d [^\r]*\r\n$/,
};

function open(frontend: Frontend, protocol: Protocol): Promise<DoorSession> {
  const address = demo.door(frontend);
  return openDoor[protocol](address, ann, address.tls === undefined ? anyCertificate : undefined);
}

/** A session by each door, and the servers that their answers name. */
async function openAll(): Promise<{ sessions: ReadonlyMap<Frontend, DoorSession>; servers: string[] }> {
  const opened = await Promise.all(
    doors.map(async ([frontend, protocol]) => [frontend, await open(frontend, protocol)] as const),
  );
  const servers = opened.map(
    ([frontend, { answer }]) => /logged in on (ex\d)/.exec(answer)?.[1] ?? `${frontend}: ${answer}`,
  );
  return { sessions: new Map(opened), servers };
}

async function submit(session: DoorSession | undefined, subject: string): Promise<void> {
  if (session === undefined) throw new Error('no session');
  for (const line of ['MAIL FROM:<ann@demo.test>', 'RCPT TO:<ann@demo.test>', 'DATA'])
    await smtpAnswer(session.client, line);
  expect(await smtpAnswer(session.client, `Subject: ${subject}\r\n\r\nhello\r\n.`)).toMatch(/^250 /);
}

test('it says what there is on a screen of 40 lines', () => {
  const text = demo.text();
  const shown = text.slice(text.indexOf("\nPostern's demo"));
  expect(shown.split('\n').length).toBeLessThanOrEqual(40);
  for (const [frontend] of doors)
    expect(shown).toContain(`  ${frontend.padEnd(11)}  ${demo.door(frontend).port}`);
});

test('all doors of a mailbox lead to one server, and follow a move with mail and scripts', async () => {
  const before = await openAll();
  expect(before.servers).toEqual(doors.map(() => 'ex1'));
  await submit(before.sessions.get('submission'), 'before the move');
  const { client: sieve } = before.sessions.get('managesieve') as DoorSession;
  expect(await sieveAnswer(sieve, 'PUTSCRIPT "mine" "keep;"')).toEqual([expect.stringMatching(/^OK/)]);

  const { status, stdout } = await demo.postern('lab', 'move', 'db1', 'ex2');
  expect([status, stdout]).toEqual([0, expect.stringContaining('on ex2')]);
  for (const [frontend, protocol] of doors)
    expect(await before.sessions.get(frontend)?.client.rest(), frontend).toMatch(goodbyes[protocol]);
  const after = await openAll();
  expect(after.servers).toEqual(doors.map(() => 'ex2'));
  await submit(after.sessions.get('submissions'), 'after the move');

  const { client: imap } = after.sessions.get('imap') as DoorSession;
  await command(imap, 'EXAMINE INBOX');
  const read = (await command(imap, 'FETCH 6:* BODY[HEADER.FIELDS (SUBJECT)]')).filter((line) =>
    line.startsWith('Subject:'),
  );
  expect(read).toEqual(['Subject: before the move', 'Subject: after the move']);
  const { port } = demo.door('pop3s');
  const curl = (path: string) =>
    mustRun('curl', ['-sSk', '-u', `${ann.user}:${ann.password}`, `pop3s://127.0.0.1:${port}${path}`]);
  expect((await curl('/')).trimEnd().split('\r\n')).toHaveLength(7);
  expect([await curl('/6'), await curl('/7')]).toEqual([
    expect.stringContaining('Subject: before the move'),
    expect.stringContaining('Subject: after the move'),
  ]);
  const scripts = await sieveAnswer((after.sessions.get('managesieve') as DoorSession).client, 'LISTSCRIPTS');
  expect(scripts.slice(0, -1)).toEqual(['"mine"']);
  for (const { client } of after.sessions.values()) client.destroy();
});

test('whereis answers for all protocols, and who shows each door', async () => {
  const opened = await openAll();
  const where = await demo.postern('whereis', ann.user, '--json');
  const { protocols: answers, database } = JSON.parse(where.stdout) as {
    database: string;
    protocols: { protocol: string; server: string }[];
  };
  expect(database).toBe('db1');
  expect(answers).toEqual(protocols.map((protocol) => expect.objectContaining({ protocol, server: 'ex2' })));
  const expected = doors.map(([frontend]) => `${frontend} on ex2`).sort();
  const seen = async () => {
    const who = await demo.postern('who', '--user', ann.user, '--json');
    const { sessions } = JSON.parse(who.stdout) as { sessions: { frontend: string; server: string }[] };
    return sessions.map(({ frontend, server }) => `${frontend} on ${server}`).sort();
  };
  // Those of the test before may still be leaving.
  await eventually('one session a door', async () => (await seen()).length === doors.length);
  expect(await seen()).toEqual(expected);
  for (const { client } of opened.sessions.values()) client.destroy();
});
