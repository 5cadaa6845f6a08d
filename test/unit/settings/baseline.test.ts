import { expect, test } from 'vitest';
import { type LoginProtocol, loginProtocols } from '#model/protocol';
import { isReserved } from '#model/reserved-words';
import { presets } from '#gateway/settings/presets';
import { problemsOf, settingsOf } from './site.ts';

const all = { POSTERN_PROTOCOLS: 'imaps,pop3s,managesieve,submission' };

test.each([
  ['IMAP', 'UNAUTHENTICATE'],
  ['POP3', 'UTF8'],
  ['POP3', 'UTF8=USER'],
  ['POP3', 'LANG'],
  ['POP3', 'STLS'],
  ['POP3', 'SASL'],
  ['POP3', 'SASL=PLAIN'],
  ['MANAGESIEVE', 'UNAUTHENTICATE'],
  ['MANAGESIEVE', 'OWNER'],
  ['MANAGESIEVE', 'VERSION=1.0'],
  ['MANAGESIEVE', 'SIEVE'],
  ['SUBMISSION', 'AUTH'],
  ['SUBMISSION', 'STARTTLS'],
  ['SUBMISSION', 'XFORWARD'],
])('the baseline of %s may not have %s, which clients would never be told', (protocol, word) => {
  const setting = `POSTERN_${protocol}_BASELINE`;
  expect(problemsOf({ ...all, [setting]: word })).toEqual([
    `${setting} has ${word}, which is not for a setting to offer; leave it out`,
  ]);
});

test('V23: a baseline has no XCLIENT, with attributes or without', () => {
  for (const word of ['XCLIENT', 'XCLIENT=ADDR']) {
    expect(problemsOf({ ...all, POSTERN_SUBMISSION_BASELINE: word })).toHaveLength(1);
  }
});

test('a word that one protocol reserves is free in another', () => {
  const { frontends } = settingsOf({
    ...all,
    POSTERN_IMAP_BASELINE: 'LANG',
    POSTERN_MANAGESIEVE_BASELINE: 'SIEVE=FILEINTO,AUTH=XOAUTH2',
    POSTERN_SUBMISSION_BASELINE: 'SIZE=1000,AUTH=LOGIN',
  });
  expect(frontends.map(({ baseline }) => baseline)).toEqual([
    ['LANG'],
    [],
    ['SIEVE=FILEINTO', 'AUTH=XOAUTH2'],
    ['SIZE=1000', 'AUTH=LOGIN'],
  ]);
});

test('no preset has a word that its front reserves', () => {
  const words = Object.values(presets).flatMap(({ baselines }) =>
    loginProtocols.flatMap((protocol): [LoginProtocol, string][] =>
      (baselines[protocol] ?? []).map((word) => [protocol, word]),
    ),
  );
  expect(words.length).toBeGreaterThan(20);
  expect(words.filter(([protocol, word]) => isReserved(protocol, word))).toEqual([]);
});
