import { expect, test } from 'vitest';
import { checkReport } from '#gateway/settings/check-report';
import { parseValue } from '#gateway/settings/value';
import { type Env } from '#gateway/settings/surroundings';
import { machine, problemsOf, settingsOf, site } from './site.ts';

const pin = '0123456789abcdef'.repeat(4);
const other = 'f'.repeat(64);
const inPairs = pin.match(/../g)?.join(':').toUpperCase() ?? '';

test.each([pin, pin.toUpperCase(), inPairs, `sha256:${pin}`, `SHA256:${inPairs}`, `sha-256:${pin}`])(
  'a pin may be written %s',
  (text) => expect(parseValue({ is: 'pins' }, text)).toEqual({ value: [pin] }),
);

test.each([pin.slice(1), `${pin}0`, pin.replace('0', 'g'), `md5:${pin}`, 'AAAA+base64/AAAA='])(
  'a pin that is %s is refused, and what prints one is named',
  (text) => {
    expect(parseValue({ is: 'pins' }, text)).toMatchObject({
      mend: expect.stringContaining('openssl x509 -noout -fingerprint -sha256'),
    });
  },
);

test('the same pin in two writings is there twice', () => {
  expect(parseValue({ is: 'pins' }, `${pin},${inPairs}`)).toMatchObject({ problem: `has ${pin} twice` });
});

test('each server is believed by its own settings or by those of all', () => {
  const { servers } = settingsOf({
    POSTERN_SERVER_TLS_VERIFY: 'pin',
    POSTERN_SERVER_TLS_PINS: `${pin},${other}`,
    POSTERN_SERVER_EX1_TLS_VERIFY: 'any',
    POSTERN_SERVER_EX_2_TLS_PROFILE: 'legacy',
  });
  expect(servers.map(({ trust }) => trust)).toEqual([
    { profile: 'modern', verify: 'any', caPem: '', pins: [] },
    { profile: 'legacy', verify: 'pin', caPem: '', pins: [pin, other] },
  ]);
});

test.each(['exchange-2010', 'exchange', 'generic'])(
  'preset %s leaves trust and profile as strict',
  (preset) => {
    const { servers, frontends } = settingsOf({ POSTERN_PRESET: preset });
    expect(servers[0]?.trust).toMatchObject({ profile: 'modern', verify: 'ca' });
    expect(frontends[0]?.tlsProfile).toBe('modern');
  },
);

test("an Exchange 2010 site's profiles are parsed", () => {
  const { servers, frontends } = settingsOf({
    POSTERN_PRESET: 'exchange-2010',
    POSTERN_SERVER_TLS_PROFILE: 'legacy',
    POSTERN_SERVER_TLS_CA_PATH: '/etc/ca.pem',
    POSTERN_TLS_PROFILE: 'compatible',
    POSTERN_PROTOCOLS: 'imaps,pop3s,submission',
  });
  expect(servers[0]?.trust).toMatchObject({ profile: 'legacy', verify: 'ca' });
  expect(frontends.map(({ tlsProfile }) => tlsProfile)).toEqual(['compatible', 'compatible', 'compatible']);
});

test('a frontend may have a profile of its own', () => {
  const { frontends } = settingsOf({
    POSTERN_PROTOCOLS: 'imaps,pop3s,submission',
    POSTERN_TLS_PROFILE: 'compatible,submission:legacy,pop3s:modern',
  });
  expect(frontends.map(({ tlsProfile }) => tlsProfile)).toEqual(['compatible', 'modern', 'legacy']);
  const alone = settingsOf({ POSTERN_TLS_PROFILE: 'imaps:legacy', POSTERN_PROTOCOLS: 'imaps,imap' });
  expect(alone.frontends.map(({ tlsProfile }) => tlsProfile)).toEqual(['legacy', 'modern']);
});

