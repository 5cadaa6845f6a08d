/**
 * A control group of its own for a program, where the machine allows one: it counts the CPU time of all
 * threads and processes of the program, those that have ended included, in nanoseconds or microseconds.
 * Without one, `/proc` has to do (proc.ts), which loses what ends between two looks.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

export interface CpuAccount {
  /** A process joins by writing its id into this file; its children follow it. */
  readonly joinPath: string;
  /** Undefined once the program has ended and its group is gone. */
  usageUs(): number | undefined;
  /** Removes the group; false while one of its processes still lives. */
  close(): boolean;
}

/** Undefined where groups cannot be made: no rights, or none that count CPU time. */
export function openAccount(name: string): CpuAccount | undefined {
  for (const { root, file, usageUsIn } of hierarchies) {
    if (!existsSync(join(root, file))) continue;
    const folder = join(root, name);
    try {
      mkdirSync(folder);
      return {
        joinPath: join(folder, 'cgroup.procs'),
        usageUs: () =>
          existsSync(folder) ? usageUsIn(readFileSync(join(folder, file), 'latin1')) : undefined,
        close: () => removeGroup(folder),
      };
    } catch {
      // Not ours to write to: the next, or none.
    }
  }
  return undefined;
}

/**
 * Removes groups that comparisons left behind which were broken off: the last one to end has no time to wait
 * until what it has killed is gone.
 */
export function removeStaleAccounts(): void {
  for (const { root } of hierarchies) {
    for (const name of foldersIn(root)) {
      const owner = /^postern-bench-(\d+)-\d+$/.exec(name)?.[1];
      if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeGroup(join(root, name));
    }
  }
}

function foldersIn(root: string): readonly string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}

function removeGroup(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return !existsSync(folder);
  }
}

/** Version 1 counts in `cpuacct.usage`, in nanoseconds. */
export function usageUsInV1(usage: string): number {
  return Number(usage.trim()) / 1000;
}

/** Version 2 counts in `cpu.stat`, in a line `usage_usec 123`. */
export function usageUsInV2(stat: string): number {
  return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1] ?? Number.NaN);
}

const hierarchies = [
  { root: '/sys/fs/cgroup/cpuacct', file: 'cpuacct.usage', usageUsIn: usageUsInV1 },
  { root: '/sys/fs/cgroup', file: 'cpu.stat', usageUsIn: usageUsInV2 },
] as const;
