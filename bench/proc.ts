/**
 * What Linux says of a running server under /proc: its CPU time and its memory, over the whole tree of its
 * processes. The parsers are pure; reading tolerates threads and processes that end meanwhile.
 */
import { readFileSync, readdirSync } from 'node:fs';

/** CPU time so far, by two independent counters. */
export interface CpuTime {
  /** The scheduler's, exact. What results are made of. */
  readonly scheduledUs: number;
  /**
   * In clock ticks, of the processes that live and of the children that they have waited for. Only to check
   * the other.
   */
  readonly tickUs: number;
  /** The first is a control group's, so it holds all threads and processes that have ended. */
  readonly countsEnded: boolean;
}

/**
 * Of the tree of processes below `pid`. `accountUs` is what a control group of theirs has counted; without
 * one, the threads that live count exactly, and children that have ended by ticks, once they were waited for.
 */
export function cpuTimeOf(pid: number, accountUs: number | undefined): CpuTime {
  let [scheduledUs, tickUs] = [0, 0];
  for (const member of processTree(pid)) {
    const stat = readOr(`/proc/${member}/stat`);
    const waitedUs = waitedTicksIn(stat) * tickLengthUs;
    tickUs += ticksIn(stat) * tickLengthUs + waitedUs;
    scheduledUs += waitedUs;
    for (const { cpuUs } of threadsOf(member)) scheduledUs += cpuUs;
  }
  return { scheduledUs: accountUs ?? scheduledUs, tickUs, countsEnded: accountUs !== undefined };
}

export function cpuTimeBetween(before: CpuTime, after: CpuTime): CpuTime {
  return {
    scheduledUs: after.scheduledUs - before.scheduledUs,
    tickUs: after.tickUs - before.tickUs,
    countsEnded: before.countsEnded && after.countsEnded,
  };
}

/** The threads of one process, with their names and their CPU time so far. */
export function threadsOf(pid: number): readonly ThreadTime[] {
  return listed(`/proc/${pid}/task`).map((thread) => {
    const folder = `/proc/${pid}/task/${thread}`;
    const cpuUs = scheduledNsIn(readOr(`${folder}/schedstat`)) / 1000;
    return { thread: Number(thread), name: readOr(`${folder}/comm`).trim(), cpuUs };
  });
}

export interface ThreadTime {
  readonly thread: number;
  /** The first 15 characters of it. */
  readonly name: string;
  readonly cpuUs: number;
}

/**
 * Memory that is the processes' own and no file's, in KiB. Memory shared with other programs would wobble.
 */
export function anonymousKiBOf(pid: number): number {
  return processTree(pid)
    .map((member) => anonymousKiBIn(readOr(`/proc/${member}/smaps_rollup`)))
    .reduce((sum, size) => sum + size, 0);
}

/** `/proc/PID/task/TID/schedstat`: nanoseconds on a CPU, nanoseconds waiting for one, turns. */
export function scheduledNsIn(schedstat: string): number {
  const first = /^(\d+) \d+ \d+\s*$/.exec(schedstat)?.[1];
  return first === undefined ? 0 : Number(first);
}

/**
 * `/proc/PID/stat`, fields 14 and 15: ticks in user and in kernel mode. The name before them may hold
 * blanks.
 */
export function ticksIn(stat: string): number {
  const [user, system] = fieldsBehindName(stat).slice(11, 13);
  return Number(user ?? 0) + Number(system ?? 0);
}

/** `/proc/PID/stat`, fields 16 and 17: those of children that have ended and were waited for. */
export function waitedTicksIn(stat: string): number {
  const [user, system] = fieldsBehindName(stat).slice(13, 15);
  return Number(user ?? 0) + Number(system ?? 0);
}

/** `/proc/PID/stat`, field 4. */
export function parentIn(stat: string): number {
  return Number(fieldsBehindName(stat)[1] ?? 0);
}

/** A page that several processes share counts for each of them by its part, where Linux says so. */
export function anonymousKiBIn(smapsRollup: string): number {
  const field = /^Pss_Anon:\s+(\d+) kB$/m.exec(smapsRollup) ?? /^Anonymous:\s+(\d+) kB$/m.exec(smapsRollup);
  return Number(field?.[1] ?? 0);
}

/** The members of the tree below `root`, itself included, from pairs of process and parent. */
export function treeOf(root: number, parents: ReadonlyMap<number, number>): readonly number[] {
  const tree = [root];
  // Grows while it is walked: each member brings its children. A process has one parent, so it ends.
  for (const member of tree) for (const [pid, parent] of parents) if (parent === member) tree.push(pid);
  return tree;
}

function processTree(root: number): readonly number[] {
  const pids = listed('/proc').filter((name) => /^\d+$/.test(name));
  return treeOf(root, new Map(pids.map((pid) => [Number(pid), parentIn(readOr(`/proc/${pid}/stat`))])));
}

function fieldsBehindName(stat: string): readonly string[] {
  return stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Linux shows ticks of 1/100 s to programs on every platform that Node runs on. */
const tickLengthUs = 10_000;
