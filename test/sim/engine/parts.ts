/** What the pieces of the fake engine share: its surroundings, its rules, its records. */
import type { EngineConfig, EngineTable, FrontendSetup } from '#native';
import { codeOf, type EndReason } from '#model/end-reason';
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Witness } from '../witness.ts';
import type { Network } from '../world/network.ts';
import type { Pins } from './pins.ts';
import type { Reach } from './talk.ts';
import type { WorkerQueue } from './worker-queue.ts';

/** What the engine guarantees. Each can be switched off, to show that an invariant notices. */
export const soundRules = {
  /** The published table is looked at again at the splice. */
  checksGeneration: true,
  /** Sessions of a mailbox elsewhere keep an exclusive one out. */
  checksPins: true,
  /** A command for another turn of the slot is dropped. */
  checksTurns: true,
  /** Clients are not read while their worker's queue is full. */
  boundsQueues: true,
  /** Words are put in between two responses only. */
  waitsForBoundary: true,
  /** A client's pieces wait with the engine once its worker has enough of them. */
  boundsPieces: true,
  /** A session that was told to go is ended when its time is over. */
  keepsWindows: true,
  /** No more are told in a second than was asked for. */
  keepsPace: true,
  /** Every end is counted. */
  countsEnds: true,
  /** An end is recorded once. */
  endsOnce: true,
};
export type EngineRules = { [Rule in keyof typeof soundRules]: boolean };

/** A worker's place: who has it just now, and what waits for it. */
export interface Place {
  readonly index: number;
  readonly queue: WorkerQueue;
  turn: number;
  turns: number;
  wake: (() => void) | undefined;
  isSuspended: boolean;
  sessions: number;
  /** Those that its worker has been told of, and not yet that they are over. */
  readonly held: Set<number>;
}

export interface EngineWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly reach: Reach;
  readonly witness: Witness;
  readonly rules: EngineRules;
  readonly config: EngineConfig;
  readonly places: readonly Place[];
  readonly pins: Pins;
  /** The table in force. */
  readonly table: () => EngineTable;
  readonly say: (text: string) => void;
}

/** What a frontend's clients are told when the engine itself ends them. */
export function wordsFor({ words }: FrontendSetup, reason: EndReason): string {
  const found = words.find((row) => row.reason === codeOf(reason)) ?? words.find((row) => row.reason === 0);
  return found?.text ?? '';
}
