import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAuthenticate, parseHead, parseId, parseLogin, tagBytesMax } from '#workers/fronts/imap/grammar';
import { parseEnd } from '#workers/fronts/syntax';

test.each<[string, string, string]>([
  ['a plain command', 'a1 LOGIN ann x', 'a1|LOGIN'],
  ['a name in any case', 'A.1 noop', 'A.1|NOOP'],
  ['a tag of strange but allowed characters', '[]~!#&x NOOP', '[]~!#&x|NOOP'],
  ['a tag at its limit', `${'t'.repeat(tagBytesMax)} NOOP`, `${'t'.repeat(tagBytesMax)}|NOOP`],
  ['a tag beyond its limit', `${'t'.repeat(tagBytesMax + 1)} NOOP`, 'column 1'],
  ['an empty line', '', 'column 1'],
  ['a star for a tag', '* NOOP', 'column 1'],
  ['a plus in a tag', 'a+ NOOP', 'column 2'],
  ['a tag alone', 'a1', 'column 3'],
  ['a tag and a space', 'a1 ', 'column 4, tag a1'],
  ['two spaces', 'a1  NOOP', 'column 4, tag a1'],
  ['a tag beyond ASCII', '\xe9 NOOP', 'column 1'],
  ['a space in front', ' a1 NOOP', 'column 1'],
])('the head of a command: %s', (_, line, expected) => {
  const parsed = parseHead(line);
  const told = 'fault' in parsed ? faultText(parsed.fault) : `${parsed.value.tag}|${parsed.value.name}`;
  expect(told).toBe(expected);
});

test.each<[string, string, string]>([
  ['atoms', ' ann secret', 'ann|secret'],
  ['a closing bracket in an atom', ' a]n b]', 'a]n|b]'],
  ['star, percent and backslash in atoms', ' CORP\\ann*x 100%', 'CORP\\ann*x|100%'],
  ['bytes beyond ASCII in atoms', ' ann\xc3\xa9 p\xe9', 'ann\xc3\xa9|p\xe9'],
  ['quoted strings', ' "ann lee" ""', 'ann lee|'],
  ['both escapes', ' "\\"\\\\" "a\\"b"', '"\\|a"b'],
  ['literals', ' {3}\r\nann {2+}\r\n\r\n', 'ann|\r\n'],
  ['an empty literal', ' {0}\r\n x', '|x'],
  ['a literal that looks like more', ' {9}\r\n" {3}\r\n a {1}\r\n{', '" {3}\r\n a|{'],
  ['a missing password', ' ann', 'column 5'],
  ['a missing password behind a space', ' ann ', 'column 6'],
  ['a third argument', ' ann x y', 'column 7'],
  ['two spaces', ' ann  x', 'column 6'],
  ['no argument', '', 'column 1'],
  ['an unknown escape', ' "a\\n" x', 'column 5'],
  ['an escape at the end', ' "a\\', 'column 5'],
  ['no closing quote', ' "ann x', 'column 8'],
  ['a line end in quotes', ' "a\r\nb" x', 'column 4'],
  ['something behind a quote', ' "ann"x y', 'column 7'],
  ['a list', ' (ann) x', 'column 2'],
  ['a literal that was not taken in', ' {3}', 'column 2'],
  ['a literal cut short', ' {4}\r\nann', 'column 2'],
  ['a literal without a number', ' {}\r\nann x', 'column 2'],
  ['a literal with a sign', ' {-1}\r\nann x', 'column 2'],
  ['a literal with too many digits', ' {00000000003}\r\nann x', 'column 2'],
  ['a literal8', ' ~{3}\r\nann x', 'column 3'],
])('LOGIN: %s', (_, text, expected) => {
  const parsed = parseLogin(text, 0);
  expect('fault' in parsed ? faultText(parsed.fault) : `${parsed.value.user}|${parsed.value.password}`).toBe(
    expected,
  );
});

