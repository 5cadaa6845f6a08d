/** A real Dovecot is taken out of service: what clients in the middle of something get of it. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect } from 'vitest';
import {
  type DovecotSite,
  ann,
  cid,
  dovecotTest,
  hasDovecot,
  startDovecotSite,
} from '../support/dovecot-site.ts';
import { command, logIn } from '../support/imap-talk.ts';
import { sessionsOf } from '../support/watching.ts';

/** More than the sockets on the way hold, so that the server is still sending when the client has stopped. */
const messageBytes = 32 * 1024 * 1024;
const goodbye = /^\* BYE \[UNAVAILABLE\]/;

let site: DovecotSite;

beforeAll(async () => {
  if (hasDovecot)
    site = await startDovecotSite({ POSTERN_GOODBYE_WINDOW: '60s', POSTERN_GOODBYE_RATE: '50' });
});

afterAll(async () => {
  await site?.close();
});

dovecotTest(
  'maintenance: a large message that is on its way arrives whole, then comes the BYE; others hear it at once',
  async () => {
    const { gateway } = site;
    const message = largeMessage();
    const [slow, idling, writing] = [
      await logIn(gateway.imaps, ann),
      await logIn(gateway.imaps, ann),
      await logIn(gateway.imaps, cid),
    ];
    slow.send(`a1 APPEND INBOX {${message.length}+}\r\n`);
    slow.send(message);
    slow.send('\r\n');
    expect((await slow.linesUntil(/^a1 /, 60_000)).at(-1)).toMatch(/^a1 OK/);
    await command(slow, 'SELECT INBOX');
    idling.send('i1 IDLE\r\n');
    await idling.linesUntil(/^\+/);
    writing.send('w1 APPEND INBOX {8}\r\n');
    await writing.linesUntil(/^\+/);

    slow.send('a2 FETCH 1 (BODY.PEEK[])\r\n');
    expect(await slow.line()).toBe(`* 1 FETCH (BODY[] {${message.length}}`);
    slow.tls()?.pause();
    await expect.poll(async () => sentTo(ann.user)).toBeGreaterThan(100_000);

    expect((await gateway.admin('POST /v1/servers/ex1/maintenance')).status).toBe(200);
    expect(await idling.rest()).toMatch(goodbye);
    expect(await sentTo(ann.user)).toBeLessThan(message.length);

    writing.send('message\n\r\n');
    const [saved, ...words] = (await writing.rest()).split('\r\n');
    expect(saved).toMatch(/^w1 OK/);
    expect(words.join()).toMatch(goodbye);

    slow.tls()?.resume();
    expect(digest(await slow.bytes(message.length, 60_000))).toBe(digest(message));
    const behind = (await slow.rest()).split('\r\n');
    expect(behind).toEqual([')', expect.stringMatching(/^a2 OK/), expect.stringMatching(goodbye), '']);
    await gateway.admin('POST /v1/servers/ex1/ready');
  },
  90_000,
);

/** What the server has sent to the user's sessions that are still there. */
async function sentTo(user: string): Promise<number> {
  const rows = (await sessionsOf(site.gateway)).filter((row) => row.user === user);
  return rows.reduce((sum, { bytesOut }) => sum + bytesOut, 0);
}

/** Lines of text that read like responses here and there. */
function largeMessage(): Buffer {
  const line = `${randomBytes(48).toString('base64')}\r\n`;
  const body = `* 1 EXISTS\r\na2 OK done\r\n{5}\r\n)\r\n${line.repeat(60)}`;
  const text = `Subject: large\r\n\r\n${body.repeat(Math.ceil(messageBytes / body.length))}`;
  return Buffer.from(text, 'latin1');
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
