/** The lab's POP3 without sockets: lines as commands, messages as they go over the wire, the maildrop. */
import { expect, test } from 'vitest';
import { type Command, parseCommand } from '#gateway/lab/pop3/command';
import { Maildrop } from '#gateway/lab/pop3/maildrop';
import { multiLine, topOf, wireSize, wireText } from '#gateway/lab/pop3/multi-line';

test.each<[string, Command]>([
  ['CAPA', { name: 'CAPA' }],
  ['quit', { name: 'QUIT' }],
  ['USER ann@demo.test', { name: 'USER', user: 'ann@demo.test' }],
  ['PASS  two spaces ', { name: 'PASS', password: ' two spaces ' }],
  ['AUTH', { name: 'AUTH', mechanism: '', initial: undefined }],
  ['AUTH plain', { name: 'AUTH', mechanism: 'PLAIN', initial: undefined }],
  ['AUTH PLAIN AGEAYg==', { name: 'AUTH', mechanism: 'PLAIN', initial: 'AGEAYg==' }],
  ['LIST', { name: 'LIST', message: undefined }],
  ['UIDL 12', { name: 'UIDL', message: 12 }],
  ['RETR 1', { name: 'RETR', message: 1 }],
  ['TOP 3 0', { name: 'TOP', message: 3, lines: 0 }],
])('%s is a command', (line, command) => {
  expect(parseCommand(line)).toEqual({ is: 'command', command });
});

test.each([
  ['', 'that is no command'],
  ['APOP ann 0123', 'that is no command'],
  ['LISTS', 'that is no command'],
  ['STAT 1', 'STAT takes no argument'],
  ['USER', 'USER takes a name'],
  ['PASS', 'PASS takes a password'],
  ['AUTH PLAIN a b', 'AUTH takes a mechanism and a response'],
  ['RETR', 'RETR takes the number of a message'],
  ['RETR one', 'RETR takes the number of a message'],
  ['DELE 1 2', 'DELE takes the number of a message'],
  ['DELE 9999999999', 'DELE takes the number of a message'],
  ['TOP 1', 'TOP takes a message and a number of lines'],
  ['TOP 1 -1', 'TOP takes a message and a number of lines'],
])('%j is refused in words', (line, why) => {
  expect(parseCommand(line)).toEqual({ is: 'bad', why });
});

test.each([
  ['', '\r\n'],
  ['a', 'a\r\n'],
  ['a\r\n', 'a\r\n'],
  ['a\nb\r\nc\n', 'a\r\nb\r\nc\r\n'],
  ['\n\n', '\r\n\r\n'],
  ['a\rb', 'a\rb\r\n'],
])('%j goes over the wire with CRLF, and its size is known before', (stored, wire) => {
  expect(wireText(Buffer.from(stored))).toBe(wire);
  expect(wireSize(Buffer.from(stored))).toBe(wire.length);
});

test('a line that starts with a dot gets one more, whatever ended the line before', () => {
  expect(multiLine(wireText(Buffer.from('.\n..a\r\nb.\r\n.\r\n')))).toBe('..\r\n...a\r\nb.\r\n..\r\n.');
});

test.each([
  ['h: 1\r\n\r\na\r\nb\r\n', 0, 'h: 1\r\n\r\n'],
  ['h: 1\r\n\r\na\r\nb\r\n', 1, 'h: 1\r\n\r\na\r\n'],
  ['h: 1\r\n\r\na\r\nb\r\n', 9, 'h: 1\r\n\r\na\r\nb\r\n'],
  ['h: 1\r\n', 5, 'h: 1\r\n'],
  ['\r\na\r\nb\r\n', 1, '\r\na\r\n'],
])('of %j, TOP %i', (text, lines, top) => {
  expect(topOf(text, lines)).toBe(top);
});

const message = (uid: number, text: string) => {
  return { uid, internalDate: 0, bytes: Buffer.from(text), flags: new Set<string>() };
};
const inbox = { name: 'INBOX', uidValidity: 7, uidNext: 9, messages: [message(3, 'a\n'), message(8, 'bb')] };

test('a maildrop stays as it was at the login, and keeps its numbers when messages are marked', () => {
  const folder = { ...inbox, messages: [...inbox.messages] };
  const maildrop = new Maildrop(folder);
  folder.messages.shift();
  expect(maildrop.entries().map(({ number, uniqueId, size }) => [number, uniqueId, size])).toEqual([
    [1, '7.3', 3],
    [2, '7.8', 4],
  ]);
  const first = maildrop.entry(1);
  if (first === undefined) throw new Error('it is not there');
  maildrop.mark(first);
  expect([maildrop.entry(1), maildrop.entry(2)?.uid, maildrop.entry(3), maildrop.entry(0)]).toEqual([
    undefined,
    8,
    undefined,
    undefined,
  ]);
  expect([maildrop.size(), maildrop.markedUids()]).toEqual([4, [3]]);
  maildrop.unmarkAll();
  expect([maildrop.size(), maildrop.markedUids()]).toEqual([7, []]);
});
