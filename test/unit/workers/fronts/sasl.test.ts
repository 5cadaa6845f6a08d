import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Mechanism,
  type Proof,
  decodeBase64,
  encodeBase64,
  loginOf,
  mailboxKeyOf,
  mechanismOf,
  nameBytesMax,
  promptsOf,
  proofOf,
} from '#workers/fronts/sasl';

test.each<[string, string, string | undefined]>([
  ['nothing', '', ''],
  ['one byte', 'YQ==', 'a'],
  ['NUL and a high byte', 'AP8=', '\0\xff'],
  ['no padding', 'YQ', undefined],
  ['half the padding', 'YQ=', undefined],
  ['padding alone', '=', undefined],
  ['too much padding', 'YWE==', undefined],
  ['padding in the middle', 'YQ==YQ==', undefined],
  ['stray bits', 'YR==', undefined],
  ['the second alphabet', '-_-_', undefined],
  ['a space', 'YQ ==', undefined],
  ['a tab (CVE-2026-33603)', 'YQ\t==', undefined],
  ['a line end', 'YQ==\n', undefined],
  ['rubbish', '!!!!', undefined],
  ['a byte beyond ASCII', 'YQ=\xbd', undefined],
])('V31: base64 by the letter: %s', (_, text, expected) => {
  expect(decodeBase64(text)).toBe(expected);
});

test('V31: what decodes is the encoding of what it gives', () => {
  const alphabet = fc.constantFrom(...'ABab019+/=-_ \t');
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (text) => {
      const decoded = decodeBase64(text);
      if (decoded !== undefined) expect(encodeBase64(decoded)).toBe(text);
    }),
    { numRuns: 5000 },
  );
});

test.each<[string, Mechanism, string[], string | undefined]>([
  ['no authorization name', 'PLAIN', ['\0ann\0pw'], 'password ann pw'],
  ['the same authorization name', 'PLAIN', ['ann\0ann\0pw'], 'password ann pw'],
  ['another authorization name', 'PLAIN', ['ann\0owner\0pw'], 'plain ann owner pw'],
  ['an empty password', 'PLAIN', ['\0ann\0'], 'password ann '],
  ['no password', 'PLAIN', ['\0ann'], undefined],
  ['a third NUL', 'PLAIN', ['\0ann\0p\0w'], undefined],
  ['no name', 'PLAIN', ['ann\0\0pw'], undefined],
  ['nothing', 'PLAIN', [''], undefined],
  ['two responses', 'LOGIN', ['ann', 'pw'], 'password ann pw'],
  ['a token', 'XOAUTH2', ['user=ann\x01auth=Bearer t\x01\x01'], 'token ann'],
  ['bearer in lower case', 'XOAUTH2', ['user=ann\x01auth=bearer t\x01\x01'], 'token ann'],
  ['no end', 'XOAUTH2', ['user=ann\x01auth=Bearer t\x01'], undefined],
  ['no token', 'XOAUTH2', ['user=ann\x01\x01'], undefined],
  ['no user', 'XOAUTH2', ['auth=Bearer t\x01\x01'], undefined],
  ['a token', 'OAUTHBEARER', ['n,a=ann,\x01auth=Bearer t\x01\x01'], 'token ann'],
  [
    'a host and a port',
    'OAUTHBEARER',
    ['y,a=ann,\x01host=h\x01port=1\x01auth=Bearer t\x01\x01'],
    'token ann',
  ],
  ['an escaped name', 'OAUTHBEARER', ['n,a=a=2Cn=3Dn,\x01auth=Bearer t\x01\x01'], 'token a,n=n'],
  ['a bad escape', 'OAUTHBEARER', ['n,a=a=2cn,\x01auth=Bearer t\x01\x01'], undefined],
  ['no name to route by', 'OAUTHBEARER', ['n,,\x01auth=Bearer t\x01\x01'], undefined],
  ['channel binding', 'OAUTHBEARER', ['p=tls-unique,a=ann,\x01auth=Bearer t\x01\x01'], undefined],
  ['no pairs', 'OAUTHBEARER', ['n,a=ann,'], undefined],
])('%s, %s %j', (_, mechanism, responses, expected) => {
  expect(told(proofOf(mechanism, responses))).toBe(expected);
});

test('a token proof keeps the response byte for byte', () => {
  const response = 'user=ann\x01auth=Bearer a.b-c\x01\x01';
  expect(proofOf('XOAUTH2', [response])).toMatchObject({ mechanism: 'XOAUTH2', response });
});

test('mechanisms are known in any case, and no others', () => {
  expect(['plain', 'Login', 'XOAUTH2', 'oauthbearer'].map(mechanismOf)).toEqual([
    'PLAIN',
    'LOGIN',
    'XOAUTH2',
    'OAUTHBEARER',
  ]);
  expect(['CRAM-MD5', '', 'constructor', '__proto__'].map(mechanismOf)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(promptsOf('LOGIN').map(decodeBase64)).toEqual(['Username:', 'Password:']);
});

test.each<[string, string, string | undefined]>([
  ['a plain name', 'Ann@Demo.Test', 'Ann@Demo.Test'],
  ['UTF-8', 'ann\xc3\xa9@demo.test', 'anné@demo.test'],
  ['at the limit', 'a'.repeat(nameBytesMax), 'a'.repeat(nameBytesMax)],
  ['beyond the limit', 'a'.repeat(nameBytesMax + 1), undefined],
  ['empty', '', undefined],
  ['a NUL', 'ann\0', undefined],
  ['a tab', 'a\tb', undefined],
  ['a line end', 'ann\r\nx', undefined],
  ['DEL', 'ann\x7f', undefined],
  ['a C1 control', 'ann\xc2\x85', undefined],
  ['no UTF-8', 'ann\xff', undefined],
  ['an overlong form', 'ann\xc0\xaf', undefined],
  ['right-to-left override (V54)', 'ann\xe2\x80\xae', undefined],
])('V33: a login name: %s', (_, user, expected) => {
  expect(loginOf('a1', { by: 'password', user, password: 'x' })?.user).toBe(expected);
});

test('V33: the one who acts for another needs a proper name too', () => {
  expect(loginOf('a1', { by: 'plain', authzid: 'ann', authcid: 'ow\nner', password: 'x' })).toBeUndefined();
  expect(loginOf('a1', { by: 'plain', authzid: 'ann', authcid: 'owner', password: 'x' })?.user).toBe('ann');
});

test('a password with a NUL goes to no server', () => {
  expect(loginOf('a1', { by: 'password', user: 'ann', password: 'a\0b' })).toBeUndefined();
});

test.each([
  ['Ann@Demo.Test', 'Ann@Demo.Test'],
  ['ann*owner', 'ann'],
  ['ann*', 'ann*'],
  ['*owner', '*owner'],
  ['a*b*c', 'a*b*c'],
  ['CORP/ann', 'CORP/ann'],
  ['CORP\\ann', 'CORP\\ann'],
  ['CORP/ann/Shared', 'Shared'],
  ['CORP\\ann\\Shared', 'Shared'],
  ['a//b', 'a//b'],
  ['a/b/c/d', 'a/b/c/d'],
])('the mailbox that %s opens is %s', (name, key) => {
  expect(mailboxKeyOf(name)).toBe(key);
});

function told(proof: Proof | undefined): string | undefined {
  if (proof === undefined) return undefined;
  if (proof.by === 'token') return `token ${proof.user}`;
  return proof.by === 'plain'
    ? `plain ${proof.authzid} ${proof.authcid} ${proof.password}`
    : `password ${proof.user} ${proof.password}`;
}