test.each<[string, string, string]>([
  ['a mechanism', ' PLAIN', 'PLAIN|undefined'],
  ['with an initial response', ' plain AGE=', 'plain|AGE='],
  ['with an empty one', ' PLAIN =', 'PLAIN|='],
  ['nothing', '', 'column 1'],
  ['a space', ' PLAIN ', 'column 7'],
  ['two responses', ' PLAIN a b', 'column 7'],
])('AUTHENTICATE: %s', (_, text, expected) => {
  const parsed = parseAuthenticate(text, 0);
  const told =
    'fault' in parsed ? faultText(parsed.fault) : `${parsed.value.mechanism}|${parsed.value.initialResponse}`;
  expect(told).toBe(expected);
});

test.each<[string, string, boolean]>([
  ['NIL', ' NIL', true],
  ['nil and more', ' nilly', false],
  ['an empty list', ' ()', true],
  ['a value NIL', ' ("a" NIL)', true],
  ['literals', ' ({1}\r\na {1+}\r\nb)', true],
  ['30 pairs (V30)', ` (${pairs(30)})`, true],
  ['31 pairs (V30)', ` (${pairs(31)})`, false],
  ['a key of 30 bytes', ` ("${'k'.repeat(30)}" "v")`, true],
  ['a key of 31 bytes', ` ("${'k'.repeat(31)}" "v")`, false],
  ['a value of 1024 bytes', ` ("k" "${'v'.repeat(1024)}")`, true],
  ['a value of 1025 bytes', ` ("k" "${'v'.repeat(1025)}")`, false],
  ['nested lists (V29)', ' (("a" "b"))', false],
  ['a key alone', ' ("a")', false],
  ['an atom', ' (a "b")', false],
  ['no closing', ' ("a" "b"', false],
  ['something behind', ' ("a" "b") x', false],
  ['a missing space between pairs', ' ("a" "b""c" "d")', false],
  ['no argument', '', false],
])('ID: %s', (_, text, isGood) => {
  expect('value' in parseId(text, 0)).toBe(isGood);
});

test('LOGIN arguments come back from each of the three forms', () => {
  const line = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(line, line, fc.nat(8), (user, password, forms) => {
      const text = ` ${form(user, forms % 3)} ${form(password, Math.floor(forms / 3))}`;
      expect(parseLogin(text, 0)).toEqual({ value: { user, password } });
    }),
    { numRuns: 2000 },
  );
});

test('random text is parsed or refused with a column within it, never thrown at', () => {
  const bits = fc.constantFrom(
    '"',
    '\\',
    '{3}\r\n',
    '{1+}\r\n',
    ' ',
    '(',
    ')',
    'NIL',
    'a',
    '\r\n',
    '}',
    '{',
    '\xff',
    '9',
  );
  const parsers = [parseLogin, parseAuthenticate, parseId, parseEnd, (text: string) => parseHead(text)];
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 12 }), fc.constantFrom(...parsers), (parts, parse) => {
      const text = parts.join('');
      const parsed = parse(text, 0);
      if (!('fault' in parsed)) return;
      expect(parsed.fault.column).toBeGreaterThanOrEqual(1);
      expect(parsed.fault.column).toBeLessThanOrEqual(text.length + 1);
    }),
    { numRuns: 5000 },
  );
});

/**
 * As an atom where that can be, else quoted where that can be, else a literal; `kind` 2 is always a
 * literal.
 */
function form(value: string, kind: number): string {
  if (kind === 0 && /^[^\x01-\x20\x7f(){"]+$/.test(value)) return value;
  if (kind < 2 && !/[\r\n]/.test(value)) return `"${value.replace(/["\\]/g, '\\$&')}"`;
  return `{${value.length}}\r\n${value}`;
}

function pairs(count: number): string {
  return Array.from({ length: count }, (_, index) => `"k${index}" "v"`).join(' ');
}

function faultText({ column, tag }: { column: number; tag?: string }): string {
  return tag === undefined ? `column ${column}` : `column ${column}, tag ${tag}`;
}
