import { expect, test } from 'vitest';
import { formatBytes, formatDuration, textTable } from '#gateway/cli/text-table';

test('columns are aligned, the last is not filled up', () => {
  expect(
    textTable(
      ['A', 'LONG'],
      [
        ['longer', 'x'],
        ['', 'y'],
      ],
    ),
  ).toBe('A       LONG\nlonger  x\n        y\n');
});

test('no rows: the head alone', () => {
  expect(textTable(['A', 'B'], [])).toBe('A  B\n');
});

test.each<[number, string]>([
  [0, '0ms'],
  [999, '999ms'],
  [1_000, '1s'],
  [59_999, '59s'],
  [60_000, '1m 0s'],
  [3_599_000, '59m 59s'],
  [3_600_000, '1h 0m'],
  [86_399_000, '23h 59m'],
  [86_400_000, '1d 0h'],
])('%i ms is %s', (milliseconds, expected) => {
  expect(formatDuration(milliseconds)).toBe(expected);
});

test.each<[number, string]>([
  [0, '0B'],
  [1_023, '1023B'],
  [1_024, '1.0KiB'],
  [1_572_864, '1.5MiB'],
  [2 ** 50, '1024.0TiB'],
])('%i bytes are %s', (bytes, expected) => {
  expect(formatBytes(bytes)).toBe(expected);
});
