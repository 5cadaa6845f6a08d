import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { type RawAddress, type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, bob, startStubSite } from '../support/stub-site.ts';
import { endedAs } from '../support/watching.ts';

let site: StubSite;
const sessionsMax = 3;

beforeAll(async () => {
  site = await startStubSite({ POSTERN_USER_MAX_SESSIONS: String(sessionsMax) });
});

afterAll(async () => {
  await site?.close();
});

/** From an address of its own: what is bounded is the mailbox. */
function door(count: number): RawAddress {
  return { ...site.gateway.imaps, localAddress: `127.0.5.${1 + count}` };
}

test('V39 a mailbox has no more sessions than it may, and one more is no wrong password', async () => {
  const held: RawConnection[] = [];
  for (let count = 0; count < sessionsMax; count++) held.push(await logIn(door(count), ann));
  const refused = await connectRaw(door(9));
  await refused.line();
  refused.send(`a LOGIN "${ann.user}" "${ann.password}"\r\n`);
  expect(await refused.rest(5_000)).toBe('* BYE [LIMIT] Too many sessions of this mailbox\r\n');
  expect(await endedAs(site.gateway, 'too_many_for_mailbox')).toMatchObject({ user: ann.user });

  const other = await logIn(door(9), bob);
  for (const client of [...held, other]) expect(await answerTo(client, 'NOOP')).toMatch(/^OK /);
  held.pop()?.destroy();
  const again = await eventually('the place is free again', () => logIn(door(9), ann));
  for (const client of [...held, other, again]) client.destroy();
});

test('V39 who does not know the password takes no place', async () => {
  const held: RawConnection[] = [];
  for (let count = 0; count < sessionsMax * 2; count++) {
    const client = await connectRaw(door(20 + count));
    await client.line();
    expect(await answerTo(client, `LOGIN "${ann.user}" wrong`, 5_000)).toMatch(/^NO /);
    held.push(client);
  }
  held.push(await eventually('ann gets in', () => logIn(door(30), ann)));
  for (const client of held) client.destroy();
});
