/** The goals of a results file with their verdicts: what a reader in a hurry looks at. Pure. */
import type { Goal, Verdict } from '../goals.ts';
import type { Row } from '../report.ts';
import type { Spread } from '../statistics.ts';
import { formatNumber } from '../table.ts';
import { type Markup, markup, pixels } from './markup.ts';

/** Undefined where no measured row has a goal. */
export function formatGoals(rows: readonly Row[]): Markup | undefined {
  const judged = rows.flatMap((row) => row.verdicts.map((verdict) => ({ row, verdict })));
  if (judged.length === 0) return undefined;
  const lines = judged.map(
    ({ row, verdict }) => markup`<tr>
<th scope="row">${row.what}</th>
<td>${boundText(verdict.goal, verdict.goal.first, row)}</td>
<td>${verdict.goal.stretch === undefined ? '' : boundText(verdict.goal, verdict.goal.stretch, row)}</td>
<td class="number">${measuredText(verdict, row)}</td>
<td>${bullet(verdict)}</td>
<td>${chipOf(verdict)}</td>
</tr>`,
  );
  return markup`<section class="goals">
<h2>Goals</h2>
<p>${summary(judged.map(({ verdict }) => verdict))}</p>
<div class="wide"><table>
<thead><tr><th>figure</th><th>goal</th><th>stretch</th><th class="number">measured (lowest to highest)</th>
<th></th><th>verdict</th></tr></thead>
<tbody>${lines}</tbody>
</table></div>
</section>`;
}

/** The chip that names a verdict, here and beside the plots. */
export function chipOf({ is }: Pick<Verdict, 'is'>): Markup {
  return markup`<span class="chip ${is}">${verdictWords[is]}</span>`;
}

/** `at most 0.60 x haproxy`: a bound as a reader says it. */
export function boundText(goal: Goal, bound: number, row: Pick<Row, 'digits' | 'unit'>): string {
  // A count needs no unit: none dropped is none.
  const unit = row.unit === 'count' ? '' : ` ${row.unit}`;
  switch (goal.of) {
    case 'ratio':
      return `at most ${formatNumber(bound, 2)} × ${goal.rival}`;
    case 'figure':
      return `at most ${formatNumber(bound, fewestDigits(bound, row.digits))}${unit}`;
    case 'difference': {
      if (bound === 0) return `at most ${goal.rival}`;
      return `at most ${goal.rival} + ${formatNumber(bound, fewestDigits(bound, row.digits))}${unit}`;
    }
  }
}

function summary(verdicts: readonly Verdict[]): string {
  const count = (is: Verdict['is']) => verdicts.filter((verdict) => verdict.is === is).length;
  const [stretched, open] = [count('stretch'), count('open')];
  const met = count('met') + stretched;
  const unmeasured = open === 0 ? '' : `, ${open} not measured`;
  return `${met} of ${verdicts.length} met, ${stretched} of them to the stretch${unmeasured}.`;
}

function measuredText({ goal, value }: Verdict, row: Row): string {
  const spread = spreadOfGoal(goal, row);
  if (value === undefined || spread === undefined) return '–';
  const digits = goal.of === 'ratio' ? 2 : row.digits;
  const [median, min, max] = [value, spread.min, spread.max].map((each) => formatNumber(each, digits));
  return min === max ? `${median}` : `${median}  (${min} to ${max})`;
}

function spreadOfGoal(goal: Goal, row: Row): Spread | undefined {
  if (goal.of === 'figure') return row.figures['postern'];
  return (goal.of === 'ratio' ? row.ratios : row.differences)[goal.rival];
}

/** A short scale: the marks are the goal and the stretch, the bar is what was measured. */
function bullet({ goal: { first, stretch }, value, is }: Verdict): Markup | undefined {
  const end = 1.5 * first;
  if (value === undefined || end <= 0) return undefined;
  const at = (figure: number) => pixels(Math.min(1, Math.max(0, figure / end)) * bulletWidth);
  const mark = (figure: number, kind: string) =>
    markup`<line class="${kind}" x1="${at(figure)}" y1="1" x2="${at(figure)}" y2="15"/>`;
  const box = markup`viewBox="0 0 ${bulletWidth} 16" width="${bulletWidth}" height="16"`;
  return markup`<svg class="bullet" ${box} aria-hidden="true">
<rect class="track" x="0" y="5" width="${bulletWidth}" height="6"/>
<rect class="${is}" x="0" y="5" width="${at(value)}" height="6"/>
${mark(first, 'goal')}${stretch === undefined ? '' : mark(stretch, 'stretch')}
</svg>`;
}

/** 7 is 7 and 0.2 is 0.2, whatever the row's figures are printed to. */
function fewestDigits(value: number, most: number): number {
  for (let digits = 0; digits < most; digits++) if (Number(value.toFixed(digits)) === value) return digits;
  return most;
}

const verdictWords: Readonly<Record<Verdict['is'], string>> = {
  stretch: 'stretch met',
  met: 'met',
  missed: 'missed',
  open: 'not measured',
};
const bulletWidth = 96;
