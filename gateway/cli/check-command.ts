/** `postern check`: every setting with its value, where it comes from, and what to mend. Starts nothing. */
import { checkReport } from '#gateway/settings/check-report';
import type { CheckReport } from '#gateway/settings/check-report';
import { formatProblem } from '#gateway/settings/problem';
import type { Surroundings } from '#gateway/settings/surroundings';
import { exitCodes } from './exit-codes.ts';
import type { CommandIo } from './io.ts';
import { textTable } from './text-table.ts';

export interface CheckOptions {
  readonly json?: boolean;
  /** Also the settings that are not set and have no say. */
  readonly all?: boolean;
}

export function runCheck(io: CommandIo, surroundings: Surroundings, { json, all }: CheckOptions): void {
  const report = checkReport(io.env, surroundings);
  io.print(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : checkText(report, all === true));
  if (report.problems.length > 0) io.setExitCode(exitCodes.config);
}

function checkText({ rows, problems }: CheckReport, isAll: boolean): string {
  const shown = rows.filter(({ source, verdict }) => isAll || source !== 'not set' || verdict !== 'ok');
  const table = textTable(
    ['SETTING', 'VALUE', 'SOURCE', 'VERDICT', 'HINT'],
    shown.map(({ name, value, source, verdict, hint }) => [name, value, source, verdict, hint]),
  );
  if (problems.length === 0) return `${table}\nthe settings are good\n`;
  const noun = problems.length === 1 ? 'problem' : 'problems';
  const lines = problems.map((each) => `  ${formatProblem(each)}\n`);
  return `${table}\n${problems.length} ${noun}:\n${lines.join('')}`;
}
