import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ClientFacts, Conversation, Conversed, TlsFacts } from '#workers/fronts/front';
import { openPreambles } from '#workers/fronts/smtp/preamble';
import { smtpDialogues } from '#workers/smtp-dialogue';

const openDialogue = smtpDialogues();
const tls: TlsFacts = { version: 'TLSv1.3', cipher: 'x', alpn: '-', sni: '-' };

test('whatever a client says, each line has one reply with its code, and none of it comes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(clientLine(), { maxLength: 30 }), fc.boolean(), async (lines, isClear) => {
      const { conversed, replies, read } = await talk(lines, isClear);
      const whole = replies.join('');
      expect(whole).toMatch(/^220 mail\.test ESMTP ready\r\n(?:\d{3}[- ][\x20-\x7e]*\r\n)*$/);
      expect(whole).not.toContain(canary);
      const ends = whole.split('\r\n').filter((line) => /^\d{3} /.test(line)).length - 1;
      // What ended the talk has no reply yet but its last words; nothing was left to say when lines ran out.
      const answered = conversed.is === 'over' && ends === read - 1 ? read - 1 : read;
      expect(ends).toBe(answered);
      for (const reply of replies.slice(1)) expect(reply).toMatch(codedReply);
      if (conversed.is === 'over')
        expect(conversed.lastWords).toMatch(/^(?:[2-5]\d\d [245]\.\d\.\d{1,2} .*\r\n)*$/);
    }),
    { numRuns: 300 },
  );
});

const canary = 'c4n4ry';
const coded = '([245])\\d\\d \\1\\.\\d\\.\\d{1,2} [ -~]+\r\n';
const codedReply = new RegExp(`^(?:(?:250-.*\r\n)*250 [ -~]+\r\n|334 [A-Za-z0-9+/=]*\r\n|${coded})+$`);

/** Commands and base64, right and wrong, and bytes; never a whole AUTH PLAIN that could log in. */
function clientLine(): fc.Arbitrary<string> {
  const verb = fc.constantFrom(
    ...'EHLO HELO AUTH MAIL RCPT DATA BDAT RSET NOOP HELP VRFY EXPN STARTTLS XCLIENT LHLO ehlo'.split(' '),
  );
  const argument = fc.constantFrom(
    '',
    ` ${canary}`,
    ' laptop',
    ' LOGIN',
    ' PLAIN',
    ' PLAIN =',
    ' XOAUTH2 !!',
    ' FROM:<a@b>',
    ' 10 LAST',
    '\t',
  );
  const command = fc.tuple(verb, argument).map(([name, rest]) => `${name}${rest}`);
  const byte = fc
    .integer({ min: 1, max: 255 })
    .filter((code) => code !== 10 && code !== 13)
    .map((code) => String.fromCharCode(code));
  const bytes = fc.string({ unit: byte, maxLength: 40 }).map((text) => `${text}${canary}`);
  return fc.oneof({ weight: 6, arbitrary: command }, bytes, fc.constantFrom('*', '', 'YW5u', canary));
}

async function talk(
  lines: readonly string[],
  isClear: boolean,
): Promise<{ conversed: Conversed; replies: string[]; read: number }> {
  const replies: string[] = [];
  let read = 0;
  const client: ClientFacts = {
    clientIp: '192.0.2.7',
    clientPort: '1',
    localIp: '192.0.2.1',
    localPort: '587',
    tls: isClear ? undefined : tls,
    sessionId: '0',
    isGreeted: false,
  };
  const conversation: Conversation = {
    client,
    readLine: async () => lines[read++] ?? (read--, { is: 'ended', reason: 'client_quit' }),
    readLiteral: async () => ({ is: 'ended', reason: 'internal_error' }),
    reply: (text) => void replies.push(text),
    startTls: async (text) => {
      replies.push(text);
      (conversation as { client: ClientFacts }).client = { ...client, tls };
      return undefined;
    },
  };
  const open = openPreambles({ hostname: 'mail.test', baseline: [], hasStartTls: isClear, openDialogue });
  return { conversed: await open(conversation).converse(), replies, read };
}
