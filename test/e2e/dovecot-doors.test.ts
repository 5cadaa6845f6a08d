/**
 * One mailbox's sessions of all doors on one server, through moves under load: what real Dovecots' own log says.
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
const services = ['imap', 'pop3', 'managesieve'];

dovecotTest(
  'through 20 moves under load every login is on the server that is active, and no two sessions on two',
  async () => {
    const visitors = startVisitors(site.doors, ann, 3);
    const seen = async (server: string, from: number) => {
      const since = (await site.trail(ann.user)).slice(from);
      return services.every((service) =>
        since.some((login) => login.service === service && login.server === server),
      );
    };
    await eventually('every door is used', () => seen('ex1', 0));
    for (let move = 1; move <= moves; move += 1) {
      const to = move % 2 === 1 ? 'ex2' : 'ex1';
      const from = (await site.trail(ann.user)).length;
      await site.claim(to);
      await eventually(`every door leads to ${to}, move ${move}`, () => seen(to, from), { withinMs: 15_000 });
    }
    const visits = await visitors.stop();
    const trail = await site.trail(ann.user);
    (await import('node:fs')).writeFileSync('/tmp/doors.log', await site.pair.ex1.log());
    console.log(
      visits,
      trail.length,
      runsOf(trail).length,
      trail.filter((t) => t.endSecond === undefined).length,
      JSON.stringify(overlapsIn(trail)),
    );
    expect(visits.wrong).toEqual([]);
    expect(runsOf(trail)).toEqual(
      Array.from({ length: moves + 1 }, (_, at) => (at % 2 === 0 ? 'ex1' : 'ex2')),
    );
  },
  120_000,
);
