/** What makes a run's figures untrue, in words. Pure. */
import type { LoadResult } from './load-tool.ts';
import type { CpuTime } from './proc.ts';

/** One sentence each; empty when the generator finished something, and everything that it began. */
export function loadFaults({ done, errors, first_error }: LoadResult): readonly string[] {
  const faults: string[] = [];
  if (errors > 0) faults.push(`${errors} errors, the first: ${first_error}`);
  if (done === 0) faults.push('nothing was finished');
  return faults;
}

/**
 * The two counters of CPU time must tell the same. Where the first counts ended processes, too, the second
 * may miss some.
 */
export function cpuFaults({ scheduledUs, tickUs, countsEnded }: CpuTime): readonly string[] {
  const apart = countsEnded ? tickUs - scheduledUs : Math.abs(tickUs - scheduledUs);
  if (apart <= tickToleranceUs + tickUs * tickToleranceShare) return [];
  const [scheduled, ticked] = [scheduledUs, tickUs].map((micros) => Math.round(micros / 1000));
  return [`the CPU counters disagree, ${scheduled} ms by the scheduler, ${ticked} ms by ticks`];
}

/** A gateway with CPU time to spare, or one that another program keeps from its core, is in no flood. */
export function floodFaults(cores: number): readonly string[] {
  if (cores >= floodCoresMin) return [];
  return [`no flood: the gateway had ${cores.toFixed(2)} cores; something else keeps the machine busy`];
}

/**
 * Ticks sample: short bursts between two ticks may be missed or doubled, so only a gross difference tells.
 */
const tickToleranceUs = 100_000;
const tickToleranceShare = 0.3;
/** Of the one core that a subject is pinned to. */
const floodCoresMin = 0.7;
