import { expect, test } from 'vitest';
import { endReasons } from '#model/end-reason';
import { engineWords } from '#workers/fronts/words';

/** The form of all last words of a protocol, and what makes one a temporary failure. */
const protocols = [
  ['imap', /^$|^(\* BAD [\x20-\x7e]+\r\n)?\* BYE [\x20-\x7e]+\r\n$/, '* BYE [UNAVAILABLE]'],
  ['pop3', /^$|^(-ERR|\+OK) [\x20-\x7e]+\r\n$/, '-ERR [SYS/TEMP]'],
  ['sieve', /^$|^(BYE|OK) (\([A-Z-]+\) )?"[\x20-\x21\x23-\x5b\x5d-\x7e]+"\r\n$/, 'BYE (TRYLATER)'],
] as const;

test.each(protocols)(
  '%s has words, or a reason for silence, for every end reason and for all others',
  (name) => {
    const codes = engineWords(name).map(({ reason }) => reason);
    const known = Object.values(endReasons).map(({ code }) => code);
    expect(codes.toSorted((one, other) => one - other)).toEqual(
      [0, ...known].toSorted((one, other) => one - other),
    );
  },
);

test.each(protocols)('every text of %s is whole lines in its own form', (name, form) => {
  for (const { text } of engineWords(name)) expect(text).toMatch(form);
});

test.each(protocols)('V01: whoever injects bytes behind STARTTLS of %s gets no answer', (name) => {
  const { code } = endReasons.starttls_injection;
  expect(engineWords(name).find(({ reason }) => reason === code)?.text).toBe('');
});

test.each(['server_down', 'held_too_long', 'database_conflict', 'internal_error', 'worker_died'] as const)(
  '%s is a temporary failure to the client',
  (reason) => {
    for (const [name, , temporary] of protocols) {
      const text = engineWords(name).find((row) => row.reason === endReasons[reason].code)?.text;
      expect(text).toContain(temporary);
    }
  },
);

test('a protocol without a front has no words', () => {
  expect(engineWords('lmtp')).toEqual([]);
});
