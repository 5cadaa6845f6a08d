import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAuthenticate, parseHead, parseNoop, parseResponse } from '#workers/fronts/sieve/grammar';
import type { Parsed } from '#workers/fronts/syntax';

test.each<[string, string, string]>([
  ['a command alone', 'CAPABILITY', 'CAPABILITY 10'],
  ['a name in any case', 'StartTls', 'STARTTLS 8'],
  ['a name with arguments', 'NOOP "x"', 'NOOP 4'],
  ['an empty line', '', 'column 1'],
  ['a string for a name', '"NOOP"', 'column 1'],
])('%s', (_, line, expected) => {
  const parsed = parseHead(line);
  expect('value' in parsed ? `${parsed.value.name} ${parsed.value.at}` : columnOf(parsed)).toBe(expected);
});

test.each<[string, string, string]>([
  ['a mechanism', '"PLAIN"', 'PLAIN'],
  ['a mechanism and a response', '"PLAIN" "AGEAYg=="', 'PLAIN|AGEAYg=='],
  ['an empty response', '"PLAIN" ""', 'PLAIN|'],
  ['literals', '{5+}\r\nPLAIN {8+}\r\nAGEAYg==', 'PLAIN|AGEAYg=='],
  ['escapes', '"A\\"B\\\\C"', 'A"B\\C'],
  ['no argument', '', 'column 13'],
  ['an atom', 'PLAIN', 'column 14'],
  ['two spaces', ' "PLAIN"', 'column 14'],
  ['no closing quote', '"PLAIN', 'column 20'],
  ['an escape that is none', '"PL\\AIN"', 'column 18'],
  ['a literal that was not taken in', '"PLAIN" {8}', 'column 22'],
  ['a third string', '"PLAIN" "a" "b"', 'column 25'],
])('AUTHENTICATE: %s', (_, rest, expected) => {
  const text = rest === '' ? 'AUTHENTICATE' : `AUTHENTICATE ${rest}`;
  const parsed = parseAuthenticate(text, 'AUTHENTICATE'.length);
  const words = 'value' in parsed ? [parsed.value.mechanism, parsed.value.initialResponse ?? []].flat() : [];
  expect('value' in parsed ? words.join('|') : columnOf(parsed)).toBe(expected);
});

test.each<[string, string, string]>([
  ['nothing', 'NOOP', 'none'],
  ['a string', 'NOOP "STARTTLS-SYNC-42"', 'STARTTLS-SYNC-42'],
  ['a literal of two lines', 'NOOP {4+}\r\na\r\nb', 'a\r\nb'],
  ['an atom', 'NOOP x', 'column 6'],
  ['two strings', 'NOOP "a" "b"', 'column 9'],
])('NOOP with %s', (_, text, expected) => {
  const parsed = parseNoop(text, 'NOOP'.length);
  expect('value' in parsed ? (parsed.value ?? 'none') : columnOf(parsed)).toBe(expected);
});

test.each<[string, string, string]>([
  ['a string', '"AGEAYg=="', 'AGEAYg=='],
  ['an empty one', '""', ''],
  ['a literal', '{8+}\r\nAGEAYg==', 'AGEAYg=='],
  ['bare base64', 'AGEAYg==', 'column 1'],
  ['a string and more', '"AGEAYg==" ', 'column 11'],
  ['nothing', '', 'column 1'],
])('a response that is %s', (_, text, expected) => {
  const parsed = parseResponse(text);
  expect('value' in parsed ? parsed.value : columnOf(parsed)).toBe(expected);
});

const bytes = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });

test('V28: any text is arguments or a fault whose column lies in it or one behind it', () => {
  fc.assert(
    fc.property(bytes, (rest) => {
      const text = `AUTHENTICATE ${rest}`;
      for (const parsed of [parseAuthenticate(text, 12), parseNoop(text, 12), parseResponse(rest)]) {
        if ('fault' in parsed) expect(parsed.fault.column).toBeLessThanOrEqual(text.length + 2);
      }
    }),
  );
});

test('V35: a string comes back whatever is in it, as a literal and, without line ends, in quotes', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      expect(parseResponse(`{${value.length}+}\r\n${value}`)).toEqual({ value });
      const plain = value.replace(/[\r\n]/g, '');
      expect(parseResponse(`"${plain.replace(/["\\]/g, '\\$&')}"`)).toEqual({ value: plain });
    }),
  );
});

function columnOf(parsed: Parsed<unknown>): string {
  return 'fault' in parsed ? `column ${parsed.fault.column}` : 'no fault';
}
