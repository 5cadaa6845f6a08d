/**
 * All that we believe at one moment, and how one more fact changes it. The facts are claims of copy sources,
 * observations of probes, the operator's wishes and time.
 *
 * Rules for one database are in active-copy.ts, for one server in server-state.ts. What follows from a change
 * (a routing table, sessions to end) is for routing/ and drain/. PURE.
 */
import { unreachable } from '#lib/assert';
import type { Claim, ClaimSet, Observation } from '#model/claim';
import type { DatabaseId, Moment, ServerId } from '#model/ids';
import type { Kept, KeptOwner } from '#model/kept';
import type { Protocol } from '#model/protocol';
import type { AdminState, DatabaseState, Health } from '#model/routing-table';
import { isSameState, ownerOf, updateOwnership } from './active-copy.ts';
import { namesAfter, refusalOf, unnamedOf } from './known-databases.ts';
import { updateProtocol, unknownProtocol } from './server-state.ts';
import type { ProtocolState } from './server-state.ts';
import { claimsOn, isOverdue, saysMountedSince, updateSource } from './source-state.ts';
import type { SourceState } from './source-state.ts';
import { soundStore, updateStore } from './store-state.ts';
import type { StoreState, StoreVerdict } from './store-state.ts';

/** What the settings say of the cluster. */
export interface ClusterRules {
  readonly servers: readonly ServerId[];
  readonly databases: readonly { readonly id: DatabaseId; readonly copies: readonly ServerId[] }[];
  readonly staleAfterMs: number;
  readonly riseCount: number;
  readonly fallCount: number;
}

export type ClusterInput =
  | { readonly is: 'claims'; readonly set: ClaimSet }
  | { readonly is: 'observation'; readonly observation: Observation }
  | { readonly is: 'admin'; readonly server: ServerId; readonly admin: AdminState }
  /** Time has passed: about once a second. What may be in the directory is not forgotten. */
  | { readonly is: 'tick'; readonly isInDirectory?: (id: DatabaseId) => boolean };

export interface ClusterMoment {
  readonly now: Moment;
  /** Milliseconds since 1970: used for a first generation only. */
  readonly wallMs: number;
}

/**
 * Immutable. `view` is what routing sees; it stays the same object while only evidence changes (a claim that
 * says the same again), so "must we publish?" is one comparison.
 */
export interface ClusterState {
  readonly rules: ClusterRules;
  readonly view: ClusterView;
  readonly sources: ReadonlyMap<string, SourceState>;
  /** By `server/protocol`. */
  readonly probes: ReadonlyMap<string, ProtocolState>;
  /** By `server/database`. */
  readonly stores: ReadonlyMap<string, StoreState>;
  /** The largest epoch claimed for each database. */
  readonly epochs: ReadonlyMap<DatabaseId, number>;
  /** Every name that a source has used. It only grows, as the engine's list of names does. */
  readonly names: ReadonlySet<DatabaseId>;
  /** The largest generation of the databases that were forgotten; a later first one is above it. */
  readonly usedGeneration: number;
}

/** What routing sees of the cluster; the servers are those of the settings. */
export interface ClusterView {
  readonly servers: ReadonlyMap<ServerId, ServerView>;
  readonly databases: ReadonlyMap<DatabaseId, DatabaseView>;
}

/** One server: what the operator wants, and what probes found for each protocol. */
export interface ServerView {
  readonly admin: AdminState;
  readonly protocols: Readonly<Partial<Record<Protocol, ProtocolView>>>;
}

/** What probes found of one protocol of a server. */
export interface ProtocolView {
  readonly health: Health;
  readonly capabilities: readonly string[];
}

export interface DatabaseView {
  readonly state: DatabaseState;
  /** Servers with a copy, the preferred first. */
  readonly copies: readonly ServerId[];
  /** Why the store fails on the owner, which is up; undefined: it does not. */
  readonly fault: string | undefined;
}

/** The state at the start: nothing observed, the owners of the last run remembered. */
export function startCluster(rules: ClusterRules, kept: Kept): ClusterState {
  const servers = rules.servers.map((id): [ServerId, ServerView] => {
    return [id, { admin: kept.admins.get(id) ?? 'ready', protocols: {} }];
  });
  const owners = [...kept.owners].map(([id, { server, generation }]): [DatabaseId, DatabaseView] => {
    return [id, { state: { at: 'remembered', owner: { server, generation } }, copies: [], fault: undefined }];
  });
  const epochs = [...kept.owners].flatMap(([id, { epoch }]): [DatabaseId, number][] => {
    return epoch === undefined ? [] : [[id, epoch]];
  });
  const state: ClusterState = {
    rules,
    view: { servers: new Map(servers), databases: new Map(owners) },
    sources: new Map(),
    probes: new Map(),
    stores: new Map(),
    epochs: new Map(epochs),
    names: new Set(),
    usedGeneration: 0,
  };
  return refreshed(state, allDatabases(state), atStart);
}

