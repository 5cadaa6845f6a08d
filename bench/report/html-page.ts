/** The report as one HTML page: no script, no request, light and dark, good on paper. Pure. */
import { formatFaults, formatHeading, formatReading, formatSubjects } from './facts-part.ts';
import { formatFigures } from './figures-part.ts';
import { formatGoals } from './goals-part.ts';
import { markup } from './markup.ts';
import { formatNumbers } from './numbers-part.ts';
import { pageStyle } from './page-style.ts';
import type { ResultsFile } from './results-file.ts';
import { legend } from './tones.ts';

/** The whole page; the same file always gives the same page. */
export function formatPage(file: ResultsFile): string {
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Postern bench, ${file.at.slice(0, 10)}</title>
<style>${{ markup: pageStyle }}</style>
</head>
<body>
<main>
${formatHeading(file)}
${formatFaults(file.faults)}
${formatGoals(file.rows)}
${legend(file.subjects)}
${formatFigures(file)}
${formatSubjects(file.subjects)}
${formatReading()}
${formatNumbers(file)}
</main>
</body>
</html>
`;
  return page.markup;
}
