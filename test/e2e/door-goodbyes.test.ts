/** Goodbyes to sessions of real Dovecots by POP3 and ManageSieve, and one door that fails alone. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { timed } from '../support/eventually.ts';
import { type DovecotSite, ann, dovecotTest, hasDovecot, startDovecotSite } from '../support/dovecot-site.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { openPop3, pop3AnswerTo } from '../support/pop3-clients.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { openSieve, sieveLogin } from '../support/sieve-clients.ts';
import { sieveAnswer } from '../support/sieve-talk.ts';
import { endedAs, sessionsOf } from '../support/watching.ts';

let site: DovecotSite;
const mails = 3;

beforeAll(async () => {
  if (!hasDovecot) return;
  site = await startDovecotSite({
    POSTERN_PRESET: 'dovecot-dsync',
    POSTERN_PROTOCOLS: 'imaps,imap,pop3s,managesieve',
    POSTERN_POP3S_PORT: '0',
    POSTERN_MANAGESIEVE_PORT: '0',
    POSTERN_GOODBYE_WINDOW: '30s',
  });
  const client = await logIn(site.gateway.imaps, ann);
  for (let count = 0; count < mails; count++) {
    const mail = `Subject: mail ${count}\r\n\r\n${'-ERR no\r\n.\r\n+OK yes\r\n'.repeat(20_000)}`;
    client.send(`a${count} APPEND INBOX {${mail.length}+}\r\n${mail}\r\n`);
    expect((await client.linesUntil(new RegExp(`^a${count} `), 30_000)).at(-1)).toMatch(/ OK /);
  }
  client.destroy();
}, 60_000);

beforeEach(async () => {
  if (hasDovecot) await site.heal();
});

afterAll(async () => {
  await site?.close();
});

dovecotTest(
  'a kick reaches every door of the mailbox, each in its own words, and deletes nothing',
  async () => {
    const [imap, sieve, asking, silent] = [
      await logIn(site.gateway.imaps, ann),
      await sieveIn(),
      await pop3In(),
      await pop3In(),
    ];
    expect(new Set((await sessionsOf(site.gateway)).map(({ server }) => server))).toEqual(new Set(['ex1']));
    expect(await pop3AnswerTo(asking, 'DELE 1')).toMatch(/^\+OK/);
    const kick = await site.gateway.admin('POST /v1/kick', { body: { mailbox: ann.user } });
    expect(kick.json()).toMatchObject({ ended: 4 });

    expect(await pop3AnswerTo(asking, 'DELE 2')).toBe('-ERR Ended by the operator');
    expect(await asking.rest()).toBe('');
    const { value, tookMs } = await timed(() => silent.rest(5_000));
    expect(value).toBe('');
    expect(tookMs).toBeLessThan(3_000);
    expect(await imap.rest()).toBe('* BYE Ended by the operator\r\n');
    expect(await sieve.rest()).toBe('BYE "Ended by the operator"\r\n');

    const again = await pop3In();
    expect(await pop3AnswerTo(again, 'STAT')).toMatch(new RegExp(`^\\+OK ${mails} `));
    again.destroy();
  },
);

dovecotTest(
  'maintenance: a mail that is on its way arrives whole, the next command is refused, and QUIT is not',
  async () => {
    const [loading, leaving] = [await pop3In(), await pop3In()];
    loading.send('RETR 1\r\n');
    expect(await loading.line()).toMatch(/^\+OK \d+ octets/);
    loading.tls()?.pause();
    leaving.send('RETR 2\r\n');
    expect(await leaving.line()).toMatch(/^\+OK \d+ octets/);
    leaving.tls()?.pause();
    expect((await site.gateway.admin('POST /v1/servers/ex1/maintenance')).status).toBe(200);

    for (const client of [loading, leaving]) {
      client.tls()?.resume();
      const lines = await client.linesUntil(/^\.$/, 30_000);
      expect(lines.filter((line) => line === '..')).toHaveLength(20_000);
    }
    expect(await pop3AnswerTo(leaving, 'QUIT')).toMatch(/^\+OK Logging out/);
    expect(await pop3AnswerTo(loading, 'NOOP')).toMatch(/^-ERR \[SYS\/TEMP\] The server goes out of service/);
    expect(await loading.rest()).toBe('');
    await site.gateway.admin('POST /v1/servers/ex1/ready');
  },
  60_000,
);

dovecotTest(
  'F02 a server whose POP3 alone is dead loses its POP3 sessions, and its others go on',
  async () => {
    const [imap, sieve, pop3] = [await logIn(site.gateway.imaps, ann), await sieveIn(), await pop3In()];
    site.pair.ex1.freeze('pop3-login');
    expect(await pop3.rest(20_000)).toBe('');
    expect(await endedAs(site.gateway, 'server_down')).toMatchObject({ frontend: 'pop3s', server: 'ex1' });
    expect(site.gateway.log()).toContain('ex1 pop3 is down');
    expect(await answerTo(imap, 'NOOP')).toMatch(/^OK /);
    expect((await sieveAnswer(sieve, 'NOOP')).at(-1)).toMatch(/^OK/);
    (await logIn(site.gateway.imaps, ann)).destroy();
    site.pair.ex1.thaw();
    for (const client of [imap, sieve]) client.destroy();
  },
  60_000,
);

async function pop3In(): Promise<RawConnection> {
  const client = await openPop3(site.gateway);
  await pop3AnswerTo(client, `USER ${ann.user}`);
  expect(await pop3AnswerTo(client, `PASS ${ann.password}`)).toMatch(/^\+OK /);
  return client;
}

async function sieveIn(): Promise<RawConnection> {
  const client = await openSieve(site.gateway);
  client.send(sieveLogin(ann));
  expect(await client.line()).toMatch(/^OK/);
  return client;
}