/** The state after one more fact; the SAME object when nothing changed, not even evidence. */
export function updateCluster(state: ClusterState, input: ClusterInput, moment: ClusterMoment): ClusterState {
  switch (input.is) {
    case 'claims':
      return withClaims(state, input.set, moment);
    case 'observation':
      return withObservation(state, input.observation, moment);
    case 'admin':
      return withAdmin(state, input.server, input.admin);
    case 'tick':
      return withTick(state, input.isInDirectory, moment);
    default:
      return unreachable(input);
  }
}

/** What the store should hold: owners with their generations, and what the operator wants. */
export function keptOf({ view, epochs }: ClusterState): Kept {
  const owners = new Map<DatabaseId, KeptOwner>();
  for (const [id, { state }] of view.databases) {
    const owner = ownerOf(state);
    if (owner !== undefined) owners.set(id, { ...owner, epoch: epochs.get(id) });
  }
  const admins = [...view.servers].flatMap(([id, { admin }]): [ServerId, AdminState][] => {
    return admin === 'ready' ? [] : [[id, admin]];
  });
  return { owners, admins: new Map(admins) };
}

function withTick(
  state: ClusterState,
  isInDirectory: ((id: DatabaseId) => boolean) | undefined,
  moment: ClusterMoment,
): ClusterState {
  const named = isInDirectory === undefined ? state : without(state, unnamedOf(state, isInDirectory));
  return refreshed(named, named.view.databases.keys(), moment);
}

/** The state in which these databases are forgotten, but for how far their generations went. */
function without(state: ClusterState, gone: readonly DatabaseId[]): ClusterState {
  if (gone.length === 0) return state;
  const databases = new Map(state.view.databases);
  const epochs = new Map(state.epochs);
  const stores = new Map(state.stores);
  let { usedGeneration } = state;
  for (const id of gone) {
    const view = databases.get(id);
    const owner = view === undefined ? undefined : ownerOf(view.state);
    usedGeneration = Math.max(usedGeneration, owner?.generation ?? 0);
    databases.delete(id);
    epochs.delete(id);
    for (const server of state.rules.servers) stores.delete(`${server}/${id}`);
  }
  return { ...state, view: { ...state.view, databases }, epochs, stores, usedGeneration };
}

function withClaims(state: ClusterState, set: ClaimSet, moment: ClusterMoment): ClusterState {
  if (refusalOf(state, set, moment.now) !== undefined) return state;
  const before = state.sources.get(set.source);
  const source = updateSource(before, set, moment.now, state.rules);
  const epochs = new Map(state.epochs);
  for (const { database, epoch } of set.claims) {
    if (epoch !== undefined) epochs.set(database, Math.max(epoch, epochs.get(database) ?? 0));
  }
  const names = namesAfter(state.names, source.claims.keys());
  const after = { ...state, sources: new Map(state.sources).set(set.source, source), epochs, names };
  return refreshed(after, new Set([...(before?.claims.keys() ?? []), ...source.claims.keys()]), moment);
}

function withObservation(state: ClusterState, observation: Observation, moment: ClusterMoment): ClusterState {
  const { server, protocol, verdict } = observation;
  if (!state.view.servers.has(server)) return state;
  if (verdict.is === 'databaseBad' || verdict.is === 'databaseGood') {
    return withStoreVerdict(state, { server, verdict }, moment);
  }
  const key = `${server}/${protocol}`;
  const before = state.probes.get(key) ?? unknownProtocol;
  const after = updateProtocol(before, verdict, observation.at, state.rules);
  if (after === before) return state;
  const probed = { ...state, probes: new Map(state.probes).set(key, after) };
  return withProtocolView(probed, { server, protocol }, after);
}

function withStoreVerdict(
  state: ClusterState,
  { server, verdict }: { readonly server: ServerId; readonly verdict: StoreVerdict },
  moment: ClusterMoment,
): ClusterState {
  const key = `${server}/${verdict.database}`;
  const before = state.stores.get(key) ?? soundStore;
  const after = updateStore(before, verdict);
  if (after === before) return state;
  const stores = new Map(state.stores).set(key, after);
  const known = state.view.databases.has(verdict.database) ? [verdict.database] : [];
  return refreshed({ ...state, stores }, known, moment);
}

