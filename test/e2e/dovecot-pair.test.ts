/** The two Dovecots by themselves, without Postern: what the other tests rely on. */
import { afterAll, beforeAll, expect } from 'vitest';
import { type DovecotPair, startDovecotPair } from '../support/dovecot-pair.ts';
import { ann, dovecotTest, hasDovecot } from '../support/dovecot-site.ts';
import { answerTo, command, logIn, serverNameOf } from '../support/imap-talk.ts';

let pair: DovecotPair;

beforeAll(async () => {
  if (hasDovecot) pair = await startDovecotPair();
});

afterAll(async () => {
  await pair?.close();
});

const at = (name: 'ex1' | 'ex2') => ({ port: pair.server(name).ports.imap });

dovecotTest('a database is served by one server, and its mail is on both', async () => {
  const client = await logIn(at('ex1'), ann);
  expect(await serverNameOf(client)).toBe('ex1');
  expect(await answerTo(client, 'APPEND INBOX {14+}\r\nSubject: a\r\n\r\n')).toMatch(/^OK /);
  await expect(logIn(at('ex2'), ann)).rejects.toThrow('AUTHENTICATIONFAILED');
  await pair.move('db1', 'ex2');
  expect(await client.rest()).toMatch(/BYE|^$/);
  await expect(logIn(at('ex1'), ann)).rejects.toThrow('AUTHENTICATIONFAILED');
  const moved = await logIn(at('ex2'), ann);
  expect((await command(moved, 'SELECT INBOX')).join('\n')).toContain('* 1 EXISTS');
  moved.destroy();
});

dovecotTest(
  'frozen it is silent, without its store it selects nothing, killed it is gone, healed it is back',
  async () => {
    const client = await logIn(at('ex2'), ann);
    pair.ex2.freeze();
    client.send('n NOOP\r\n');
    await expect(client.line(500)).rejects.toThrow('not within');
    pair.ex2.thaw();
    expect(await client.line()).toMatch(/^n OK/);
    await pair.ex2.detachStore('db1');
    const storeless = await logIn(at('ex2'), ann);
    expect(await answerTo(storeless, 'SELECT INBOX')).toMatch(/^NO \[SERVERBUG\]/);
    await pair.ex2.kill();
    await storeless.rest();
    await expect(logIn(at('ex2'), ann)).rejects.toThrow('ECONNREFUSED');
    await pair.forceMove('db1', 'ex1');
    await pair.heal();
    await expect(logIn(at('ex2'), ann)).rejects.toThrow('AUTHENTICATIONFAILED');
    const before = await pair.ex1.loginsOf(ann.user);
    (await logIn(at('ex1'), ann)).destroy();
    expect(await pair.ex1.loginsOf(ann.user)).toBe(before + 1);
  },
);
