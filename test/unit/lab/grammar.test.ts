/** The lab's IMAP grammar: commands as values, and what is none with its column. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCommand } from '#gateway/lab/imap/grammar';
import { searchDepthMax } from '#gateway/lab/imap/limits';

function commandOf(text: string) {
  const parsed = parseCommand(Buffer.from(text, 'latin1'));
  return parsed.is === 'command' ? parsed.command : `${parsed.tag} ${parsed.why}`;
}

const set = (from: number, to = from) => [{ from, to }];
const star = Number.POSITIVE_INFINITY;

test.each<[string, object]>([
  ['a1 noop', { name: 'NOOP' }],
  ['a1 LOGIN ann@demo.test "p \\"w\\\\"', { name: 'LOGIN', user: 'ann@demo.test', password: 'p "w\\' }],
  ['a1 LOGIN {3}\r\nann {4+}\r\nd mo', { name: 'LOGIN', user: 'ann', password: 'd mo' }],
  ['a1 LOGIN {0}\r\n ""', { name: 'LOGIN', user: '', password: '' }],
  ['a1 AUTHENTICATE plain', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: undefined }],
  ['a1 AUTHENTICATE PLAIN =', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: '' }],
  ['a1 AUTHENTICATE PLAIN AGE=', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: 'AGE=' }],
  ['a1 ID NIL', { name: 'ID', fields: new Map() }],
  [
    'a1 ID ("name" "x" "os" NIL)',
    {
      name: 'ID',
      fields: new Map([
        ['name', 'x'],
        ['os', ''],
      ]),
    },
  ],
  ['a1 LIST "" *', { name: 'LIST', reference: '', pattern: '*' }],
  ['a1 LSUB "a/" "%"', { name: 'LSUB', reference: 'a/', pattern: '%' }],
  ['a1 STATUS inbox (messages UNSEEN)', { name: 'STATUS', folder: 'INBOX', items: ['MESSAGES', 'UNSEEN'] }],
  ['a1 SELECT InBoX', { name: 'SELECT', folder: 'INBOX' }],
  ['a1 RENAME a {1}\r\nb', { name: 'RENAME', folder: 'a', to: 'b' }],
  [
    'a1 UID COPY 4,9:* Trash',
    { name: 'COPY', isUid: true, set: [...set(4), ...set(9, star)], folder: 'Trash' },
  ],
  ['a1 UID EXPUNGE 7', { name: 'UID EXPUNGE', set: set(7) }],
  [
    'a1 STORE 1 +FLAGS.SILENT (\\Seen $Junk)',
    { name: 'STORE', isUid: false, set: set(1), how: 'add', isSilent: true, flags: ['\\Seen', '$Junk'] },
  ],
  [
    'a1 STORE 1 flags \\Seen \\Deleted',
    {
      name: 'STORE',
      isUid: false,
      set: set(1),
      how: 'set',
      isSilent: false,
      flags: ['\\Seen', '\\Deleted'],
    },
  ],
  [
    'a1 APPEND Sent (\\Draft) "17-Jul-1996 02:44:25 -0700" {2}\r\nhi',
    {
      name: 'APPEND',
      folder: 'Sent',
      flags: ['\\Draft'],
      internalDate: Date.UTC(1996, 6, 17, 9, 44, 25),
      message: Buffer.from('hi'),
    },
  ],
  [
    'a1 APPEND Sent {0+}\r\n',
    { name: 'APPEND', folder: 'Sent', flags: [], internalDate: undefined, message: Buffer.alloc(0) },
  ],
])('%j', (text, command) => {
  expect(commandOf(text)).toEqual(command);
});

const section = (text: object, more: object = {}) => ({
  item: 'section',
  section: { part: [], text: 'ALL', fields: [], ...text },
  isPeek: false,
  partial: undefined,
  ...more,
});
test.each<[string, object[]]>([
  ['FAST', [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }]],
  ['(uid rfc822 bodystructure body)', ['UID', 'RFC822', 'BODYSTRUCTURE', 'BODY'].map((item) => ({ item }))],
  ['BODY[]', [section({})]],
  ['BODY.PEEK[]<5.10>', [section({}, { isPeek: true, partial: { offset: 5, count: 10 } })]],
  ['BODY[2.1]', [section({ part: [2, 1] })]],
  ['BODY[2.MIME]', [section({ part: [2], text: 'MIME' })]],
  ['BODY[HEADER.FIELDS (From "X-Y")]', [section({ text: 'FIELDS', fields: ['From', 'X-Y'] })]],
  ['BODY[1.HEADER.FIELDS.NOT (To)]', [section({ part: [1], text: 'FIELDS.NOT', fields: ['To'] })]],
])('%s', (items, expected) => {
  expect(commandOf(`a1 FETCH 1:* ${items}`)).toEqual({
    name: 'FETCH',
    isUid: false,
    set: set(1, star),
    items: expected,
  });
});

test.each<[string, object]>([
  ['ALL', { key: 'ALL' }],
  ['UNSEEN', { key: 'FLAG', flag: '\\Seen', isSet: false }],
  [
    '1:3 SEEN',
    {
      key: 'AND',
      of: [
        { key: 'SET', set: set(1, 3) },
        { key: 'FLAG', flag: '\\Seen', isSet: true },
      ],
    },
  ],
  ['SINCE 2-Jan-1970', { key: 'SINCE', day: 1 }],
  ['SUBJECT {2}\r\nhi', { key: 'HEADER', field: 'subject', text: 'hi' }],
  ['HEADER Message-ID x', { key: 'HEADER', field: 'message-id', text: 'x' }],
  [
    'OR (ALL NEW) NOT UID 4',
    {
      key: 'OR',
      of: [
        { key: 'AND', of: [{ key: 'ALL' }, { key: 'NEW' }] },
        { key: 'NOT', of: { key: 'UID', set: set(4) } },
      ],
    },
  ],
])('%j', (keys, key) => {
  expect(commandOf(`a1 UID SEARCH ${keys}`)).toEqual({
    name: 'SEARCH',
    isUid: true,
    charset: 'US-ASCII',
    key,
  });
});

test('a charset is told apart from a key', () => {
  expect(commandOf('a1 SEARCH CHARSET utf-8 ALL')).toMatchObject({ charset: 'UTF-8', key: { key: 'ALL' } });
});

test('keys within keys are bounded, on both sides of the limit', () => {
  const nested = (depth: number) => commandOf(`a1 SEARCH ${'NOT '.repeat(depth)}ALL`);
  expect(nested(searchDepthMax)).toMatchObject({ name: 'SEARCH' });
  expect(nested(searchDepthMax + 1)).toContain(`at most ${searchDepthMax} keys within keys`);
});

test.each<[string, string]>([
  ['', '* expected a tag at column 1'],
  ['a1', 'a1 expected a space at column 3'],
  ['+ NOOP', '* expected a tag at column 1'],
  ['a1 NOOP ', 'a1 expected the end of the command at column 8'],
  ['a1 NONSENSE', 'a1 expected a known command at column 12'],
  ['a1 LOGIN ann', 'a1 expected a space at column 13'],
  ['a1 LOGIN "ann', 'a1 expected a closing quote at column 15'],
  ['a1 LOGIN "a\\n" x', 'a1 expected an escaped quote or backslash at column 13'],
  ['a1 LOGIN "gr\xfc\xdf" x', 'a1 expected a closing quote at column 14'],
  ['a1 LOGIN a(b x', 'a1 expected a space at column 11'],
  ['a1 FETCH 0 FLAGS', 'a1 expected a sound sequence set before this at column 11'],
  ['a1 FETCH 1:2: FLAGS', 'a1 expected a sound sequence set before this at column 14'],
  ['a1 FETCH 4294967296 FLAGS', 'a1 expected a sound sequence set before this at column 20'],
  ['a1 FETCH 1 (FAST UID)', 'a1 expected something to fetch at column 13'],
  ['a1 FETCH 1 ()', 'a1 expected an item before this at column 14'],
  ['a1 FETCH 1 FLAGS UID', 'a1 expected the end of the command at column 17'],
  ['a1 FETCH 1 BODY[MIME]', 'a1 expected a section at column 17'],
  ['a1 FETCH 1 BODY[]<0.0>', 'a1 expected a count above 0 before this at column 22'],
  ['a1 SEARCH SINCE 31-Jun-2026', 'a1 expected a date before this at column 28'],
  ['a1 SEARCH (ALL', 'a1 expected a space at column 15'],
  ['a1 APPEND a "1-Jan-2026" {1}\r\nx', 'a1 expected a date before this at column 25'],
  ['a1 ID ("name")', 'a1 expected a value for each field at column 15'],
  ['a1 STATUS a (SIZE)', 'a1 expected a status item before this at column 18'],
])('%j is refused: %s', (text, refusal) => {
  expect(commandOf(text)).toBe(refusal);
});

test('no bytes make the parser throw', () => {
  const words = [
    'a1 ',
    'FETCH ',
    'SEARCH ',
    'BODY[',
    '(',
    ')',
    '"',
    '{3}\r\n',
    '1:*',
    ' ',
    '\\',
    'NOT ',
    '\0',
    '\xff',
  ];
  const piece = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      expect(['command', 'bad']).toContain(parseCommand(Buffer.from(`a1 ${pieces.join('')}`, 'latin1')).is);
    }),
    { numRuns: 2_000 },
  );
});
