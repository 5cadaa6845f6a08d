/** All figures in one table: a row each, a column a subject, the spread below the median. Pure. */
import type { Row } from '../report.ts';
import type { SubjectFacts } from '../results.ts';
import { isMeasured, signedNumber } from './figures-part.ts';
import { type Markup, markup } from './markup.ts';
import type { ResultsFile } from './results-file.ts';
import { toneOf } from './tones.ts';

export function formatNumbers({ rows, subjects, options }: ResultsFile): Markup {
  const head = subjects.map((subject) => markup`<th class="number ${toneOf(subject)}">${subject.name}</th>`);
  const lines = rows.map(
    (row) => markup`<tr><th scope="row">${row.what}<small>${row.unit}</small></th>
${subjects.map((subject) => cell(row, subject))}</tr>`,
  );
  return markup`<section class="numbers">
<h2>All figures</h2>
<p>Median of ${options.rounds} rounds, less those thrown away; below it the lowest and the highest round.</p>
<div class="wide"><table>
<thead><tr><th></th>${head}</tr></thead>
<tbody>${lines}</tbody>
</table></div>
</section>`;
}

function cell(row: Row, subject: SubjectFacts): Markup {
  const spread = row.figures[subject.name];
  if (!isMeasured(spread)) return markup`<td class="number">–</td>`;
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) =>
    signedNumber(value, row, subject.role),
  );
  const range = spread.min === spread.max ? '' : markup`<small>${min} to ${max}</small>`;
  return markup`<td class="number ${toneOf(subject)}">${median}${range}</td>`;
}
