/**
 * The nouns of a comparison's results: one run of one subject, one memory figure, and what the JSON file
 * holds.
 */
import type { ImapOptions, SubjectName } from './options.ts';
import type { LoadResult } from './load-tool.ts';

export type RunKind = 'imap-login' | 'handshake' | 'latency';

export interface Run {
  readonly kind: RunKind;
  readonly round: number;
  readonly subject: SubjectName;
  /** The server's CPU time over the run, by the scheduler and, to check it, by clock ticks. */
  readonly cpuUs: number;
  readonly tickUs: number;
  readonly result: LoadResult;
}

export interface IdleMemory {
  readonly subject: SubjectName;
  readonly sessions: number;
  readonly failed: number;
  /** Still open when the figure had been taken. */
  readonly openAtEnd: number;
  readonly beforeKiB: number;
  readonly afterKiB: number;
}

export interface Results {
  readonly options: ImapOptions;
  readonly runs: readonly Run[];
  readonly memory: readonly IdleMemory[];
}

export function cpuUsPerUnit(run: Run): number {
  return run.cpuUs / run.result.done;
}
