/** What makes a comparison's figures untrue: errors, sessions lost, counters that disagree. Pure. */
import type { IdleMemory, Results, Run } from './measurement.ts';

/** One sentence each; empty when the figures may be believed. */
export function faultsOf({ runs, memory }: Results): readonly string[] {
  return [...runs.flatMap(runFaults), ...memory.flatMap(memoryFaults)];
}

function runFaults({ subject, kind, round, result, cpuUs, tickUs }: Run): readonly string[] {
  const where = `${subject}, ${kind}, round ${round}`;
  const faults: string[] = [];
  if (result.errors > 0) faults.push(`${where}: ${result.errors} errors, the first: ${result.first_error}`);
  if (result.done === 0) faults.push(`${where}: nothing was finished`);
  if (Math.abs(cpuUs - tickUs) > tickToleranceUs + tickUs * tickToleranceShare) {
    const [scheduled, ticked] = [cpuUs, tickUs].map((micros) => Math.round(micros / 1000));
    faults.push(
      `${where}: the CPU counters disagree, ${scheduled} ms by the scheduler, ${ticked} ms by ticks`,
    );
  }
  return faults;
}

function memoryFaults({ subject, sessions, failed, openAtEnd }: IdleMemory): readonly string[] {
  const faults: string[] = [];
  if (failed > 0) faults.push(`${subject}, idle sessions: ${failed} could not be held`);
  if (openAtEnd < sessions)
    faults.push(`${subject}, idle sessions: ${sessions - openAtEnd} of ${sessions} were lost`);
  return faults;
}

/**
 * Ticks sample: short bursts between two ticks may be missed or doubled, so only a gross difference tells.
 */
const tickToleranceUs = 100_000;
const tickToleranceShare = 0.3;
