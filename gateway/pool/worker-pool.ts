/**
 * The pool of workers: as many supervised threads as asked for, given the routing table and its successors.
 *
 * What a worker does is workers/serve.ts; main.ts names that file, so that the planes stay apart.
 */
import type { Clock } from '#lib/clock';
import type { Log } from '#lib/log';
import type { WorkerConfig } from '#model/messages';
import type { RoutingTable } from '#model/routing-table';
import { type Threads, type WorkerEngine, type WorkerState, superviseWorker } from './supervisor.ts';

export interface PoolParts {
  readonly workers: number;
  readonly threads: Threads;
  readonly config: WorkerConfig;
  readonly table: RoutingTable;
  readonly engine: WorkerEngine;
  readonly clock: Clock;
  readonly log: Log;
}

export interface WorkerPool {
  /**
   * Resolves when each place is up or has failed once: undefined if one is up, else why the first failed.
   * The pool goes on trying either way.
   */
  readonly started: Promise<string | undefined>;
  /** Gives all workers this table, and those that start later. Call it after the engine has it. */
  publish(table: RoutingTable): void;
  states(): WorkerState[];
  /** Resolves when every thread is gone. */
  stop(): Promise<void>;
}

/** Starts all workers at once, each with the table of the parts. */
export function startPool(parts: PoolParts): WorkerPool {
  let table = parts.table;
  const supervisors = Array.from({ length: parts.workers }, (_, index) =>
    superviseWorker({
      index,
      threads: parts.threads,
      config: parts.config,
      table: () => table,
      engine: parts.engine,
      clock: parts.clock,
      log: parts.log,
    }),
  );
  return {
    started: Promise.all(supervisors.map((each) => each.firstLife)).then((whys) =>
      whys.includes(undefined) ? undefined : whys[0],
    ),
    publish: (next) => {
      table = next;
      for (const each of supervisors) each.post({ type: 'table', table: next });
    },
    states: () => supervisors.map((each) => each.state()),
    stop: async () => {
      await Promise.all(supervisors.map((each) => each.stop()));
    },
  };
}
