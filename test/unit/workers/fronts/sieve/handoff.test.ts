import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scriptBytesMax } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import type { HandoffPlan } from '#workers/fronts/front';
import type { Login, Proof } from '#workers/fronts/sasl';
import { planSieveHandoff, sieveRefusalOf } from '#workers/fronts/sieve/handoff';
import { ScriptPlay } from '../../../../trace/script-reader.ts';
import { acting, clientAt, password, routeTo, scriptOf, timeouts, token } from '../handoff-givens.ts';

const client = clientAt(4190);
const route = (offered: string): ServerProtocolRoute => routeTo(4190, offered);

test.each<[string, Proof, string, string]>([
  ['a token where it is offered', token(), 'AUTH=XOAUTH2', 'script'],
  ['a token where it is not', token(), 'AUTH=PLAIN', 'unsupported'],
  ['a token where nothing is known', token(), '', 'unknown'],
  ['an authorization name where PLAIN is offered', acting(), 'AUTH=PLAIN', 'script'],
  ['an authorization name where it is not', acting(), 'AUTH=GSSAPI', 'unsupported'],
  ['an authorization name where nothing is known', acting(), '', 'script'],
  ['a password where PLAIN is offered', password('x'), 'AUTH=PLAIN', 'script'],
  ['a password where nothing is known', password('x'), '', 'script'],
  ['a password where PLAIN is not', password('x'), 'AUTH=GSSAPI', 'impossible'],
  ['a token as large as a literal', token(48_000), 'AUTH=XOAUTH2', 'script'],
  ['a token beyond what a script holds', token(scriptBytesMax), 'AUTH=XOAUTH2', 'unsupported'],
])('%s: %s', (_, proof, offered, expected) => {
  expect(plan(proof, route(offered)).is).toBe(expected);
});

test('V35: a server reads back every name and password, whatever is in them', () => {
  const anything = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(anything, anything, (user, secret) => {
      const play = new ScriptPlay(scriptOf(plan({ by: 'password', user, password: secret }, route(''))));
      play.serverSays('OK');
      const encoded = Buffer.from(`\0${user}\0${secret}`, 'latin1').toString('base64');
      expect(play.sent).toBe(`AUTHENTICATE "PLAIN" {${encoded.length}+}\r\n${encoded}\r\n`);
    }),
  );
});

test('the longest way has no more steps than a script may have', () => {
  const server = {
    ...route('AUTH=PLAIN XCLIENT=ADDR'),
    identity: 'xclient' as const,
    endpoint: { ...route('').endpoint, tls: 'starttls' as const },
  };
  expect(scriptOf(plan(password('x'), server)).length).toBe(9);
});

test.each<[string, ServerProtocolRoute['identity'], string, string]>([
  ['it offers it and we may', 'xclient', 'XCLIENT=TTL XCLIENT=ADDR', 'XCLIENT TTL=5 ADDR=2001:db8::7\r\n'],
  ['it offers it without a list', 'xclient', 'XCLIENT', 'XCLIENT PORT=50000 SESSION=00000000000abc TTL=5 '],
  ['V23: we know no attribute that it names', 'xclient', 'XCLIENT=LOGIN XCLIENT=HELO', 'AUTHENTICATE'],
  ['V23: it offers it, but we may not', 'none', 'XCLIENT=ADDR', 'AUTHENTICATE'],
  ['V23: it does not offer it', 'xclient', 'SIEVE', 'AUTHENTICATE'],
])('XCLIENT where %s', (_, identity, offered, expected) => {
  const server = { ...route(`AUTH=PLAIN ${offered}`), identity };
  const play = new ScriptPlay(scriptOf(plan(password('x'), server)));
  play.serverSays('OK');
  expect(play.sent.startsWith(expected)).toBe(true);
});

const failed = 'NO "Authentication failed"';

test.each<[string, string, string]>([
  ['a plain NO', 'NO', failed],
  ['a NO with words', 'NO "no user ann"', failed],
  ['an error challenge for a token', '"e30="', failed],
  ['V37: a referral', 'NO (REFERRAL "sieve://evil") "go"', failed],
  ['V37: a literal', 'NO {12}', failed],
  ['a mechanism that is too weak', 'no (auth-too-weak) "Not so"', 'NO (AUTH-TOO-WEAK) "Not so"'],
  ['a code without words', 'NO (TRANSITION-NEEDED)', 'NO (TRANSITION-NEEDED) "Login refused"'],
  [
    'V37: words that could end their quotes',
    'NO (AUTH-TOO-WEAK) "a\\"\\\\b"',
    'NO (AUTH-TOO-WEAK) "a\\"\\\\b"',
  ],
  ['V37: bytes that are no text', 'NO (AUTH-TOO-WEAK) "a\x1b[2Jb\xff"', 'NO (AUTH-TOO-WEAK) "a[2Jb"'],
  ['a server in trouble', 'NO (TRYLATER) "later"', 'temporary'],
  ['a link to us that is not private', 'NO (ENCRYPT-NEEDED) "no TLS"', 'temporary'],
])('a refusal: %s', (_, line, expected) => {
  const refusal = sieveRefusalOf(line);
  expect(refusal.is === 'reply' ? refusal.text.replace(/\r\n$/, '') : refusal.is).toBe(expected);
});

function plan(proof: Proof, server: ServerProtocolRoute): HandoffPlan {
  const login: Login = { tag: '', user: 'ann', mailboxKey: 'ann', proof };
  return planSieveHandoff(login, server, client, timeouts);
}
