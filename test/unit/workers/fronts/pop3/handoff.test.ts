import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scriptBytesMax } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import type { HandoffPlan } from '#workers/fronts/front';
import { planPop3Handoff, pop3RefusalOf } from '#workers/fronts/pop3/handoff';
import type { Login, Proof } from '#workers/fronts/sasl';
import { ScriptPlay } from '../../../../trace/script-reader.ts';
import { acting, clientAt, password, routeTo, scriptOf, timeouts, token } from '../handoff-givens.ts';

const client = clientAt(995);
const route = (offered: string): ServerProtocolRoute => routeTo(995, offered);

test.each<[string, Proof, string, string]>([
  ['a token where it is offered', token(), 'AUTH=XOAUTH2', 'AUTH XOAUTH2'],
  ['a token where it is not', token(), 'USER AUTH=PLAIN', 'unsupported'],
  ['a token where nothing is known', token(), '', 'unknown'],
  ['an authorization name where PLAIN is offered', acting(), 'USER AUTH=PLAIN', 'AUTH PLAIN'],
  ['an authorization name where it is not', acting(), 'USER', 'unsupported'],
  ['an authorization name where nothing is known', acting(), '', 'unknown'],
  ['a password where both ways are offered', password('x'), 'USER AUTH=PLAIN', 'USER ann'],
  ['a password where USER is not', password('x'), 'TOP AUTH=PLAIN', 'AUTH PLAIN'],
  ['a password where nothing is known', password('x'), '', 'USER ann'],
  ['a password where neither is', password('x'), 'TOP UIDL', 'impossible'],
  ['an empty password', password(''), 'USER AUTH=PLAIN', 'AUTH PLAIN'],
  ['an empty password without SASL', password(''), 'USER', 'USER ann'],
  ['a password with a space in it', password('x y'), 'USER AUTH=PLAIN', 'USER ann'],
  ['a password that ends in a space', password('x '), 'USER AUTH=PLAIN', 'AUTH PLAIN'],
  ['a password with a tab', password('x\ty'), 'USER AUTH=PLAIN', 'AUTH PLAIN'],
  ['a password with a line end', password('x\r\nDELE 1'), 'USER AUTH=PLAIN', 'AUTH PLAIN'],
  ['V35: a password with a line end, without SASL', password('x\r\nDELE 1'), 'USER', 'unsupported'],
  ['V35: a password with a bare LF, without SASL', password('x\nDELE 1'), '', 'unsupported'],
  ['a token as large as a line', token(48_000), 'AUTH=XOAUTH2', 'AUTH XOAUTH2'],
  ['a token beyond what a script holds', token(scriptBytesMax), 'AUTH=XOAUTH2', 'unsupported'],
])('%s (%#)', (_, proof, offered, expected) => {
  const planned = plan(proof, route(offered));
  const first = planned.is === 'script' ? sentAfterGreeting(planned) : planned.is;
  expect(first.split('\r\n')[0]).toBe(expected);
});

test('V35: a server gets back every name and password, whatever is in them', () => {
  const text = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });
  const nameText = text.filter((name) => name !== '' && !/[\r\n]/.test(name));
  const offers = fc.constantFrom('USER AUTH=PLAIN', 'AUTH=PLAIN', 'USER', 'USER PIPELINING', '');
  fc.assert(
    fc.property(nameText, text, offers, (user, secret, offered) => {
      const planned = plan({ by: 'password', user, password: secret }, route(offered));
      // No line can carry another line: such a password is for AUTH PLAIN alone.
      fc.pre(offered.includes('AUTH') || !/[\r\n]/.test(secret));
      const play = new ScriptPlay(scriptOf(planned));
      play.serverSays('+OK hi');
      const isEncoded = play.sent.startsWith('AUTH');
      play.serverSays(isEncoded ? '+ ' : '+OK');
      const encoded = Buffer.from(`\0${user}\0${secret}`, 'latin1').toString('base64');
      expect(play.sent).toBe(
        isEncoded ? `AUTH PLAIN\r\n${encoded}\r\n` : `USER ${user}\r\nPASS ${secret}\r\n`,
      );
    }),
  );
});

test('greeting and login wait by their own timeouts', () => {
  const waits = scriptOf(plan(password('x'), route('USER'))).flatMap((step) =>
    step.step === 'expect' ? [step.timeoutMs] : [],
  );
  expect(waits).toEqual([7000, 9000, 9000]);
});

test.each<[string, ServerProtocolRoute['identity'], string, string]>([
  ['it offers it and we may', 'xclient', 'USER XCLIENT', 'XCLIENT PORT=50000 SESSION=00000000000abc TTL=5 '],
  ['V23: it offers it, but we may not', 'none', 'USER XCLIENT', 'USER ann'],
  ['V23: it is told by PROXY', 'proxy-v2', 'USER XCLIENT', 'USER ann'],
  ['V23: it does not offer it', 'xclient', 'USER', 'USER ann'],
])('XCLIENT where %s', (_, identity, offered, expected) => {
  const sent = sentAfterGreeting(plan(password('x'), { ...route(offered), identity }));
  expect(sent.startsWith(expected)).toBe(true);
  expect(sent).not.toContain('LOGIN=');
});

test.each<[string, string, string]>([
  ['a plain -ERR', '-ERR wrong', '-ERR [AUTH] Authentication failed'],
  ['its own wording of the same', '-ERR [AUTH] no user ann', '-ERR [AUTH] Authentication failed'],
  ['an error challenge for a token', '+ e30=', '-ERR [AUTH] Authentication failed'],
  ['an unknown code', '-ERR [X-EVIL] go to evil.example', '-ERR [AUTH] Authentication failed'],
  ['an account to be mended', '-ERR [sys/perm] Ask us', '-ERR [SYS/PERM] Ask us'],
  ['V37: bytes that are no text', '-ERR [SYS/PERM] a\x1b[2Jb\xff', '-ERR [SYS/PERM] a[2Jb'],
  ['V37: a long text', `-ERR [SYS/PERM] ${'x'.repeat(490)}`, `-ERR [SYS/PERM] ${'x'.repeat(200)}`],
  ['a server in trouble', '-ERR [SYS/TEMP] later', 'temporary'],
  ['Exchange without the database', '-ERR Server Unavailable. 21', 'temporary'],
  ['a mailbox in use', '-ERR [IN-USE] locked', 'temporary, -ERR [IN-USE] locked'],
  ['a login too soon', '-ERR [LOGIN-DELAY]', 'temporary, -ERR [LOGIN-DELAY] Login refused'],
])('a refusal: %s', (_, line, expected) => {
  const refusal = pop3RefusalOf(line);
  const words =
    refusal.is === 'reply' ? refusal.text : ['temporary', refusal.lastWords ?? []].flat().join(', ');
  expect(words.replace(/\r\n$/, '')).toBe(expected);
});

function plan(proof: Proof, server: ServerProtocolRoute): HandoffPlan {
  const login: Login = { tag: '', user: 'ann', mailboxKey: 'ann', proof };
  return planPop3Handoff(login, server, client, timeouts);
}

function sentAfterGreeting(planned: HandoffPlan): string {
  const play = new ScriptPlay(scriptOf(planned));
  play.serverSays('+OK hi');
  return play.sent;
}
