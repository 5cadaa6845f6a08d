/** SEARCH over one small folder: which numbers each key finds. */
import { expect, test } from 'vitest';
import { parseCommand } from '#gateway/lab/imap/grammar';
import { matches } from '#gateway/lab/imap/search';
import type { Message } from '#gateway/lab/store/copy';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const noon = (day: string) => Date.parse(`${day}T12:00:00Z`);

const messages: Message[] = [
  message(
    10,
    '2026-11-20',
    ['\\Seen'],
    'From: Ann <ann@demo.test>\r\nSubject: One\r\nDate: Fri, 20 Nov 2026 01:00:00 +0500',
  ),
  message(
    12,
    '2026-11-21',
    ['\\Flagged', '$Work'],
    'From: bob@demo.test\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
    [
      'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable',
      'K=F6ln am Rh=\r\nein',
    ],
  ),
  message(40, '2026-11-22', [], 'To: "Cid" <cid@demo.test>\r\nSubject: three', [
    'Content-Type: multipart/mixed; boundary=b',
    `--b\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64('hidden words')}\r\n--b--`,
  ]),
];

function message(
  uid: number,
  day: string,
  flags: string[],
  head: string,
  [more, body]: string[] = [],
): Message {
  const bytes = Buffer.from(
    `${head}\r\n${more === undefined ? '' : `${more}\r\n`}\r\n${body ?? 'text'}\r\n`,
    'utf8',
  );
  return { uid, internalDate: noon(day), bytes, flags: new Set(flags) };
}

function found(keys: string): number[] {
  const parsed = parseCommand(Buffer.from(`a1 SEARCH ${keys}`, 'utf8'));
  if (parsed.is === 'bad' || parsed.command.name !== 'SEARCH') throw new Error(`no search: ${keys}`);
  const { key } = parsed.command;
  return messages.flatMap((each, index) => {
    const seen = { message: each, number: index + 1, isRecent: each.uid === 40, numberMax: 3, uidMax: 40 };
    return matches(key, seen) ? [index + 1] : [];
  });
}

const literal = (text: string) => `{${Buffer.byteLength(text)}}\r\n${text}`;

test.each<[string, number[]]>([
  ['ALL', [1, 2, 3]],
  ['SEEN', [1]],
  ['UNSEEN', [2, 3]],
  ['KEYWORD $work', [2]],
  ['UNKEYWORD $WORK', [1, 3]],
  ['NEW', [3]],
  ['OLD', [1, 2]],
  ['2:*', [2, 3]],
  ['7:*', [3]],
  ['UID 11:39', [2]],
  ['UID 100:*', [3]],
  ['BEFORE 21-Nov-2026', [1]],
  ['ON 21-Nov-2026', [2]],
  ['SINCE 21-Nov-2026', [2, 3]],
  ['SENTON 20-Nov-2026', [1]],
  ['SENTBEFORE 20-Nov-2026', []],
  ['FROM ANN', [1]],
  ['HEADER To ""', [3]],
  [`SUBJECT ${literal('grüße')}`, [2]],
  [`BODY ${literal('KÖLN AM RHEIN')}`, [2]],
  ['BODY "hidden words"', [3]],
  ['TEXT demo.test', [1, 2, 3]],
  ['BODY demo.test', []],
  ['LARGER 100', [2, 3]],
  ['SMALLER 101', [1]],
  ['NOT (SEEN)', [2, 3]],
  ['OR SEEN FLAGGED', [1, 2]],
  ['UNSEEN UNFLAGGED', [3]],
])('%s finds %j', (keys, numbers) => {
  expect(found(keys)).toEqual(numbers);
});
