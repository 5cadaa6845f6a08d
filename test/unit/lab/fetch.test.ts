/** What FETCH answers: envelopes, structures and sections of messages sound and odd. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddresses, parseAddresses } from '#gateway/lab/imap/addresses';
import { fetchResponse } from '#gateway/lab/imap/fetch';
import { parseCommand } from '#gateway/lab/imap/grammar';
import { mimeDepthMax } from '#gateway/lab/imap/limits';

const nested = [
  'From: a@b.c',
  'Subject: one "two" \\three',
  'Content-Type: multipart/mixed; boundary="x y"',
  '',
  'before',
  '--x y',
  'Content-Type: text/html; charset=utf-8',
  'Content-Disposition: inline',
  'Content-Language: de, en',
  '',
  '<p>hi</p>',
  '--x y',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'Content-Type: multipart/alternative; boundary=z',
  '',
  '--z',
  '',
  'first',
  '--z',
  'X-Odd: yes',
  '',
  'second',
  '--z--',
  '--x y--',
  'after',
].join('\r\n');

function fetched(message: string, items: string): string {
  const parsed = parseCommand(Buffer.from(`a1 FETCH 1 ${items}`));
  if (parsed.is === 'bad' || parsed.command.name !== 'FETCH') throw new Error(`nothing to fetch: ${items}`);
  const kept = { uid: 9, internalDate: 0, bytes: Buffer.from(message, 'latin1'), flags: new Set<string>() };
  const text = Buffer.concat(fetchResponse(1, kept, ['\\Seen'], parsed.command.items)).toString('latin1');
  return text.replace(/^\* 1 FETCH \(/, '').replace(/\)\r\n$/, '');
}

test.each<[string, string]>([
  ['BODY[1]', '<p>hi</p>'],
  ['BODY[1.MIME]', nested.slice(nested.indexOf('Content-Type: text/html'), nested.indexOf('<p>'))],
  ['BODY[2.HEADER.FIELDS (Subject)]', 'Subject: inner\r\n\r\n'],
  ['BODY[2.1]', 'first'],
  ['BODY[2.2.MIME]', 'X-Odd: yes\r\n\r\n'],
  ['BODY[2.TEXT]', '--z\r\n\r\nfirst\r\n--z\r\nX-Odd: yes\r\n\r\nsecond\r\n--z--'],
  ['BODY[HEADER.FIELDS.NOT (From Content-Type)]', 'Subject: one "two" \\three\r\n\r\n'],
])('%s', (item, bytes) => {
  expect(fetched(nested, item)).toBe(`${item} {${bytes.length}}\r\n${bytes}`);
});

test.each(['BODY[3]', 'BODY[1.1]', 'BODY[1.HEADER]', 'BODY[2.1.1]', 'BODY[2.3]'])(
  '%s is not there',
  (item) => {
    expect(fetched(nested, item)).toBe(`${item} NIL`);
  },
);

test.each<[string, string]>([
  ['BODY[]<0.5>', 'BODY[]<0> {5}\r\nFrom:'],
  ['BODY[1]<7.100>', 'BODY[1]<7> {2}\r\np>'],
  ['BODY[1]<9.1>', 'BODY[1]<9> {0}\r\n'],
  ['BODY[1]<4294967295.1>', 'BODY[1]<4294967295> {0}\r\n'],
])('of %s, that much', (item, answer) => {
  expect(fetched(nested, item)).toBe(answer);
});

test('part 1 of a message without parts is its body', () => {
  expect(fetched('A: b\r\n\r\nbody', 'BODY[1]')).toBe('BODY[1] {4}\r\nbody');
  expect(fetched('A: b\r\n\r\nbody', 'BODY[1.1]')).toBe('BODY[1.1] NIL');
});

test('a nested message', () => {
  const plain = (bytes: number) => `("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" ${bytes} 0)`;
  const inner = `(${plain(5)}${plain(6)} "ALTERNATIVE")`;
  const envelope = '(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL)';
  expect(fetched(nested, 'BODY')).toBe(
    `BODY (("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "7BIT" 9 0)` +
      `("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 113 ${envelope} ${inner} 10) "MIXED")`,
  );
  expect(fetched(nested, 'BODYSTRUCTURE')).toContain('9 0 NIL ("INLINE" NIL) ("de" "en") NIL)');
});

test('a multipart without parts or boundary is text', () => {
  const text = 'BODY ("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 4 0)';
  expect(fetched('Content-Type: multipart/mixed\r\n\r\nbody', 'BODY')).toBe(text);
  expect(fetched('Content-Type: multipart/mixed; boundary=q\r\n\r\nbody', 'BODY')).toBe(text);
});

test('parts within parts end at the limit', () => {
  const deep = (depth: number) =>
    `${'Content-Type: message/rfc822\r\n\r\n'.repeat(depth)}Subject: core\r\n\r\nx`;
  const count = (text: string) => text.split('"MESSAGE"').length - 1;
  expect(count(fetched(deep(mimeDepthMax - 1), 'BODY'))).toBe(mimeDepthMax - 1);
  expect(count(fetched(deep(mimeDepthMax + 5), 'BODY'))).toBe(mimeDepthMax);
});

test('what can not be quoted is a literal', () => {
  expect(fetched('Subject: gr\xfc\xdfe\r\n\r\n', 'ENVELOPE')).toContain('(NIL {5}\r\ngr\xfc\xdfe NIL');
  expect(fetched(nested, 'ENVELOPE')).toContain('"one \\"two\\" \\\\three"');
});

test('no bytes make it throw, and every answer is balanced', () => {
  const words = [
    'Content-Type: multipart/mixed; boundary=b\r\n',
    '\r\n',
    '--b',
    '--b--',
    'From: (<"',
    '\n',
    ' ',
    'x:',
  ];
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 })), { maxLength: 30 }),
      (pieces) => {
        const text = fetched(pieces.join(''), '(ENVELOPE BODYSTRUCTURE BODY[1] BODY[HEADER.FIELDS (x)])');
        expect(text.startsWith('ENVELOPE (')).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});

test.each<[string, string]>([
  ['', 'NIL'],
  ['ann@demo.test', '((NIL NIL "ann" "demo.test"))'],
  ['ann @ demo.test (Ann)', '(("Ann" NIL "ann" "demo.test"))'],
  ['"A, B" <@r.test:ann@demo.test>, bob', '(("A, B" NIL "ann" "demo.test")(NIL NIL "bob" NIL))'],
  ['"odd one"@demo.test', '((NIL NIL "odd one" "demo.test"))'],
  [
    'team: a@b, c@d;, e@f',
    '((NIL NIL "team" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")(NIL NIL NIL NIL)(NIL NIL "e" "f"))',
  ],
  ['undisclosed:;', '((NIL NIL "undisclosed" NIL)(NIL NIL NIL NIL))'],
  ['<open@end', '((NIL NIL "open" "end"))'],
])('addresses %j', (text, formatted) => {
  expect(formatAddresses(parseAddresses(text))).toBe(formatted);
});
