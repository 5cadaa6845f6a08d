import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerTo, command, logIn } from '../support/imap-talk.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { eventually } from '../support/eventually.ts';
import { openFiles, residentMib } from '../support/watching.ts';

let site: StubSite;
const addressLimit = 40;

beforeAll(async () => {
  site = await startStubSite({ POSTERN_MAX_CONNECTIONS_PER_ADDRESS: String(addressLimit) });
});

afterAll(async () => {
  await site?.close();
});

async function greeted(localAddress?: string): Promise<RawConnection> {
  const client = await connectRaw({
    ...site.gateway.imaps,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  await client.line();
  return client;
}

test.each(['{65536}', '{8193}'])(
  'V28 a literal of %s is refused before it is invited, and the session goes on',
  async (literal) => {
    const client = await greeted();
    client.send(`a LOGIN ${literal}\r\n`);
    expect(await client.line()).toMatch(/^a BAD \[TOOBIG\]/);
    expect(await answerTo(client, 'NOOP')).toMatch(/^OK /);
    client.destroy();
  },
);

test.each(['{4294967295}', '{4294967296}', '{99999999999999999999}', '{65537}'])(
  'V28 a literal of %s, more than any may have, is refused and the session closed',
  async (literal) => {
    const client = await greeted();
    client.send(`a LOGIN ${literal}\r\n`);
    expect(await client.rest(3_000)).toMatch(/BAD.*\r\n\* BYE .*\r\n$/);
  },
);

test('V28 a literal of 8192 bytes is invited', async () => {
  const client = await greeted();
  client.send('a LOGIN {8192}\r\n');
  expect(await client.line()).toMatch(/^\+ /);
  client.destroy();
});

test.each(['{4294967295+}', '{4294967296+}', '{99999999999999999999+}', '{1000000+}'])(
  'V28 a literal of %s that does not wait is refused and closed, and nothing is set aside for it',
  async (literal) => {
    const before = residentMib(site.gateway);
    for (let count = 0; count < 20; count++) {
      const client = await greeted();
      client.send(`a LOGIN ${literal}\r\n${'x'.repeat(1000)}`);
      expect(await client.rest(3_000)).toMatch(/BAD.*\r\n(\* BYE .*\r\n)?$/);
    }
    expect(residentMib(site.gateway) - before).toBeLessThan(24);
  },
);

test('V28 a flood of small literals is bounded', async () => {
  const client = await greeted();
  client.send('{1+}\r\nx'.repeat(20_000));
  expect(await client.rest(5_000)).toMatch(/BYE/);
});

test.each(['ID ((((', `ID ${'('.repeat(5_000)}`, `LOGIN ${'('.repeat(5_000)} x`, 'ID ("a" ("b" "c"))'])(
  'V29 lists within lists are no grammar here: %.20s',
  async (text) => {
    const client = await greeted();
    expect(await answerTo(client, text)).toMatch(/^BAD /);
    expect(await answerTo(client, 'NOOP')).toMatch(/^OK /);
    client.destroy();
  },
);

test('V29 100,000 parentheses cost no memory to speak of', async () => {
  const before = residentMib(site.gateway);
  const client = await greeted();
  client.send(`a ID ${'('.repeat(100_000)}\r\n`);
  expect(await client.line()).toMatch(/BAD/);
  client.destroy();
  expect(residentMib(site.gateway) - before).toBeLessThan(24);
});

test.each<[string, number, number, number, RegExp]>([
  ['30 pairs of 30 and 1024 bytes', 30, 30, 1024, /^OK /],
  ['31 pairs', 31, 5, 5, /^BAD /],
  ['a key of 31 bytes', 1, 31, 5, /^BAD /],
  ['a value of 1025 bytes', 1, 5, 1025, /^BAD /],
])(
  'V30 an ID of %s is answered, and the session goes on',
  async (_, pairs, keyBytes, valueBytes, expected) => {
    const client = await greeted();
    const key = (index: number) => String(index).padStart(keyBytes, 'k');
    const list = Array.from({ length: pairs }, (__, index) => `"${key(index)}" "${'v'.repeat(valueBytes)}"`);
    expect(await answerTo(client, `ID (${list.join(' ')})`)).toMatch(expected);
    expect(await answerTo(client, 'NOOP')).toMatch(/^OK /);
    client.destroy();
  },
);

test.each(['!!!!', 'AGFu\tbg==', 'AGFubgBz=', 'AGFubgBz====', 'AGFu bgBz', '\x80\x81', 'A'])(
  'V31 base64 that is none (%j) fails its own session only',
  async (response) => {
    const [client, neighbour] = [await greeted(), await greeted()];
    neighbour.send('n AUTHENTICATE PLAIN\r\n');
    expect(await neighbour.line()).toMatch(/^\+/);
    expect(await answerTo(client, `AUTHENTICATE PLAIN ${response}`)).toMatch(/^BAD /);
    neighbour.send(`${Buffer.from(`\0${ann.user}\0${ann.password}`).toString('base64')}\r\n`);
    expect(await neighbour.line()).toMatch(/^n OK /);
    client.destroy();
    neighbour.destroy();
  },
);

/** 100,000 of them take minutes: POSTERN_TEST_SOAK=true. */
const abortedSessions = process.env['POSTERN_TEST_SOAK'] === 'true' ? 50_000 : 500;

test(`V32 aborted authentications leave nothing behind`, { timeout: 1_800_000 }, async () => {
  await abortTwice(100); // The heap has its usual size after these.
  const before = residentMib(site.gateway);
  const files = openFiles(site.gateway);
  await abortTwice(abortedSessions);
  expect(residentMib(site.gateway) - before).toBeLessThan(24);
  await eventually('all sockets closed', () => openFiles(site.gateway) <= files + 8);
});

test('V32 one connection more than an address may have is refused in words; the others go on', async () => {
  const localAddress = '127.0.0.9';
  const held: RawConnection[] = [];
  for (let count = 0; count < addressLimit; count++)
    held.push(await connectRaw({ ...site.gateway.imap, localAddress }));
  for (const client of held) expect(await client.line()).toMatch(/^\* OK /);
  const refused = await connectRaw({ ...site.gateway.imap, localAddress });
  expect(await refused.rest(2_000)).toMatch(/^\* BYE \[LIMIT\]/);
  const elsewhere = await logIn({ ...site.gateway.imaps, localAddress: '127.0.0.10' }, ann);
  expect((await command(held[0]!, 'NOOP')).at(-1)).toMatch(/ OK /);
  held.shift()?.destroy();
  await eventually('the place is free again', async () => {
    const client = await connectRaw({ ...site.gateway.imap, localAddress });
    const line = await client.line();
    client.destroy();
    return line.startsWith('* OK');
  });
  for (const client of [...held, elsewhere]) client.destroy();
});

async function abortTwice(sessions: number): Promise<void> {
  for (let count = 0; count < sessions; count++) {
    const client = await greeted(`127.0.1.${1 + (count % 200)}`);
    client.send('a AUTHENTICATE PLAIN\r\n*\r\nb AUTHENTICATE PLAIN\r\n*\r\n');
    expect((await client.linesUntil(/^b /)).at(-1)).toMatch(/^b BAD /);
    client.destroy();
  }
}
