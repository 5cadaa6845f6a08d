import { expect, test } from 'vitest';
import { endReasons } from '#model/end-reason';
import { engineWords } from '#workers/fronts/words';

test('IMAP has words, or a reason for silence, for every end reason, and some for all others', () => {
  const codes = engineWords('imap').map(({ reason }) => reason);
  const known = Object.values(endReasons).map(({ code }) => code);
  expect(codes.toSorted((one, other) => one - other)).toEqual(
    [0, ...known].toSorted((one, other) => one - other),
  );
});

test('every IMAP text is whole lines and ends in a BYE', () => {
  for (const { text } of engineWords('imap'))
    expect(text).toMatch(/^$|^(\* BAD [\x20-\x7e]+\r\n)?\* BYE [\x20-\x7e]+\r\n$/);
});

test('V01: whoever injects bytes behind STARTTLS gets no answer', () => {
  const { code } = endReasons.starttls_injection;
  expect(engineWords('imap').find(({ reason }) => reason === code)?.text).toBe('');
});

test.each(['server_down', 'held_too_long', 'database_conflict', 'internal_error', 'worker_died'] as const)(
  '%s is a temporary failure to the client',
  (reason) => {
    const text = engineWords('imap').find((row) => row.reason === endReasons[reason].code)?.text;
    expect(text).toContain('* BYE [UNAVAILABLE]');
  },
);

test('a protocol without a front has no words', () => {
  expect(engineWords('pop3')).toEqual([]);
});
