/**
 * What copy sources say (a claim) and what probes see (an observation): the two inputs of cluster/.
 *
 * The values and their names are those of the agent feed (docs/agent-feed.md), which are Exchange's own.
 */
import type { DatabaseId, Moment, ServerId } from '#model/ids';
import type { Protocol } from '#model/protocol';

/** How one copy stands. An unknown word of a source becomes `Unknown`, never an error. */
export type CopyStatus =
  | 'Mounted'
  | 'Mounting'
  | 'Dismounted'
  | 'Dismounting'
  | 'Healthy'
  | 'DisconnectedAndHealthy'
  | 'DisconnectedAndResynchronizing'
  | 'SeedingSource'
  | 'Resynchronizing'
  | 'Initializing'
  | 'Seeding'
  | 'SinglePageRestore'
  | 'Suspended'
  | 'Failed'
  | 'FailedAndSuspended'
  | 'ServiceDown'
  | 'Unknown';

/** What one source says of one database. The latest document of a source replaces all that it said before. */
export interface Claim {
  /** `file`, or `agent:ex1`. */
  readonly source: string;
  readonly database: DatabaseId;
  /** Who the source thinks is active, mounted or not; undefined where it does not say. */
  readonly activeServer: ServerId | undefined;
  readonly copies: readonly CopyClaim[];
  /** The source's own count of moves, where it has one: it becomes the generation when it is larger. */
  readonly epoch: number | undefined;
  /** When we received it, on our monotonic clock. No other clock is trusted. */
  readonly receivedAt: Moment;
  /** False for a source that speaks only when it changes (file): its claims do not grow stale. */
  readonly growsStale: boolean;
}

/** One copy of a database, as a source sees it. */
export interface CopyClaim {
  readonly server: ServerId;
  readonly status: CopyStatus;
  readonly activationPreference: number | undefined;
}

/** A source's document, whole. Those with a `seq` not above the last one of the same source are dropped. */
export interface ClaimSet {
  readonly source: string;
  readonly seq: number | undefined;
  readonly claims: readonly Claim[];
  /** False where all claims of this source do not grow stale, so that an empty document tells it too. */
  readonly growsStale?: boolean;
}

/** A probe's result. A probe never throws: trouble is an observation too. */
export interface Observation {
  readonly server: ServerId;
  readonly protocol: Protocol;
  readonly at: Moment;
  readonly verdict: Verdict;
}

export type Verdict =
  | { readonly is: 'good'; readonly capabilities: readonly string[]; readonly tookMs: number }
  /** `why` in words: "no greeting within 5s". */
  | { readonly is: 'bad'; readonly why: string }
  /** From the login probe: the server is up, this database's store is not. */
  | { readonly is: 'databaseBad'; readonly database: DatabaseId; readonly why: string }
  | { readonly is: 'databaseGood'; readonly database: DatabaseId };