function withProtocolView(
  state: ClusterState,
  { server, protocol }: { readonly server: ServerId; readonly protocol: Protocol },
  { health, capabilities }: ProtocolState,
): ClusterState {
  const before = state.view.servers.get(server);
  const shown = before?.protocols[protocol];
  const isShown = shown?.health === health && shown.capabilities === capabilities;
  if (before === undefined || isShown || health.is === 'unknown') return state;
  return withServerView(state, server, {
    ...before,
    protocols: { ...before.protocols, [protocol]: { health, capabilities } },
  });
}

function withAdmin(state: ClusterState, server: ServerId, admin: AdminState): ClusterState {
  const before = state.view.servers.get(server);
  if (before === undefined || before.admin === admin) return state;
  return withServerView(state, server, { ...before, admin });
}

function withServerView(state: ClusterState, server: ServerId, view: ServerView): ClusterState {
  return { ...state, view: { ...state.view, servers: new Map(state.view.servers).set(server, view) } };
}

/** The state with its view of these databases worked out anew. */
function refreshed(state: ClusterState, ids: Iterable<DatabaseId>, moment: ClusterMoment): ClusterState {
  const changed = new Map<DatabaseId, DatabaseView>();
  for (const id of ids) {
    const before = state.view.databases.get(id);
    const after = databaseView(state, id, moment);
    if (before === undefined || !isSameView(before, after)) changed.set(id, after);
  }
  if (changed.size === 0) return state;
  const databases = new Map([...state.view.databases, ...changed]);
  const stores = storesAfter(state, changed);
  return { ...state, stores, view: { ...state.view, databases } };
}

/**
 * Without what was found of a database on servers that it has left: nobody asks there any more, so an old
 * fault would stand when the database comes back.
 */
function storesAfter(
  { rules, stores }: ClusterState,
  changed: ReadonlyMap<DatabaseId, DatabaseView>,
): ClusterState['stores'] {
  const left = [...changed].flatMap(([id, { state }]) => {
    const elsewhere = rules.servers.filter((server) => server !== ownerOf(state)?.server);
    return elsewhere.map((server) => `${server}/${id}`);
  });
  if (!left.some((key) => stores.has(key))) return stores;
  const kept = new Map(stores);
  for (const key of left) kept.delete(key);
  return kept;
}

function databaseView(state: ClusterState, id: DatabaseId, { now, wallMs }: ClusterMoment): DatabaseView {
  const { rules } = state;
  const claims = claimsOn(state.sources, id);
  const before = state.view.databases.get(id)?.state ?? { at: 'unclaimed' };
  const after = updateOwnership(before, claims, {
    now,
    wallMs,
    staleAfterMs: rules.staleAfterMs,
    epoch: state.epochs.get(id),
    usedGeneration: state.usedGeneration,
    isOverdue: (source, spokenAt) => isOverdue(state.sources.get(source), spokenAt),
    mountedSince: (source, server) => saysMountedSince(state.sources.get(source), server, id),
    isServer: (server) => rules.servers.includes(server),
  });
  const owner = ownerOf(after);
  const fault = owner === undefined ? undefined : state.stores.get(`${owner.server}/${id}`)?.fault;
  return { state: after, copies: copiesOf(rules, id, claims), fault };
}

/** As the settings say; else the servers that the sources name, by their activation preference. */
function copiesOf(rules: ClusterRules, id: DatabaseId, claims: readonly Claim[]): readonly ServerId[] {
  const configured = rules.databases.find((database) => database.id === id)?.copies ?? [];
  if (configured.length > 0) return configured;
  const preferences = new Map<ServerId, number>();
  for (const { server, activationPreference } of claims.flatMap(({ copies }) => copies)) {
    const preference = Math.min(activationPreference ?? Infinity, preferences.get(server) ?? Infinity);
    if (rules.servers.includes(server)) preferences.set(server, preference);
  }
  const byPreference = [...preferences].sort(([a, first], [b, second]) => {
    return first === second ? a.localeCompare(b) : first - second;
  });
  return byPreference.map(([server]) => server);
}

function isSameView(a: DatabaseView, b: DatabaseView): boolean {
  return isSameState(a.state, b.state) && a.fault === b.fault && a.copies.join(' ') === b.copies.join(' ');
}

function allDatabases({ rules, view }: ClusterState): Set<DatabaseId> {
  return new Set([...rules.databases.map(({ id }) => id), ...view.databases.keys()]);
}

/** There are no claims yet at the start, so no moment is compared with this one. */
const atStart: ClusterMoment = { now: 0 as Moment, wallMs: 0 };
