/** Whatever a client says to the fronts that frame their own lines: IMAP, POP3, ManageSieve. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ClientFacts,
  type Conversation,
  type Conversed,
  type PreambleSettings,
  type TlsFacts,
  announcedLiteral,
} from '#workers/fronts/front';
import { openPreambles as openImap } from '#workers/fronts/imap/preamble';
import { openPreambles as openPop3 } from '#workers/fronts/pop3/preamble';
import { openPreambles as openSieve } from '#workers/fronts/sieve/preamble';

const tls: TlsFacts = { version: 'TLSv1.3', cipher: 'x', alpn: '-', sni: '-' };
const settings: PreambleSettings = { hostname: 'mail.test', baseline: ['AUTH=LOGIN'], hasStartTls: true };
const canary = 'c4n4ry';

/** A front, whether its lines announce literals, its commands, and the form of all that it says. */
const fronts = [
  [
    'IMAP',
    openImap,
    true,
    ['LOGIN', 'AUTHENTICATE', 'CAPABILITY', 'ID', 'NOOP', 'STARTTLS', 'SELECT'].map((name) => `a ${name}`),
    /^(?:(?:\*|a|\+|[!-~]+) [\x20-\x7e]*\r\n)*$/,
  ],
  [
    'POP3',
    openPop3,
    false,
    ['USER', 'PASS', 'AUTH', 'CAPA', 'STLS', 'STAT', 'NOOP', 'APOP', 'user', 'XCLIENT'],
    /^(?:(?:\+OK|-ERR|\+) [\x20-\x7e]*\r\n|[A-Z][A-Z0-9 -]*\r\n|\.\r\n)*$/,
  ],
  [
    'ManageSieve',
    openSieve,
    true,
    ['AUTHENTICATE', 'CAPABILITY', 'NOOP', 'STARTTLS', 'PUTSCRIPT', 'xclient', 'LISTSCRIPTS'],
    /^(?:(?:OK|NO|BYE) (?:\([^\r\n]*\) )?"[\x20-\x7e]*"\r\n|(?:"[\x20-\x7e]*" ?){1,2}\r\n)*$/,
  ],
] as const;

test.each(fronts)('%s: every talk ends, in whole lines, and no login is taken in clear', async (...front) => {
  const [, open, hasLiterals, commands, form] = front;
  await fc.assert(
    fc.asyncProperty(
      fc.array(clientLine(commands), { maxLength: 25 }),
      fc.boolean(),
      async (lines, isClear) => {
        const heard = await talk(open, hasLiterals, { lines, isClear });
        const said =
          heard.replies.join('') + (heard.conversed.is === 'over' ? heard.conversed.lastWords : '');
        expect(said.replace(/\(TAG (?:"(?:[^"\\]|\\.)*"|\{\d+\}\r\n[^]*?)\)/g, '(TAG)')).toMatch(form);
        if (heard.conversed.is === 'login') expect(heard.isEncrypted).toBe(true);
        expect(heard.replies.length).toBeLessThanOrEqual(2 * lines.length + 3);
      },
    ),
    { numRuns: 400 },
  );
});

const argumentsOfAll = [
  '| |\t| "\\| NIL| ("a" "b")| / HTTP/1.1| {3+}| {3}| {99999+}| ann x| "ann" "x"',
  `| ${canary}| "${canary}"| PLAIN| PLAIN =| PLAIN AGFubgB4| LOGIN| XOAUTH2 !!`,
  '| "PLAIN"| "PLAIN" ""| "PLAIN" "AGFubgB4"| "PLAIN" {8+}',
].flatMap((some) => some.split('|'));

/** Commands with right and wrong arguments, responses of SASL, and bytes. */
function clientLine(commands: readonly string[]): fc.Arbitrary<string> {
  const argument = fc.constantFrom(...argumentsOfAll);
  const command = fc.tuple(fc.constantFrom(...commands), argument).map(([name, rest]) => `${name}${rest}`);
  const byte = fc
    .integer({ min: 1, max: 255 })
    .filter((code) => code !== 10 && code !== 13)
    .map((code) => String.fromCharCode(code));
  const bytes = fc.string({ unit: byte, maxLength: 40 });
  return fc.oneof(
    { weight: 8, arbitrary: command },
    bytes,
    fc.constantFrom('*', '"*"', '', 'YW5u', '"YW5u"'),
  );
}

interface Heard {
  readonly conversed: Conversed;
  readonly replies: readonly string[];
  readonly isEncrypted: boolean;
}

/** Literals are cut from the lines that follow, as the engine would; the client leaves behind the last. */
async function talk(
  open: (settings: PreambleSettings) => (conversation: Conversation) => { converse(): Promise<Conversed> },
  hasLiterals: boolean,
  { lines, isClear }: { readonly lines: readonly string[]; readonly isClear: boolean },
): Promise<Heard> {
  const replies: string[] = [];
  let rest = lines.map((line) => `${line}\r\n`).join('');
  let announced: number | undefined;
  let client: ClientFacts = {
    clientIp: '192.0.2.7',
    clientPort: '1',
    localIp: '192.0.2.1',
    localPort: '2',
    tls: isClear ? undefined : tls,
    sessionId: '0',
    isGreeted: false,
  };
  const gone = { is: 'ended', reason: 'client_quit' } as const;
  const conversation: Conversation = {
    get client() {
      return client;
    },
    readLine: async () => {
      // A literal that nobody asked for is dropped, one that waits is not sent.
      rest = rest.slice(announced ?? 0);
      const end = rest.indexOf('\r\n');
      if (end < 0) return gone;
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      const literal = hasLiterals ? announcedLiteral(line) : undefined;
      announced = literal?.isWaiting === false ? literal.size : undefined;
      return line;
    },
    readLiteral: async (size) => {
      announced = undefined;
      if (rest.length < size) return gone;
      const literal = rest.slice(0, size);
      rest = rest.slice(size);
      return literal;
    },
    reply: (text) => void replies.push(text),
    startTls: async (text) => {
      replies.push(text);
      client = { ...client, tls };
      return undefined;
    },
  };
  const conversed = await open(settings)(conversation).converse();
  return { conversed, replies, isEncrypted: client.tls !== undefined };
}
