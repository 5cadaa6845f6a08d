/** One section a scenario: what was done, a plot a row, percentiles where times were taken. Pure. */
import type { Row } from '../report.ts';
import type { Run, SubjectFacts } from '../results.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import { formatNumber } from '../table.ts';
import { type Bar, formatBarPlot } from './bar-plot.ts';
import { boundText, chipOf } from './goals-part.ts';
import { type Markup, markup } from './markup.ts';
import { type PercentilePoint, type Strip, formatPercentilePlot } from './percentile-plot.ts';
import type { ResultsFile } from './results-file.ts';
import { toneOf } from './tones.ts';

export function formatFigures(file: ResultsFile): readonly Markup[] {
  return file.scenarios.map((scenario) => {
    const rows = file.rows.filter((row) => row.scenario === scenario.name);
    const runs = file.runs.filter((run) => run.scenario === scenario.name);
    const thrownAway = file.thrownAway[scenario.name] ?? 0;
    return markup`<section class="scenario">
<h2>${scenario.name}</h2>
<p>${scenario.doc}</p>
${thrownAway > 0 ? markup`<p class="remark">${disturbance(thrownAway, file.options.rounds)}</p>` : ''}
${rows.map((row) => formatRow(row, file.subjects))}
${rows.some(({ unit }) => unit === 'ms') ? percentileFigures(runs, file.subjects) : ''}
</section>`;
  });
}

/** A figure is taken for measured where it is a number: JSON has null for what is none. */
export function isMeasured(spread: Spread | undefined): spread is Spread {
  return spread !== undefined && [spread.median, spread.min, spread.max].every(Number.isFinite);
}

/** `+` stands before what a gateway adds; the floor's own figure is whole. */
export function signedNumber(value: number, row: Row, role: SubjectFacts['role']): string {
  const text = formatNumber(value, row.digits);
  return row.isAdded === true && role !== 'floor' && value >= 0 ? `+${text}` : text;
}

function formatRow(row: Row, subjects: readonly SubjectFacts[]): Markup {
  const bars = barsOf(row, subjects);
  const added = row.isAdded === true ? '; what a gateway adds to the floor of the same round' : '';
  const caption = markup`<figcaption><span><strong>${row.what}</strong>, ${row.unit}</span>
<span class="remark">${row.better} is better${added}</span>
${row.verdicts.map(
  (verdict) =>
    markup`<span class="goal">${boundText(verdict.goal, verdict.goal.first, row)} ${chipOf(verdict)}</span>`,
)}</figcaption>`;
  const plot =
    bars.length === 0
      ? markup`<p class="remark">not measured</p>`
      : formatBarPlot({ title: row.what, unit: row.unit, bars });
  return markup`<figure>${caption}${plot}</figure>`;
}

/** The best first, and the floor last: it is no contender. */
function barsOf(row: Row, subjects: readonly SubjectFacts[]): readonly Bar[] {
  const sign = row.better === 'lower' ? 1 : -1;
  const bars = subjects.flatMap((subject): readonly Bar[] => {
    const spread = row.figures[subject.name];
    if (!isMeasured(spread)) return [];
    const ratio = row.ratios[subject.name];
    return [
      {
        name: subject.name,
        tone: toneOf(subject),
        spread,
        rounds: Object.values(row.rounds[subject.name] ?? {}).filter(Number.isFinite),
        figure: signedNumber(spread.median, row, subject.role),
        ratio: isMeasured(ratio) ? `${formatNumber(ratio.median, 2)} ×` : '',
      },
    ];
  });
  const rank = ({ tone, spread }: Bar) => (tone === 'floor' ? Infinity : sign * spread.median);
  return bars.sort((a, b) => rank(a) - rank(b));
}

function disturbance(count: number, rounds: number): string {
  return `${count} of ${rounds} rounds thrown away: the machine was disturbed.`;
}

/** A plot for each thing that the generator timed; the medians of the rounds' percentiles. */
function percentileFigures(runs: readonly Run[], subjects: readonly SubjectFacts[]): readonly Markup[] {
  return timedThings(runs).flatMap((thing) => {
    const strips = subjects.flatMap((subject): readonly Strip[] => {
      const points = pointsOf(
        runs.filter((run) => run.subject === subject.name),
        thing,
      );
      return points.length === 0 ? [] : [{ name: subject.name, tone: toneOf(subject), points }];
    });
    if (strips.length === 0) return [];
    const title = thing === '' ? 'a whole unit' : thing.replaceAll('_', ' ');
    const caption = markup`<figcaption><span><strong>${title}</strong>, percentiles</span>
<span class="remark">as the generator saw it, nothing subtracted</span></figcaption>`;
    return [markup`<figure>${caption}${formatPercentilePlot(title, strips)}</figure>`];
  });
}

/** The names before `p50_ms` in the generator's results, in their order. */
function timedThings(runs: readonly Run[]): readonly string[] {
  const names = runs.flatMap(({ detail }) =>
    Object.keys(detail).flatMap((key) => keyParts(key)?.thing ?? []),
  );
  return [...new Set(names)];
}

function pointsOf(runs: readonly Run[], thing: string): readonly PercentilePoint[] {
  const values = new Map<number, number[]>();
  for (const { detail } of runs) {
    for (const [key, value] of Object.entries(detail)) {
      const parts = keyParts(key);
      if (parts?.thing !== thing || typeof value !== 'number' || !(value > 0)) continue;
      values.set(parts.percentile, [...(values.get(parts.percentile) ?? []), value]);
    }
  }
  return [...values]
    .sort(([a], [b]) => a - b)
    .flatMap(([percentile, all]) => {
      const ms = spreadOf(all)?.median;
      return ms === undefined ? [] : [{ percentile, ms }];
    });
}

/** `until_login_p50_ms`: the thing `until_login`, percentile 50; `p999_ms`: the whole, percentile 99.9. */
function keyParts(key: string): { readonly thing: string; readonly percentile: number } | undefined {
  const [, thing = '', digits] = /^(?:(\w+)_)?p(\d{2,4})_ms$/.exec(key) ?? [];
  if (digits === undefined) return undefined;
  return { thing, percentile: Number(`${digits.slice(0, 2)}.${digits.slice(2)}`) };
}