test.each<[Env, string]>([
  [{ POSTERN_TLS_PROFILE: 'modern,legacy' }, 'names two profiles for all frontends: modern and legacy'],
  [{ POSTERN_TLS_PROFILE: 'imaps:modern,imaps:legacy' }, 'names two profiles for imaps'],
  [
    { POSTERN_PROTOCOLS: 'imaps,pop3s', POSTERN_TLS_PROFILE: 'modern,pop3:legacy' },
    'POSTERN_TLS_PROFILE has pop3, which POSTERN_PROTOCOLS does not offer; leave it out, or offer it',
  ],
  [{ POSTERN_TLS_PROFILE: 'lagacy' }, 'did you mean legacy?'],
  [{ POSTERN_TLS_PROFILE: 'smtp:legacy' }, 'has "smtp:legacy"'],
  [{ POSTERN_SERVER_TLS_VERIFY: 'none' }, 'write one of ca, pin, any'],
  [{ POSTERN_SERVER_TLS_VERIFY: 'pin' }, 'POSTERN_SERVER_TLS_VERIFY is pin, and there are no pins'],
  [{ POSTERN_SERVER_EX1_TLS_VERIFY: 'pin' }, 'POSTERN_SERVER_EX1_TLS_VERIFY is pin, and there are no pins'],
  [{ POSTERN_SERVER_TLS_PINS: pin }, 'is set, and POSTERN_SERVER_TLS_VERIFY is ca'],
  [
    { POSTERN_SERVER_TLS_VERIFY: 'any', POSTERN_SERVER_EX1_TLS_PINS: pin },
    'POSTERN_SERVER_EX1_TLS_PINS is set, and POSTERN_SERVER_TLS_VERIFY is any',
  ],
])('%j is a problem', (changes, words) => {
  const problems = problemsOf(changes);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
});

test.each<[Env, string]>([
  [{ POSTERN_SERVER_TLS_PROFILE: 'legacy' }, 'POSTERN_SERVER_TLS_PROFILE asks for the profile legacy'],
  [{ POSTERN_SERVER_EX1_TLS_PROFILE: 'compatible' }, 'POSTERN_SERVER_EX1_TLS_PROFILE asks for the profile'],
  [{ POSTERN_TLS_PROFILE: 'modern,imaps:legacy' }, 'POSTERN_TLS_PROFILE asks for the profile legacy'],
])('a build without OpenSSL says of %j how to build with it', (changes, words) => {
  const problems = problemsOf(changes, { ...machine, hasOpenssl: false });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
  expect(problems[0]).toContain('POSTERN_BUILD_OPENSSL=true');
  expect(problemsOf(changes)).toEqual([]);
});

test('a profile that nothing would use needs no OpenSSL', () => {
  const bare = { ...machine, hasOpenssl: false };
  const off = { POSTERN_SERVER_TLS: 'off', POSTERN_SERVER_TLS_PROFILE: 'legacy' };
  expect(problemsOf(off, bare)).toEqual([]);
});

test.each<[Env, string, RegExp]>([
  [{ POSTERN_SERVER_TLS: 'off' }, 'POSTERN_SERVER_TLS', /passwords go to ex1, ex-2 in clear/],
  [{ POSTERN_SERVER_TLS_VERIFY: 'any' }, 'POSTERN_SERVER_TLS_VERIFY', /ex1, ex-2: .*reads every password/],
  [{ POSTERN_SERVER_EX1_TLS_VERIFY: 'any' }, 'POSTERN_SERVER_EX1_TLS_VERIFY', /taken for ex1:/],
  [
    { POSTERN_SERVER_TLS_PROFILE: 'compatible' },
    'POSTERN_SERVER_TLS_PROFILE',
    /reads all of it \(to ex1, ex-2\)/,
  ],
  [
    { POSTERN_SERVER_EX1_TLS_PROFILE: 'legacy' },
    'POSTERN_SERVER_EX1_TLS_PROFILE',
    /forge some of it \(to ex1\)/,
  ],
  [
    { POSTERN_PROTOCOLS: 'imaps,pop3s', POSTERN_TLS_PROFILE: 'compatible,pop3s:legacy' },
    'POSTERN_TLS_PROFILE',
    /\(at imaps\); .*\(at pop3s\)/,
  ],
])('check warns of %j', (changes, name, words) => {
  const { rows } = checkReport({ ...site, ...changes }, machine);
  const warned = rows
    .filter(({ name: each }) => each.includes('TLS'))
    .filter(({ verdict }) => verdict !== 'ok');
  expect(warned.map(({ name: each, verdict }) => [each, verdict])).toEqual([[name, 'warning']]);
  expect(warned[0]?.hint).toMatch(words);
});

test('check has nothing to say of TLS that is as strict as it can be', () => {
  const { rows } = checkReport(
    { ...site, POSTERN_SERVER_TLS_VERIFY: 'pin', POSTERN_SERVER_TLS_PINS: pin },
    machine,
  );
  expect(rows.filter(({ name, verdict }) => name.includes('TLS') && verdict !== 'ok')).toEqual([]);
});
