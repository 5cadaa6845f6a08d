import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scriptBytesMax } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import { imapRefusalOf, planImapHandoff } from '#workers/fronts/imap/handoff';
import { type Login, type Proof, loginOf } from '#workers/fronts/sasl';
import type { HandoffPlan } from '#workers/fronts/front';
import { ScriptPlay } from '../../../../trace/script-reader.ts';
import { acting, clientAt, routeTo, scriptOf, timeouts, token } from '../handoff-givens.ts';

const client = clientAt(993);
const route = (offered: string): ServerProtocolRoute => routeTo(993, offered);

test.each<[string, string, number, string]>([
  ['LITERAL+ streams any length', 'LITERAL+', 8192, 'one send'],
  ['LITERAL- streams 4096 bytes', 'LITERAL-', 4096, 'one send'],
  ['LITERAL- waits beyond 4096 bytes', 'LITERAL-', 4097, 'three sends'],
  ['IMAP4rev2 includes LITERAL-', 'IMAP4REV2', 4096, 'one send'],
  ['IMAP4rev2 waits beyond 4096 bytes', 'IMAP4REV2', 4097, 'three sends'],
  ['an unknown server is waited for', '', 4, 'three sends'],
])('%s', (_, offered, passwordBytes, expected) => {
  const script = scriptOf(plan(password('ann', 'p'.repeat(passwordBytes)), route(offered)));
  const sends = script.filter((step) => step.step === 'send' && step.unless === '');
  expect(sends.length === 1 ? 'one send' : 'three sends').toBe(expected);
});

test('the longest way has no more steps than a script may have', () => {
  const server = {
    ...route('ID'),
    identity: 'id' as const,
    endpoint: { ...route('').endpoint, tls: 'starttls' as const },
  };
  expect(scriptOf(plan(password('ann', 'x'), server)).length).toBe(14);
});

test('an ID is sent only where the server trusts us and offers it', () => {
  const trusting = (offered: string): ServerProtocolRoute => ({ ...route(offered), identity: 'id' });
  const hasId = (server: ServerProtocolRoute): boolean =>
    scriptOf(plan(password('ann', 'x'), server)).some(
      (step) => step.step === 'send' && step.bytes.startsWith('i ID'),
    );
  expect([route('ID'), trusting(''), trusting('ID')].map(hasId)).toEqual([false, false, true]);
});

test('greeting and login wait by their own timeouts', () => {
  const waits = scriptOf(plan(password('ann', 'x'), route('LITERAL+'))).flatMap((step) =>
    step.step === 'expect' ? [step.timeoutMs] : [],
  );
  expect(waits).toEqual([7000, 9000, 7000]);
});

test.each<[string, Proof, string, string]>([
  ['a token where it is offered', token(), 'AUTH=XOAUTH2', 'script'],
  ['a token where it is not', token(), 'AUTH=PLAIN', 'unsupported'],
  ['a token where nothing is known', token(), '', 'unknown'],
  ['an authorization name where PLAIN is offered', acting(), 'AUTH=PLAIN', 'script'],
  ['an authorization name where it is not', acting(), 'AUTH=LOGIN', 'unsupported'],
  ['an authorization name where nothing is known', acting(), '', 'unknown'],
  [
    'a password where LOGIN is disabled but PLAIN offered',
    password('ann', 'x').proof,
    'LOGINDISABLED AUTH=PLAIN',
    'script',
  ],
  ['a password where neither is', password('ann', 'x').proof, 'LOGINDISABLED', 'impossible'],
  ['a token as large as a line', token(48_000), 'AUTH=XOAUTH2', 'script'],
  ['a token beyond what a script holds', token(scriptBytesMax), 'AUTH=XOAUTH2', 'unsupported'],
])('%s: %s', (_, proof, offered, expected) => {
  const plan = planImapHandoff(
    { tag: 'a1', user: 'ann', mailboxKey: 'ann', proof },
    route(offered),
    client,
    timeouts,
  );
  expect(plan.is).toBe(expected);
});

