/**
 * What is used of smtp-server's inside, pinned: the library's version is exact, and whoever raises it sees
 * here what has changed.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { expect, test, vi } from 'vitest';
import type { Judgement } from '#workers/fronts/smtp/dialogue';
import { smtpDialogues } from '#workers/smtp-dialogue';

const open = smtpDialogues();

test('the version is exact, and the one that these tests were written for', () => {
  const path = new URL('../../../package.json', import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(path, 'utf8')) as { dependencies: Record<string, string> };
  expect(dependencies['smtp-server']).toBe('3.21.6');
});

test.each(['init', '_setListeners', 'connectionReady', 'send', 'upgrade', 'handler_AUTH', '_isSupported'])(
  'the connection has the method %s',
  (name) => {
    expect(typeof (SMTPConnection.prototype as unknown as Record<string, unknown>)[name]).toBe('function');
  },
);

/** Commands one after the other, and what each is judged as. */
test.each<[string, boolean, [string, string][]]>([
  [
    'the order of commands inside TLS',
    true,
    [
      ['NOOP', '250'],
      ['AUTH', '503'],
      ['MAIL FROM:<a@b>', '503'],
      ['EHLO laptop', '250'],
      ['MAIL FROM:<a@b> NO=SUCH', '530'],
      ['RCPT TO:<a@b>', '530'],
      ['DATA', '530'],
      ['STARTTLS', '503'],
      ['AUTH', 'auth'],
      ['AUTH', 'auth'],
      ['QUIT', '221'],
    ],
  ],
  [
    'the order of commands in clear',
    false,
    [
      ['EHLO laptop', '250'],
      ['MAIL FROM:<a@b>', '530'],
      ['STARTTLS now', '501'],
      ['STARTTLS', 'startTls'],
    ],
  ],
  ['STARTTLS needs no EHLO', false, [['STARTTLS', 'startTls']]],
  [
    'HELO is enough for the library',
    true,
    [
      ['HELO laptop', '250'],
      ['AUTH', 'auth'],
    ],
  ],
  [
    'arguments of EHLO and HELO',
    true,
    [
      ['EHLO', '501'],
      ['EHLO a b', '501'],
      ['HELO', '501'],
      ['EHLO a ', '250'],
      ['ehlo a', '250'],
    ],
  ],
  [
    'what may stand anywhere',
    true,
    [
      ['RSET', '250'],
      ['HELP', '214'],
      ['VRFY ann', '252'],
      ['NOOP with words', '250'],
    ],
  ],
  [
    'what there is not',
    true,
    'XCLIENT ADDR=x|XFORWARD ADDR=x|EXPN l|ETRN x|BDAT 1|LHLO x|WIZ|SHELL|KILL'
      .split('|')
      .map((line): [string, string] => [line, '500']),
  ],
])('the library judges %s', async (_, isSecure, commands) => {
  const dialogue = open(isSecure);
  const judged: [string, string][] = [];
  for (const [line] of commands) judged.push([line, wordOf(await dialogue.judge(line))]);
  expect(judged).toEqual(commands);
});

/** A NOOP before the usual opening has it judged by the library itself. */
test('the usual opening is judged as the library judges it', async () => {
  const name = fc.stringMatching(/^[A-Za-z0-9.:[\]-]{1,128}$/);
  const verb = fc.constantFrom('EHLO', 'ehlo', 'Ehlo');
  const more = fc.array(
    fc.constantFrom('AUTH', 'EHLO a', 'RSET', 'HELO b', 'MAIL FROM:<a@b>', 'NOSUCH', 'QUIT'),
    {
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), verb, name, more, async (isSecure, word, host, lines) => {
      const [sparing, asked] = [open(isSecure), open(isSecure)];
      await asked.judge('NOOP');
      for (const line of [`${word} ${host}`, ...lines]) {
        const judgement = wordOf(await asked.judge(line));
        expect(wordOf(await sparing.judge(line)), line).toBe(judgement);
        if (judgement === '221' || judgement === '421') return;
      }
    }),
  );
});

test('the tenth unknown command is one too many for the library', async () => {
  const dialogue = open(true);
  for (let count = 1; count < 10; count++) expect(wordOf(await dialogue.judge('NOSUCH'))).toBe('500');
  expect(wordOf(await dialogue.judge('NOSUCH'))).toBe('421');
});

test('commands before a login are not counted by the library: the preamble has its own bounds', async () => {
  const dialogue = open(true);
  for (let count = 0; count < 100; count++) expect(wordOf(await dialogue.judge('NOOP'))).toBe('250');
});

test('a line over 16 KiB ends the dialogue', async () => {
  expect(wordOf(await open(true).judge(`NOOP ${'x'.repeat(16_384)}`))).toBe('421');
});

test('dialogues know nothing of one another', async () => {
  const [one, other] = [open(true), open(true)];
  await one.judge('EHLO laptop');
  expect(wordOf(await other.judge('AUTH'))).toBe('503');
  expect(wordOf(await one.judge('AUTH'))).toBe('auth');
});

test('a dialogue sets no timer, behind QUIT neither', async () => {
  const set = vi.spyOn(globalThis, 'setTimeout');
  for (const line of ['NOOP', 'NOSUCH', 'QUIT']) await open(true).judge(line);
  expect(set).not.toHaveBeenCalled();
  set.mockRestore();
});

test('nothing keeps a dialogue that is forgotten: the library lists what it connects itself', () => {
  const server = new SMTPServer({ logger: false, secured: true });
  const connection = new SMTPConnection(server, { remoteAddress: '' } as never, {});
  expect(server.connections.size).toBe(0);
  expect(connection).toBeDefined();
});

function wordOf(judgement: Judgement): string {
  return judgement.is === 'answered' ? String(judgement.code) : judgement.is;
}
