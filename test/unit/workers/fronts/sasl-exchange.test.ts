import { expect, test } from 'vitest';
import type { Mechanism } from '#workers/fronts/sasl';
import { type Exchanged, exchange } from '#workers/fronts/sasl-exchange';

/** What the client answers to each challenge, in base64 or not. */
test.each<[string, Mechanism, string | undefined, string[], string]>([
  ['PLAIN at once', 'PLAIN', 'AGEAYg==', [], '\0a\0b'],
  ['PLAIN after its challenge', 'PLAIN', undefined, ['AGEAYg=='], '\0a\0b'],
  ['an empty response at once', 'PLAIN', '=', [], ''],
  ['an empty string at once, as ManageSieve writes it', 'PLAIN', '', [], ''],
  ['LOGIN in two steps', 'LOGIN', undefined, ['YQ==', 'Yg=='], 'a|b'],
  ['LOGIN with the name at once', 'LOGIN', 'YQ==', ['Yg=='], 'a|b'],
  ['an empty password', 'LOGIN', 'YQ==', [''], 'a|'],
  ['a cancelled exchange', 'LOGIN', 'YQ==', ['*'], 'cancelled'],
  ['V31: a later "=", which is no base64', 'LOGIN', 'YQ==', ['='], 'notBase64'],
  ['V31: padding that is missing', 'PLAIN', 'AGEAYg', [], 'notBase64'],
  ['V31: a tab', 'PLAIN', 'AGEA\tYg==', [], 'notBase64'],
  ['V31: stray bits', 'PLAIN', 'AGEAYh==', [], 'notBase64'],
])('%s', async (_, mechanism, initial, answers, expected) => {
  const asked: string[] = [];
  const exchanged = await exchange(mechanism, initial, async (challenge) => {
    asked.push(challenge);
    return answers[asked.length - 1] ?? expect.unreachable('a challenge too many');
  });
  expect(wordsOf(exchanged)).toBe(expected);
  expect(asked.length).toBe(answers.length);
});

test('the challenges of LOGIN are the words that programs compare', async () => {
  const asked: string[] = [];
  await exchange('LOGIN', undefined, async (challenge) => {
    asked.push(Buffer.from(challenge, 'base64').toString());
    return '';
  });
  expect(asked).toEqual(['Username:', 'Password:']);
});

test('a client that leaves ends the exchange with its reason', async () => {
  const gone = { is: 'ended', reason: 'client_quit' } as const;
  expect(await exchange('PLAIN', undefined, async () => gone)).toEqual(gone);
});

function wordsOf(exchanged: Exchanged): string {
  return exchanged.is === 'responses' ? exchanged.responses.join('|') : exchanged.is;
}
