import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, timed } from '../support/eventually.ts';
import { type Account, answerTo, logIn } from '../support/imap-talk.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, bob, cid, startStubSite } from '../support/stub-site.ts';
import { openFiles, residentMib, sessionsOf } from '../support/watching.ts';

/** The answers to one's failures: at once, after 1 s, after 2 s, and from then on after this. */
const delayMaxMs = 2_500;
/** For the way there and back, the engine's timer wheel, and a machine that has other things to do. */
const slackMs = 900;
/** What has been forgotten between two failures shortens the wait by less than this. */
const decayMs = 50;

let site: StubSite;

beforeAll(async () => {
  site = await startStubSite({
    POSTERN_LOGIN_DELAY_MAX: `${delayMaxMs}ms`,
    POSTERN_LOGIN_ATTEMPTS: '6',
    POSTERN_MOVE_POLICY: 'free',
  });
});

afterAll(async () => {
  await site?.close();
});

test('V39 each further wrong password is answered later, up to a bound, the right one at once', async () => {
  const client = await greeted('127.0.2.1');
  for (const expectedMs of [0, 1_000, 2_000, delayMaxMs, delayMaxMs])
    expectAbout(await refusalMs(client, ann), expectedMs);
  const { value, tookMs } = await timed(() =>
    answerTo(client, `LOGIN "${ann.user}" "${ann.password}"`, 5_000),
  );
  expect(value).toMatch(/^OK /);
  expect(tookMs).toBeLessThan(slackMs);
  client.destroy();
});

test('V39 a new connection does not begin anew, and a client elsewhere is not slowed', async () => {
  for (const expectedMs of [0, 1_000, 2_000]) {
    const client = await greeted('127.0.2.2');
    expectAbout(await refusalMs(client, bob), expectedMs);
    client.destroy();
  }
  const elsewhere = await greeted('127.0.2.3');
  expectAbout(await refusalMs(elsewhere, cid), 0);
  elsewhere.destroy();
});

test('V39 a mailbox under attack is as quick as ever where its owner logged in before', async () => {
  const home = { ...site.gateway.imaps, localAddress: '127.0.2.10' };
  const owner = { user: 'owner@site.test', password: 'secret of the owner' };
  (await logIn(home, owner)).destroy();
  for (let attacker = 11; attacker < 15; attacker++) {
    const client = await greeted(`127.0.2.${attacker}`);
    await refusalMs(client, owner);
    client.destroy();
  }
  const stranger = await greeted('127.0.2.20');
  expectAbout(await refusalMs(stranger, owner), delayMaxMs);
  const atHome = await greeted('127.0.2.10');
  expectAbout(await refusalMs(atHome, owner), 0);
  const { value, tookMs } = await timed(() => logIn({ ...home, localAddress: '127.0.2.21' }, owner));
  expect(tookMs).toBeLessThan(slackMs);
  for (const client of [stranger, atHome, value]) client.destroy();
});

test('V39 an unknown name and a wrong password are answered alike', async () => {
  const [known, unknown] = [await greeted('127.0.2.30'), await greeted('127.0.2.31')];
  const nobody = { user: 'nobody@site.test', password: 'x' };
  for (const expectedMs of [0, 1_000]) {
    const [wrong, none] = [
      await refusal(known, { ...ann, user: 'dan@site.test' }),
      await refusal(unknown, nobody),
    ];
    expect(none.value).toBe(wrong.value);
    expectAbout(wrong.tookMs, expectedMs);
    expectAbout(none.tookMs, expectedMs);
  }
  for (const client of [known, unknown]) client.destroy();
});

test('V39 three hundred answers that are held back keep no other client waiting', async () => {
  const from = (count: number) => `127.0.3.${1 + (count % 3)}`;
  for (let count = 0; count < 18; count++) {
    const client = await greeted(from(count));
    client.send('w LOGIN crowd@site.test wrong\r\n');
    client.destroy();
  }
  const waiting: RawConnection[] = [];
  for (let count = 0; count < 300; count++) {
    const client = await greeted(from(count));
    client.send('w LOGIN crowd@site.test wrong\r\n');
    waiting.push(client);
  }
  const { value, tookMs } = await timed(() =>
    logIn({ ...site.gateway.imaps, localAddress: '127.0.2.40' }, ann),
  );
  expect(tookMs).toBeLessThan(slackMs);
  for (const client of waiting) expect(await client.line(20_000)).toMatch(/^w NO /);
  for (const client of [...waiting, value]) client.destroy();
});

test('V32 clients that leave while their answers are held back leave nothing behind', async () => {
  const before = { mib: residentMib(site.gateway), files: openFiles(site.gateway) };
  for (let count = 0; count < 400; count++) {
    const client = await greeted(`127.0.4.${1 + (count % 4)}`);
    client.send('w LOGIN crowd@site.test wrong\r\n');
    client.destroy();
  }
  await eventually('no session is left', async () => (await sessionsOf(site.gateway)).length === 0, {
    withinMs: 5_000,
  });
  await eventually('all sockets closed', () => openFiles(site.gateway) <= before.files + 8);
  expect(residentMib(site.gateway) - before.mib).toBeLessThan(24);
});

async function greeted(localAddress: string): Promise<RawConnection> {
  const client = await connectRaw({ ...site.gateway.imaps, localAddress });
  expect(await client.line()).toMatch(/^\* OK /);
  return client;
}

/** How long the answer to a wrong password takes. */
async function refusalMs(client: RawConnection, account: Account): Promise<number> {
  return (await refusal(client, account)).tookMs;
}

async function refusal(client: RawConnection, { user }: Account): Promise<{ value: string; tookMs: number }> {
  const refused = await timed(() => answerTo(client, `LOGIN "${user}" wrong`, delayMaxMs + 5_000));
  expect(refused.value).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  return refused;
}

function expectAbout(tookMs: number, expectedMs: number): void {
  expect(tookMs).toBeGreaterThan(expectedMs - decayMs);
  expect(tookMs).toBeLessThan(expectedMs + slackMs);
}
