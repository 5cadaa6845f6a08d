/**
 * What is known of a database and of the sources, with its age, for `whereis`, `status` and metrics. PURE.
 */
import type { CopyStatus } from '#model/claim';
import type { DatabaseId, Moment, ServerId } from '#model/ids';
import type { DatabaseState } from '#model/routing-table';
import { unreachable } from '#lib/assert';
import { isFresh, isOutdated } from './active-copy.ts';
import type { ClusterState } from './cluster-state.ts';
import { claimsOn } from './source-state.ts';

export interface DatabaseFacts {
  readonly database: DatabaseId;
  readonly state: DatabaseState;
  /** One sentence: "ex1 serves it, generation 5". */
  readonly words: string;
  readonly fault: string | undefined;
  readonly copies: readonly ServerId[];
  readonly claims: readonly ClaimFact[];
}

export interface ClaimFact {
  readonly source: string;
  readonly ageMs: number;
  /** False: too old to count, or from before a move that is known. */
  readonly counts: boolean;
  readonly activeServer: ServerId | undefined;
  readonly epoch: number | undefined;
  readonly copies: readonly { readonly server: ServerId; readonly status: CopyStatus }[];
}

export interface SourceFact {
  readonly source: string;
  readonly ageMs: number;
  readonly seq: number | undefined;
  readonly isFresh: boolean;
  readonly databases: number;
}

/** The facts about a database; undefined where nobody has named it. */
export function databaseFacts(
  state: ClusterState,
  database: DatabaseId,
  now: Moment,
): DatabaseFacts | undefined {
  const view = state.view.databases.get(database);
  if (view === undefined) return undefined;
  const judging = { now, staleAfterMs: state.rules.staleAfterMs };
  const claims = claimsOn(state.sources, database).map((claim) => ({
    source: claim.source,
    ageMs: now - claim.receivedAt,
    counts: isFresh(claim, judging) && !isOutdated(claim, state.epochs.get(database)),
    activeServer: claim.activeServer,
    epoch: claim.epoch,
    copies: claim.copies.map(({ server, status }) => ({ server, status })),
  }));
  return { database, ...view, words: stateWords(view.state), claims };
}

/** Every source with the age of its word, by name. */
export function sourceFacts({ sources, rules }: ClusterState, now: Moment): SourceFact[] {
  return [...sources]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([source, known]) => ({
      source,
      ageMs: now - known.receivedAt,
      seq: known.seq,
      isFresh: !known.growsStale || now - known.receivedAt <= rules.staleAfterMs,
      databases: known.claims.size,
    }));
}

/** A database's state as a sentence. */
export function stateWords(state: DatabaseState): string {
  switch (state.at) {
    case 'unclaimed':
      return 'no source says where the active copy is';
    case 'served':
      return `${state.owner.server} serves it, generation ${state.owner.generation}`;
    case 'dismounted':
      return `dismounted on ${state.owner.server}, generation ${state.owner.generation}`;
    case 'moving':
      return `moving, to or on ${state.owner.server}, generation ${state.owner.generation}`;
    case 'remembered':
      return `last known on ${state.owner.server}, generation ${state.owner.generation}; not confirmed now`;
    case 'disputed': {
      const last =
        state.owner === undefined ? 'nobody served it before' : `${state.owner.server} served it before`;
      return `claimed by ${state.claimants.join(' and ')} at once; ${last}`;
    }
    default:
      return unreachable(state);
  }
}
