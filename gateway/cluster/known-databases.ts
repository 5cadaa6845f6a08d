/**
 * Which databases are known: how many of them sources may bring, and which are forgotten again.
 *
 * What is believed of a known one is in active-copy.ts. PURE.
 */
import type { ClaimSet } from '#model/claim';
import type { DatabaseId, Moment } from '#model/ids';
import { limits } from './limits.ts';
import { isOutOfOrder } from './source-state.ts';
import type { SourceState } from './source-state.ts';

/** What is asked of the cluster state here. */
export interface KnownDatabases {
  readonly rules: {
    readonly databases: readonly { readonly id: DatabaseId }[];
    readonly staleAfterMs: number;
  };
  readonly view: { readonly databases: ReadonlyMap<DatabaseId, unknown> };
  readonly sources: ReadonlyMap<string, SourceState>;
  readonly names: ReadonlySet<DatabaseId>;
}

/** Why a document does not count, in words. */
export type Refusal =
  | { readonly is: 'overtaken'; readonly words: string }
  | { readonly is: 'tooMany'; readonly words: string };

/** Why `updateCluster` would leave the state as it is after this document; undefined where it counts. */
export function refusalOf(state: KnownDatabases, set: ClaimSet, now: Moment): Refusal | undefined {
  const before = state.sources.get(set.source);
  if (before !== undefined && isOutOfOrder(before, set, now, state.rules)) {
    const words = `its "seq" ${set.seq} is not above ${before.seq}, that of the last one that counts`;
    return { is: 'overtaken', words };
  }
  const named = set.claims.map(({ database }) => database);
  const { databases } = state.view;
  const added = named.filter((id) => !databases.has(id)).length;
  if (added > 0 && databases.size + added > limits.databasesMax)
    return { is: 'tooMany', words: `with it there would be more than ${limits.databasesMax} databases` };
  const unheard = named.filter((id) => !state.names.has(id)).length;
  if (unheard > 0 && state.names.size + unheard > limits.namesMax)
    return { is: 'tooMany', words: `more than ${limits.namesMax} names of databases since the start` };
  return undefined;
}

/** The names with those that a document uses; the same set where it uses no new one. */
export function namesAfter(
  names: ReadonlySet<DatabaseId>,
  used: Iterable<DatabaseId>,
): ReadonlySet<DatabaseId> {
  const added = [...used].filter((id) => !names.has(id));
  return added.length === 0 ? names : new Set([...names, ...added]);
}

/**
 * The databases that nobody names any more: no source's latest document, however old, no setting, and no
 * mailbox of the directory. No session can ask for them, and they would be kept for ever.
 */
export function unnamedOf(state: KnownDatabases, isInDirectory: (id: DatabaseId) => boolean): DatabaseId[] {
  const named = new Set(state.rules.databases.map(({ id }) => id));
  for (const { claims } of state.sources.values()) for (const id of claims.keys()) named.add(id);
  return [...state.view.databases.keys()].filter((id) => !named.has(id) && !isInDirectory(id));
}
