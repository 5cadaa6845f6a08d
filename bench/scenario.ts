/**
 * What a scenario is: one thing that is done to every subject that can take it, and the rows of the table
 * that come of it. Each scenario has a file of its own in scenarios/; scenarios/all.ts lists them.
 */
import type { LoadTool } from './load-tool.ts';
import type { Feature, Setup, Subject } from './subject.ts';

export interface Scenario {
  /** As in the command line and the results: `login`, `fetch-16k`. */
  readonly name: string;
  /** One sentence: what is done, and what is counted. */
  readonly doc: string;
  /** Subjects that lack one of these are left out. */
  readonly needs: readonly Feature[];
  /**
   * `shared`: in the one process of each subject that lives through all rounds. `fresh`: in a new process,
   * since an earlier load would hide what is measured.
   */
  readonly process: 'shared' | 'fresh';
  readonly setup: Setup;
  readonly rows: readonly RowKind[];
  /** About how long one run takes, for the estimate at the start. */
  secondsOf(lengths: Lengths): number;
  measure(stage: Stage): Promise<Measured>;
}

/** How much is done in a run. */
export interface Lengths {
  readonly seconds: number;
  readonly idleSessions: number;
  /** Sessions that are held while handshakes come in a flood. */
  readonly heldSessions: number;
}

/** What a run is given. */
export interface Stage {
  readonly subject: Subject;
  readonly tool: LoadTool;
  readonly lengths: Lengths;
}

/** What a run gives. */
export interface Measured {
  /** By the names that the scenario's rows have; a figure that could not be taken is left out. */
  readonly figures: Readonly<Record<string, number>>;
  /** What makes the figures untrue, one sentence each. */
  readonly faults: readonly string[];
  /** The generator's own CPU time per unit, which only a disturbed machine raises; undefined: no gauge. */
  readonly gaugeUs: number | undefined;
  /** Everything that was counted, as it goes into the results file. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** One row of the table. */
export interface RowKind {
  /** The name of the figure; `scenario.figure` is the row's id, in the goals and in the results. */
  readonly figure: string;
  readonly what: string;
  readonly unit: string;
  readonly digits: number;
  readonly better: 'lower' | 'higher';
  /** The gateways' figures are what they add to the floor's of the same round. */
  readonly isAdded?: boolean;
}

/** A plain server behind, as most rows have it. */
export const plainServer: Setup = { isServerTls: false };
/** TLS on both sides. */
export const tlsServer: Setup = { isServerTls: true };
