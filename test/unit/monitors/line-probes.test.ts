/** The greeting probes of POP3 and ManageSieve, against servers that say given lines. */
import { expect, test } from 'vitest';
import type { GreetingProbeParts } from '#gateway/monitors/probe-outcome';
import { probePop3 } from '#gateway/monitors/pop3-probe';
import { probeSieve } from '#gateway/monitors/sieve-probe';
import type { Verdict } from '#model/claim';
import { codeOf } from '#model/end-reason';
import type { EngineEndpoint, ProbeOutcome, ProbeRequest } from '#native';
import { ScriptPlay, readScript } from '../../trace/script-reader.ts';

type Tls = EngineEndpoint['tls'];

test.each<[string, Tls, string, string]>([
  [
    'a usual server',
    'implicit',
    '+OK hi|+OK|TOP|UIDL|SASL PLAIN login|USER|.',
    'good: TOP UIDL SASL AUTH=PLAIN AUTH=LOGIN USER',
  ],
  [
    'values of other words',
    'implicit',
    '+OK hi|+OK|USER|EXPIRE 60|IMPLEMENTATION x  y|.',
    'good: USER EXPIRE EXPIRE=60 IMPLEMENTATION IMPLEMENTATION=X IMPLEMENTATION=Y',
  ],
  ['STLS, and what is offered inside TLS', 'starttls', '+OK hi|+OK go|+OK|USER|TOP|.', 'good: USER TOP'],
  ['a server from before CAPA', 'implicit', '+OK hi|-ERR what', 'good: USER'],
  ['a server from before CAPA, inside TLS', 'starttls', '+OK hi|+OK go|-ERR what', 'good: USER'],
  ['no STLS', 'starttls', '+OK hi|-ERR what', 'bad: offers no STLS'],
  ['no way in', 'implicit', '+OK hi|+OK|TOP|SASL GSSAPI|.', 'bad: offers no USER and no AUTH=PLAIN'],
  ['a goodbye for a greeting', 'implicit', '-ERR too many', 'bad: unexpected answer: in words'],
  ['a goodbye for a greeting, with STLS', 'starttls', '-ERR too many', 'bad: unexpected answer: in words'],
  ['another protocol', 'implicit', '* OK IMAP4rev1', 'bad: unexpected answer: in words'],
  ['silence in the list', 'implicit', '+OK hi|+OK|TOP', 'bad: no answer within 10s'],
])('the greeting probe of POP3, %s', async (_, tls, said, expected) => {
  expect(wordsOf(await probePop3(parts(tls, said)))).toBe(expected);
});

test.each<[string, Tls, string, string]>([
  [
    'a usual server',
    'off',
    '"IMPLEMENTATION" "Dovecot Pigeonhole"|"SIEVE" "fileinto reject"|"SASL" "PLAIN LOGIN"|OK "hi"',
    'good: IMPLEMENTATION IMPLEMENTATION=DOVECOT IMPLEMENTATION=PIGEONHOLE SIEVE SIEVE=FILEINTO ' +
      'SIEVE=REJECT SASL AUTH=PLAIN AUTH=LOGIN',
  ],
  [
    'what comes anew inside TLS',
    'starttls',
    '"SASL" ""|"STARTTLS"|OK|OK go|"SIEVE" ""|"SASL" "PLAIN"|OK',
    'good: SIEVE SASL AUTH=PLAIN',
  ],
  [
    'literals',
    'off',
    '{5}SIEVE {8}fileinto|"SASL" {5}PLAIN|OK',
    'good: SIEVE SIEVE=FILEINTO SASL AUTH=PLAIN',
  ],
  ['a line that is no capability', 'off', '"SIEVE" ""|* CAPABILITY x', 'bad: unexpected answer: in words'],
  ['no STARTTLS', 'starttls', '"SIEVE" ""|OK|NO "what"', 'bad: offers no STARTTLS'],
  ['no PLAIN', 'off', '"SIEVE" ""|"SASL" "GSSAPI"|OK', 'bad: offers no AUTH=PLAIN'],
  ['no sieve at all', 'off', 'OK "hi"', 'bad: offers no SIEVE'],
  ['a goodbye for a greeting', 'off', 'BYE (TRYLATER) "full"', 'bad: said "BYE (TRYLATER) "full""'],
  ['a NO for a greeting', 'starttls', 'NO "full"', 'bad: said "NO "full""'],
  ['silence in the list', 'off', '"SIEVE" ""', 'bad: no answer within 10s'],
])('the greeting probe of ManageSieve, %s', async (_, tls, said, expected) => {
  expect(wordsOf(await probeSieve(parts(tls, said)))).toBe(expected);
});