test('V35: a server reads back every name and password, whatever is in them', () => {
  const anything = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  });
  fc.assert(
    fc.property(anything, anything, fc.constantFrom('LITERAL+', ''), (user, secret, offered) => {
      const login: Login = {
        tag: 'a1',
        user: 'ann',
        mailboxKey: 'ann',
        proof: { by: 'password', user, password: secret },
      };
      const play = new ScriptPlay(scriptOf(planImapHandoff(login, route(offered), client, timeouts)));
      play.serverSays('* OK ready');
      if (offered === '') for (const line of ['+ go', '+ go']) play.serverSays(line);
      const plus = offered === '' ? '' : '+';
      expect(play.sent).toBe(
        `a1 LOGIN {${user.length}${plus}}\r\n${user} {${secret.length}${plus}}\r\n${secret}\r\n`,
      );
    }),
  );
});

test.each<[string, string, string]>([
  ['a plain NO', 'a1 NO wrong', 'a1 NO [AUTHENTICATIONFAILED] Authentication failed'],
  ['a BAD', 'a1 BAD what', 'a1 NO [AUTHENTICATIONFAILED] Authentication failed'],
  [
    'its own wording of the same',
    'a1 NO [AUTHENTICATIONFAILED] no user ann',
    'a1 NO [AUTHENTICATIONFAILED] Authentication failed',
  ],
  ['a code that tells more', 'a1 NO [AUTHORIZATIONFAILED] Not you', 'a1 NO [AUTHORIZATIONFAILED] Not you'],
  ['a code in lower case', 'a1 no [expired] Renew', 'a1 NO [EXPIRED] Renew'],
  ['a code without a text', 'a1 NO [EXPIRED]', 'a1 NO [EXPIRED] Login refused'],
  [
    'V37: a referral',
    'a1 NO [REFERRAL imap://evil/] go',
    'a1 NO [AUTHENTICATIONFAILED] Authentication failed',
  ],
  ['V37: an alert', 'a1 NO [ALERT] Call us', 'a1 NO [AUTHENTICATIONFAILED] Authentication failed'],
  ['V37: bytes that are no text', 'a1 NO [EXPIRED] a\x1b[2Jb\xff', 'a1 NO [EXPIRED] a[2Jb'],
  ['V37: a long text', `a1 NO [EXPIRED] ${'x'.repeat(490)}`, `a1 NO [EXPIRED] ${'x'.repeat(200)}`],
  ['an error challenge for a token', '+ e30=', 'a1 NO [AUTHENTICATIONFAILED] Authentication failed'],
  ['a server in trouble', 'a1 NO [UNAVAILABLE] later', 'temporary'],
  ['Exchange without the database', 'a1 NO Server Unavailable. 15', 'temporary'],
  ['a mailbox in use', 'a1 NO [INUSE] locked', 'temporary'],
  ['a fault of the server', 'a1 NO [SERVERBUG] oops', 'temporary'],
  ['a limit', 'a1 NO [LIMIT] too many', 'temporary'],
  ['a link to us that is not private', 'a1 NO [PRIVACYREQUIRED] no TLS', 'temporary'],
  ['another tag', 'a10 NO wrong', 'temporary'],
])('a refusal: %s', (_, line, expected) => {
  const refusal = imapRefusalOf(password('ann', 'x'), line);
  expect(refusal.is === 'reply' ? refusal.text : refusal.is).toBe(
    refusal.is === 'reply' ? `${expected}\r\n` : expected,
  );
});

function plan(login: Login, server: ServerProtocolRoute): HandoffPlan {
  return planImapHandoff(login, server, client, timeouts);
}

function password(user: string, secret: string): Login {
  return loginOf('a1', { by: 'password', user, password: secret }) ?? expect.unreachable('a login');
}
