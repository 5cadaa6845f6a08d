import { expect, test } from 'vitest';
import type { Conversation } from '#workers/fronts/front';
import { isForeign } from '#workers/fronts/foreign-line';
import { joinOffers, knownOffer, noMechanism, valuesOf, withoutMechanisms } from '#workers/fronts/offer';
import { printable } from '#workers/fronts/refusal';
import { type TalkStep, mistake, openTalk, refuseClear, refuseName } from '#workers/fronts/talk';

test.each([
  ['a mistake', mistake, 'syntax', 'enough'],
  ['V05: a login in clear', refuseClear, 'tls_required', 'bye for tls_required'],
  ['V33: a name that is none', refuseName, 'too_many_failures', 'bye for too_many_failures'],
] as const)('%s is answered, and the third is the last', (_, wrong, reason, lastWords) => {
  const said: string[] = [];
  const conversation = { reply: (text: string) => void said.push(text) } as unknown as Conversation;
  const words = { lastWords: (why: string) => `bye for ${why}`, tooManyErrors: 'enough' };
  const talk = openTalk(conversation, words);
  const steps: TalkStep[] = [wrong(talk, 'no'), wrong(talk, 'no'), wrong(talk, 'no')];
  expect(steps).toEqual([undefined, undefined, { is: 'over', reason, lastWords }]);
  expect(said).toEqual(['no', 'no', 'no']);
});

test('each kind of wrong has its own count', () => {
  const conversation = { reply: () => undefined } as unknown as Conversation;
  const talk = openTalk(conversation, { lastWords: () => '', tooManyErrors: '' });
  for (const wrong of [mistake, refuseClear, refuseName, mistake, refuseClear, refuseName]) {
    expect(wrong(talk, 'no')).toBeUndefined();
  }
});

test.each<[string, boolean]>([
  ['GET / HTTP/1.1', true],
  ['post /x HTTP/2.0', true],
  ['\x16\x03\x01\x02', true],
  ['CONNECT mail.test:25 HTTP/1.1', true],
  ['GET / HTTP/1.1 ', false],
  ['a LOGIN x HTTP/1.1', false],
  ['a NOOP', false],
  ['', false],
])('V10: %j is a line of another protocol: %s', (line, expected) => {
  expect(isForeign(line)).toBe(expected);
});

test('what the front gives comes first and once, and reserved words never come from settings', () => {
  const own = ['USER', 'AUTH=PLAIN'];
  const baseline = ['TOP', 'USER', 'STLS', 'AUTH=XOAUTH2'];
  expect(joinOffers(own, baseline, new Set(['STLS']))).toEqual(['USER', 'AUTH=PLAIN', 'TOP', 'AUTH=XOAUTH2']);
  expect(withoutMechanisms(baseline)).toEqual(['TOP', 'USER', 'STLS']);
  expect(valuesOf(['AUTH=A', 'AUTHX=B', 'AUTH', 'AUTH=C=D'], 'AUTH')).toEqual(['A', 'C=D']);
});

test('a mechanism is refused only where the server is known', () => {
  const known = knownOffer({ capabilities: ['USER', 'AUTH=PLAIN'] });
  expect([known.isKnown, known.has('USER'), known.has('TOP'), known.mechanisms.has('PLAIN')]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  expect(noMechanism(known, 'no')).toEqual({ is: 'unsupported', reply: 'no' });
  expect(noMechanism(knownOffer({ capabilities: [] }), 'no')).toEqual({ is: 'unknown' });
});

test.each<[string, string]>([
  ['V37: control characters and bytes beyond ASCII', 'a\x1b[31m\x00b\xff'],
  ['V37: a text of any length', 'x'.repeat(5000)],
  ['V37: nothing', ' \r\n'],
])('%s become words that may be shown', (_, text) => {
  expect(printable(text)).toMatch(/^[\x20-\x7e]{1,200}$/);
});
