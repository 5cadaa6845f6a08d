import { expect, test } from 'vitest';
import { formatNumber, formatSpread, formatTable } from '../../../bench/table.ts';

test.each<[number, number, string]>([
  [0, 0, '0'],
  [999.4, 0, '999'],
  [1000, 0, '1,000'],
  [1234567.891, 1, '1,234,567.9'],
  [0.12345, 3, '0.123'],
  [-1234, 0, '-1,234'],
])('%d to %d digits is %s', (value, digits, expected) => {
  expect(formatNumber(value, digits)).toBe(expected);
});

test.each<[string, Parameters<typeof formatSpread>, string]>([
  ['what was not measured is a dash', [undefined, 0], '-'],
  ['one value has no brackets', [{ median: 5, min: 5, max: 5 }, 1], '5.0'],
  ['a spread has both ends', [{ median: 250.6, min: 240, max: 1262 }, 0], '251 [240..1,262]'],
  ['an addition shows its sign', [{ median: 0.5, min: -0.25, max: 1 }, 2, '+'], '+0.50 [-0.25..+1.00]'],
])('%s', (_, words, expected) => {
  expect(formatSpread(...words)).toBe(expected);
});

test('columns stand under their headings', () => {
  const table = formatTable([
    ['what', 'direct', 'postern'],
    ['login', '145', '1,250'],
    ['a long name', '-', '9'],
  ]);
  expect(table.split('\n')).toEqual([
    'what         direct  postern',
    '-----------  ------  -------',
    'login           145    1,250',
    'a long name       -        9',
  ]);
});

test('a column of words is flush left wherever it stands', () => {
  const rows = [
    ['what', 'postern', 'goals'],
    ['login', '9', 'met'],
  ];
  expect(formatTable(rows, [0, 2]).split('\n')).toEqual([
    'what   postern  goals',
    '-----  -------  -----',
    'login        9  met',
  ]);
});
