/**
 * One mailbox's sessions of all doors on one server, through moves under load: what real Dovecots' log says.
 */
import { afterAll, beforeAll, expect } from 'vitest';
import { startVisitors } from '../support/door-visitors.ts';
import { type DoorsSite, startDoorsSite } from '../support/doors-site.ts';
import { ann, dovecotTest, hasDovecot } from '../support/dovecot-site.ts';
import { eventually } from '../support/eventually.ts';
import { overlapsIn, runsOf } from '../support/login-trail.ts';

let site: DoorsSite;

beforeAll(async () => {
  if (hasDovecot) site = await startDoorsSite();
});
afterAll(async () => site?.close());

const moves = 20;
const services = ['imap', 'pop3', 'managesieve', 'submission'];
/** Between two moves, each door of the mailbox is used so often at least. */
const loginsMin = 3;

dovecotTest(
  'through 20 moves under load every login is on the server that is active, and no session on another',
  async () => {
    const visitors = startVisitors(site.doors, ann, 3);
    for (let move = 0; move <= moves; move += 1) {
      const server = move % 2 === 0 ? 'ex1' : 'ex2';
      const from = (await site.trail(ann.user)).length;
      await site.claim(server);
      const isUsed = async () => {
        const there = (await site.trail(ann.user)).slice(from).filter((login) => login.server === server);
        return services.every((each) => there.filter(({ service }) => service === each).length >= loginsMin);
      };
      await eventually(`every door leads to ${server} in move ${move}`, isUsed, { withinMs: 20_000 });
    }
    const { good, wrong } = await visitors.stop();
    const trail = await site.trail(ann.user);
    expect(wrong).toEqual([]);
    expect(runsOf(trail)).toEqual(
      Array.from({ length: moves + 1 }, (_, move) => (move % 2 === 0 ? 'ex1' : 'ex2')),
    );
    expect(overlapsIn(trail)).toEqual([]);
    for (const count of Object.values(good)) expect(count).toBeGreaterThan(moves * loginsMin);
  },
  120_000,
);
