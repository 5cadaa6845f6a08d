/**
 * The interleaved rounds: each scenario goes over all subjects before the next one begins, and each round
 * begins with another subject, so that a slow minute of the machine falls on all of them.
 */
import type { Options } from './options.ts';
import type { Run } from './results.ts';
import type { Measured, Scenario } from './scenario.ts';
import { rotated } from './statistics.ts';
import type { Bed, Subject, SubjectKind } from './subject.ts';
import { formatNumber } from './table.ts';

type Say = (line: string) => void;

export interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly kinds: readonly SubjectKind[];
  readonly options: Options;
}

/** Those that have all that the scenario needs. */
export function kindsFor(scenario: Scenario, kinds: readonly SubjectKind[]): readonly SubjectKind[] {
  return kinds.filter(({ features }) => scenario.needs.every((need) => features.includes(need)));
}

/** All runs that count. */
export async function runRounds(plan: Plan, bed: Bed, say: Say): Promise<readonly Run[]> {
  const { scenarios, kinds, options } = plan;
  const living = await startShared(plan, bed, say);
  const runs: Run[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const scenario of scenarios) {
      for (const kind of rotated(kindsFor(scenario, kinds), round)) {
        const run = { scenario, round, kind, shared: living.get(kind.name) };
        const done = await runOnce(run, bed, options);
        runs.push(done);
        const names = `${scenario.name.padEnd(14)}  ${kind.name.padEnd(10)}`;
        say(`round ${round}/${options.rounds}  ${names}  ${summary(done, scenario)}`);
        for (const fault of done.faults) say(`  FAULT: ${fault}`);
      }
    }
  }
  await Promise.all([...living.values()].map((subject) => subject.stop()));
  return runs;
}

/**
 * The process of each subject that lives through all rounds, where some scenario has a use for it. Warmed up:
 * its tables, heap and compiled code are then in place.
 */
async function startShared(
  { scenarios, kinds, options }: Plan,
  bed: Bed,
  say: Say,
): Promise<ReadonlyMap<string, Subject>> {
  const living = new Map<string, Subject>();
  const sharing = scenarios.filter(({ process }) => process === 'shared');
  for (const kind of kinds) {
    const own = sharing.filter((scenario) => kindsFor(scenario, [kind]).length > 0);
    const [first] = own;
    if (first === undefined) continue;
    say(`starting ${kind.name}`);
    const subject = await kind.start(bed, first.setup);
    living.set(kind.name, subject);
    await first.measure({ subject, tool: bed.tool, lengths: options });
  }
  return living;
}

interface Turn {
  readonly scenario: Scenario;
  readonly round: number;
  readonly kind: SubjectKind;
  readonly shared: Subject | undefined;
}

/** A run that breaks off, or a start, costs its own figures and not those of the half hour before it. */
async function runOnce({ scenario, round, kind, shared }: Turn, bed: Bed, lengths: Options): Promise<Run> {
  const names = { scenario: scenario.name, round, subject: kind.name };
  const isFresh = scenario.process === 'fresh' || shared === undefined;
  let subject = isFresh ? undefined : shared;
  try {
    subject ??= await kind.start(bed, scenario.setup);
    return { ...names, ...(await scenario.measure({ subject, tool: bed.tool, lengths })) };
  } catch (error) {
    return { ...names, ...brokenOff(error, subject) };
  } finally {
    if (isFresh) await subject?.stop();
  }
}

function brokenOff(error: unknown, subject: Subject | undefined): Measured {
  const words = [error instanceof Error ? error.message : String(error), subject?.lastWords() ?? ''];
  const fault = `broken off: ${words.filter((word) => word !== '').join('\n')}`;
  return { figures: {}, faults: [fault], gaugeUs: undefined, detail: {} };
}

function summary({ figures }: Run, { rows }: Scenario): string {
  const said = rows.flatMap(({ figure, unit, digits }) => {
    const value = figures[figure];
    return value === undefined ? [] : [`${formatNumber(value, digits)} ${unit}`];
  });
  return said.length === 0 ? 'no figure' : said.join('  ');
}