test.each<[string, Tls, string, string]>([
  ['takes it from us', 'implicit', '+OK hi|+OK|USER|.|+OK Updated', 'good: USER XCLIENT'],
  ['takes it from us inside TLS', 'starttls', '+OK hi|+OK|+OK|USER|.|+OK Updated', 'good: USER XCLIENT'],
  ['does not take it from us', 'implicit', '+OK hi|+OK|USER|.|-ERR no', 'good: USER'],
  ['says so in CAPA', 'implicit', '+OK hi|+OK|USER|XCLIENT ADDR|.|+OK', 'good: USER XCLIENT XCLIENT=ADDR'],
])('a POP3 server that is to be told by XCLIENT and %s', async (_, tls, said, expected) => {
  expect(wordsOf(await probePop3({ ...parts(tls, said), identity: 'xclient' }))).toBe(expected);
});

test('a server without an item that frontends promise is bad, with the item named', async () => {
  const pop3 = parts('implicit', '+OK hi|+OK|TOP|USER|SASL PLAIN|.');
  expect(wordsOf(await probePop3({ ...pop3, baseline: ['TOP', 'UIDL'] }))).toBe('bad: offers no UIDL');
  expect(wordsOf(await probePop3({ ...pop3, baseline: ['AUTH=XOAUTH2'] }))).toBe(
    'bad: offers no AUTH=XOAUTH2',
  );
  const sieve = parts('off', '"SIEVE" "fileinto"|"SASL" "PLAIN"|OK');
  expect(wordsOf(await probeSieve({ ...sieve, baseline: ['SIEVE=FILEINTO', 'SIEVE=ENOTIFY'] }))).toBe(
    'bad: offers no SIEVE=ENOTIFY',
  );
});

test.each([probePop3, probeSieve])(
  'F28: want of a socket of our own says nothing of a server',
  async (ask) => {
    const probe = async (): Promise<ProbeOutcome> => {
      return { reason: codeOf('internal_error'), detail: 'no socket', lines: [], elapsedMs: 1 };
    };
    expect(await ask({ ...parts('implicit', ''), probe })).toEqual({ is: 'unasked', why: 'no socket' });
  },
);

test.each([
  [probePop3, 'QUIT\r\n'],
  [probeSieve, 'LOGOUT\r\n'],
] as const)('a probe leaves no session behind', async (ask, goodbye) => {
  let sent = '';
  await ask({
    ...parts('starttls', ''),
    probe: async ({ script }) => {
      sent = Buffer.from(script).toString('latin1');
      return { reason: codeOf('connect_refused'), detail: '', lines: [], elapsedMs: 1 };
    },
  });
  expect(sent.endsWith(goodbye)).toBe(true);
});

/** A probe of a server that says these lines, one after the other, as long as it is listened to. */
function parts(tls: Tls, said: string): GreetingProbeParts {
  return {
    probe: async ({ script }: ProbeRequest) => playedBy(script, said.split('|')),
    endpoint: {
      protocol: 2,
      address: '127.0.0.1',
      port: 110,
      tls,
      tlsName: 'ex1.test',
      caPem: '',
      proxy: 'none',
    },
    identity: 'none',
    baseline: [],
    timeouts: { connectTimeoutMs: 3_000, greetingTimeoutMs: 5_000, answerTimeoutMs: 10_000 },
  };
}

function playedBy(script: Uint8Array, lines: readonly string[]): ProbeOutcome {
  const play = new ScriptPlay(readScript(script));
  for (const line of lines) if (play.outcome === 'playing') play.serverSays(line);
  const outcome = { detail: 'in words', lines: play.kept(), elapsedMs: 7 };
  if (play.outcome === 'done') return { ...outcome, reason: 0, detail: '' };
  return { ...outcome, reason: codeOf(play.outcome === 'playing' ? 'login_timeout' : 'server_unexpected') };
}

function wordsOf(seen: Verdict | { readonly is: 'unasked'; readonly why: string }): string {
  if (seen.is === 'good') return `good: ${seen.capabilities.join(' ')}`;
  return `${seen.is}: ${'why' in seen ? seen.why : ''}`;
}
