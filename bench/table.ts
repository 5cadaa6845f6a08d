/** Lays out the result table in plain text. Pure; the figures come from imap-report.ts. */
import type { Spread } from './statistics.ts';

/** A figure with its median and spread: `251 [240..262]`; `-` when it was not measured. */
export function formatSpread(spread: Spread | undefined, digits: number, sign: '' | '+' = ''): string {
  if (spread === undefined) return '-';
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => {
    const text = formatNumber(value, digits);
    return sign === '+' && value >= 0 ? `+${text}` : text;
  });
  return spread.min === spread.max ? `${median}` : `${median} [${min}..${max}]`;
}

/** Thousands are set apart, so that 3,120 and 31,200 are told apart at a glance. */
export function formatNumber(value: number, digits: number): string {
  const [whole = '', fraction] = value.toFixed(digits).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Rows of cells under a heading row: columns of words (the first, unless said) flush left, figures right. */
export function formatTable(
  rows: readonly (readonly string[])[],
  wordColumns: readonly number[] = [0],
): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) =>
        wordColumns.includes(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [...lines.slice(0, 1), rule, ...lines.slice(1)].join('\n');
}
