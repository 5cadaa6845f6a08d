/** The run that most scenarios are: one subcommand of the generator, and the subject's CPU time over it. */
import { cpuFaults, loadFaults } from '../faults.ts';
import { type LoadResult, clientWords, watchLoads } from '../load-tool.ts';
import { cpuTimeBetween } from '../proc.ts';
import type { Measured, Stage } from '../scenario.ts';

export interface Loop {
  readonly command: string;
  /** Undefined: the subject lacks the port that its features promise, which is a fault of ours. */
  readonly port: number | undefined;
  readonly more?: Readonly<Record<string, number | string>>;
}

/** A run whose figures are still to be made of `result` and `cpuUs`, the subject's CPU time. */
export interface LoopRun {
  readonly result: LoadResult;
  readonly cpuUs: number;
  readonly faults: readonly string[];
}

export async function runLoop({ subject, tool, lengths }: Stage, loop: Loop): Promise<LoopRun> {
  const { command, port, more = {} } = loop;
  if (port === undefined) throw new Error(`${subject.name} has no port for ${command}`);
  const words = clientWords(tool, port, { seconds: lengths.seconds, ...more });
  const { results, before, after } = await watchLoads(tool, [{ command, words }], () => subject.cpuTime());
  const [result] = results;
  if (result === undefined) throw new Error(`${command} gave no result`);
  const cpu = cpuTimeBetween(before, after);
  return { result, cpuUs: cpu.scheduledUs, faults: [...loadFaults(result), ...cpuFaults(cpu)] };
}

/** The figures of a run, where it finished anything, with the generator's own cost as the gauge. */
export function measuredOf(
  { result, cpuUs, faults }: LoopRun,
  figures: Readonly<Record<string, number>>,
): Measured {
  const isEmpty = result.done === 0;
  return {
    figures: isEmpty ? {} : figures,
    faults,
    gaugeUs: isEmpty ? undefined : result.own_cpu_us_per_unit,
    // Few cores with a high p50 is a subject that waits, not one that works.
    detail: { cpuUs, cores: cpuUs / 1e6 / result.seconds, ...result },
  };
}

/** CPU time and rate of units. */
export function unitFigures({ result, cpuUs }: LoopRun): Readonly<Record<'cpuUs' | 'perSecond', number>> {
  return { cpuUs: cpuUs / result.done, perSecond: result.done / result.seconds };
}

/** Starting the generator, settling, and closing what is held. */
export const overheadSeconds = 0.4;
