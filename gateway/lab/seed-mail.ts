/** The mail that a new database starts with: messages of different shapes, for people and for tests. */
import type { Change } from './store/change.ts';

const minuteMs = 60_000;

/** The changes that make the mailbox: an INBOX with five messages, and three more folders. */
export function seedMailbox(mailbox: string, now: number): Change[] {
  const uidValidity = Math.floor(now / 1_000);
  const folders = ['INBOX', 'Drafts', 'Sent', 'Trash'];
  const created = folders.map((folder): Change => ({
    kind: 'create',
    user: mailbox,
    folder,
    uidValidity,
    uidNext: 1,
  }));
  const subscribed = folders.map((folder): Change => ({
    kind: 'subscribe',
    user: mailbox,
    folder,
    isSubscribed: true,
  }));
  const messages = seedMessages(mailbox, now);
  const appended = messages.map(({ bytes, flags }, index): Change => {
    const internalDate = now - (messages.length - index) * minuteMs;
    return { kind: 'append', user: mailbox, folder: 'INBOX', uid: index + 1, flags, internalDate, bytes };
  });
  return [...created, ...subscribed, ...appended];
}

function seedMessages(mailbox: string, now: number): { bytes: Buffer; flags: string[] }[] {
  const name = mailbox.split('@')[0] ?? mailbox;
  const shapes = [welcome, newsletter, forwarded, attachment, bare];
  return shapes.map((shape, index) => {
    const head = [
      `Date: ${new Date(now - (shapes.length - index) * minuteMs).toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${index + 1}.${name}@demo.test>`,
      `To: ${mailbox}`,
    ];
    const bytes = Buffer.from([...head, ...shape(mailbox)].join('\r\n'));
    return { bytes, flags: index === 0 ? ['\\Seen'] : [] };
  });
}

function welcome(mailbox: string): string[] {
  return [
    'From: "Postern, the demo" <postern@demo.test>',
    'Subject: Welcome',
    '',
    `This mailbox is ${mailbox}. Its database has a copy on each of the two lab servers;`,
    'the answer to your login said which of them you are on.',
    '',
  ];
}

/** Two views of one text, UTF-8 in quoted-printable and base64, and an encoded subject. */
function newsletter(): string[] {
  return [
    'From: =?UTF-8?Q?J=C3=BCrgen_M=C3=BCller?= <juergen@demo.test>',
    `Subject: =?UTF-8?B?${Buffer.from('Grüße aus Köln').toString('base64')}?=`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/alternative; boundary="two-views"',
    '',
    'Readers without MIME see this line.',
    '--two-views',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'Sch=C3=B6ne Gr=C3=BC=C3=9Fe vom Rhein, und ein langer Satz, der hier umgebrochen =',
    'wird.',
    '--two-views',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('<p>Schöne <b>Grüße</b> vom Rhein.</p>').toString('base64'),
    '--two-views--',
    '',
  ];
}

function forwarded(mailbox: string): string[] {
  return [
    'From: bob@demo.test (Bob)',
    'Cc: team: ann@demo.test, "Cid, of db3" <cid@demo.test>;',
    'Subject: Fwd: the old copy',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=outer',
    '',
    '--outer',
    '',
    'See below.',
    '--outer',
    'Content-Type: message/rfc822',
    'Content-Disposition: attachment; filename="old.eml"',
    '',
    'From: cid@demo.test',
    `To: ${mailbox}`,
    'Subject: the old copy',
    'Date: Sat, 21 Nov 2026 09:00:00 +0000',
    '',
    'It was on ex1 then.',
    '--outer--',
    '',
  ];
}

function attachment(): string[] {
  const lines = Buffer.from(Array.from({ length: 3_000 }, (_, index) => index % 251)).toString('base64');
  return [
    'From: <cid@demo.test>',
    'Reply-To: <replies@demo.test>',
    'Subject: A file of 3,000 bytes',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="files (2026)"',
    '',
    '--files (2026)',
    'Content-Type: text/plain; charset=us-ascii; format=flowed',
    '',
    'Here it is.',
    '--files (2026)',
    'Content-Type: application/octet-stream; name="bytes.bin"',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="bytes.bin"',
    '',
    ...(lines.match(/.{1,76}/g) ?? []),
    '--files (2026)--',
    '',
  ];
}

/** No MIME at all, and no subject. */
function bare(): string[] {
  return ['From: ann@demo.test', '', 'Short.', ''];
}
