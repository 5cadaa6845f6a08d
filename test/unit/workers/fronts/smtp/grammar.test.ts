import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientNameOf, judgedText, parseAuth, verbOf, xtext } from '#workers/fronts/smtp/grammar';

test.each([
  ['EHLO x', 'EHLO'],
  ['noop', 'NOOP'],
  ['', ''],
  [' NOOP', ''],
  ['AUTH\tPLAIN', 'AUTH\tPLAIN'],
])('the verb of %j is %j', (line, verb) => {
  expect(verbOf(line)).toBe(verb);
});

test.each<[string, string | undefined]>([
  ['MAIL FROM:<a@b>', 'MAIL FROM:<a@b>'],
  ['', ''],
  ['NOOP\t', undefined],
  ['NOOP \x7f', undefined],
  // What a library takes for STARTTLS in capitals.
  ['\xc5\xbfTARTTLS', undefined],
  ['AUTH PLAIN AGFubgB4', 'AUTH'],
  ['auth', 'AUTH'],
  ['EHLO example.org ', 'EHLO example.org'],
  ['EHLO m\xfcller', 'EHLO unknown'],
  ['helo my computer', 'HELO unknown'],
  ['EHLO  ', 'EHLO'],
  ['EHLO\tx', undefined],
])('of %j the dialogue judges %j', (line, expected) => {
  expect(judgedText(line)).toBe(expected);
});

test.each<[string, ReturnType<typeof parseAuth>]>([
  ['AUTH PLAIN', { mechanism: 'PLAIN', initialResponse: undefined }],
  ['auth plain AGEAYg==', { mechanism: 'plain', initialResponse: 'AGEAYg==' }],
  ['AUTH  LOGIN  YQ==  ', { mechanism: 'LOGIN', initialResponse: 'YQ==' }],
  ['AUTH LOGIN ', { mechanism: 'LOGIN', initialResponse: undefined }],
  ['AUTH PLAIN =', { mechanism: 'PLAIN', initialResponse: '=' }],
  ['AUTH SCRAM-SHA-256 x', { mechanism: 'SCRAM-SHA-256', initialResponse: 'x' }],
  ['AUTH', undefined],
  ['AUTH ', undefined],
  ['AUTH PLAIN a b', undefined],
  ['AUTH PL@IN a', undefined],
  ['AUTH ABCDEFGHIJKLMNOPQRSTU', undefined],
])('RFC 4954 section 8: %j', (line, expected) => {
  expect(parseAuth(line)).toEqual(expected);
});

test.each([
  'example.org',
  'laptop',
  'a-b.c1',
  `${'a'.repeat(63)}.org`,
  '[192.0.2.7]',
  '[IPv6:2001:db8::7]',
  '[ipv6:::1]',
  '[IPv6:::]',
  '[IPv6:1:2:3:4:5:6:7:8]',
  '[IPv6:::ffff:192.0.2.7]',
  '[IPv6:1:2:3:4:5:6:192.0.2.7]',
])('a server is told the name %s', (name) => {
  expect(clientNameOf(`EHLO ${name}`)).toBe(name);
});

test.each([
  '',
  'my_pc',
  'two words',
  '-a.org',
  'a-.org',
  'a..org',
  '.',
  `${'a'.repeat(64)}.org`,
  `${'a.'.repeat(127)}b`,
  'x;y',
  'a>b',
  '192.0.2.7]',
  '[192.0.2.256]',
  '[192.0.2]',
  '[IPv6:1:2:3:4:5:6:7]',
  '[IPv6:1::2::3]',
  '[IPv6:1:2:3:4:5:6:7::]',
  '[IPv6:12345::]',
  '[IPv6:192.0.2.7::1]',
  '[tag:content]',
])('no server is told the name %j', (name) => {
  expect(clientNameOf(`EHLO ${name}`)).toBeUndefined();
});

test('spaces around the name are not of it', () => {
  expect(clientNameOf('helo  example.org ')).toBe('example.org');
});

test('V23: xtext leaves nothing that ends an attribute or a line, and loses nothing', () => {
  expect(xtext('a+b=c d\r\n\0é')).toBe('a+2Bb+3Dc+20d+0D+0A+00+E9');
  const latin1 = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(latin1, (text) => {
      const encoded = xtext(text);
      expect(encoded).toMatch(/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/);
      const decoded = encoded.replace(/\+(..)/g, (_, code: string) =>
        String.fromCharCode(parseInt(code, 16)),
      );
      expect(decoded).toBe(text);
    }),
  );
});
