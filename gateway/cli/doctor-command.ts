/**
 * `postern doctor`: looks at every server as a session would, and says what is wrong, why it matters and how
 * to mend it. Exit code 0 where nothing is worse than a hint, 1 where something is, 78 for bad settings.
 */
import { visitServers } from '#gateway/start-doctor';
import { checkReport } from '#gateway/settings/check-report';
import { parseSettings } from '#gateway/settings/parse';
import { formatProblem } from '#gateway/settings/problem';
import type { Surroundings } from '#gateway/settings/surroundings';
import { systemClock } from '#lib/clock';
import { doctorText } from './doctor-text.ts';
import { exitCodes } from './exit-codes.ts';
import type { CommandIo } from './io.ts';

export interface DoctorOptions {
  readonly json?: boolean;
  readonly deep?: boolean;
}

export async function runDoctor(
  io: CommandIo,
  surroundings: Surroundings,
  { json, deep }: DoctorOptions,
): Promise<void> {
  const parsed = parseSettings(io.env, surroundings);
  if ('problems' in parsed) {
    for (const problem of parsed.problems) io.complain(formatProblem(problem));
    return io.setExitCode(exitCodes.config);
  }
  const report = await visitServers({
    settings: parsed.settings,
    check: checkReport(io.env, surroundings),
    isDeep: deep === true,
    clock: systemClock(),
  });
  io.print(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : doctorText(report));
  const { worst } = report;
  io.setExitCode(worst === 'fault' || worst === 'warning' ? exitCodes.runtime : exitCodes.ok);
}
