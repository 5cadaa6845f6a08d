/**
 * Who serves a database: folds what the copy sources claim into one owner.
 *
 * It does not ask the sources (copy-sources/), keep their claims (cluster-state.ts), choose a server for a
 * session (workers/route.ts), or end sessions after a move (drain/). PURE: moments are arguments.
 */
import type { Claim, CopyStatus } from '#model/claim';
import type { Generation, Moment, ServerId } from '#model/ids';
import type { DatabaseState, Owner } from '#model/routing-table';

/** What the claims are judged by. */
export interface Judging {
  readonly now: Moment;
  /** Milliseconds since 1970, for the generation of an owner whose source has no epoch. */
  readonly wallMs: number;
  readonly staleAfterMs: number;
  /** The largest epoch ever claimed for this database. Claims with an older one lose. */
  readonly epoch: number | undefined;
  /** Generations up to this one were given to databases that have been forgotten since. */
  readonly usedGeneration: number;
  /**
   * True for a source that has missed its usual time to speak while others spoke, by `spokenAt`, though its
   * word is not stale.
   */
  readonly isOverdue: (source: string, spokenAt: Moment) => boolean;
  /** Since when a source has said that the database is mounted on the server; undefined: it does not. */
  readonly mountedSince: (source: string, server: ServerId) => Moment | undefined;
  /** Servers that the settings know; claims about others do not count. */
  readonly isServer: (server: ServerId) => boolean;
}

/**
 * The state that follows from the claims, given the one before; `before` itself when nothing changed.
 *
 * In this order: one server mounts it: served. Two do: disputed, and the owner stays. One is mounting it:
 * moving. Else the server that is active without a mount (`activeOf`), whose copy's status then decides
 * between moving, dismounted and remembered. No fresh claim at all: remembered.
 */
export function updateOwnership(
  before: DatabaseState,
  claims: readonly Claim[],
  judging: Judging,
): DatabaseState {
  const current = claims.filter((claim) => !isOutdated(claim, judging.epoch));
  const after = current.some((claim) => isFresh(claim, judging))
    ? judged(before, stillSaid(current, judging), judging)
    : remembered(before);
  return isSameState(before, after) ? before : after;
}

/**
 * The claims that were fresh when the last word was spoken. Of two sources that fall silent together one is
 * stale first, and its silence must not decide for the other: only who speaks can move a database.
 */
function stillSaid(claims: readonly Claim[], { now, staleAfterMs }: Judging): Claim[] {
  const hasStanding = claims.some(({ growsStale }) => !growsStale);
  const at = hasStanding ? now : lastWordAt(claims);
  return claims.filter((claim) => isFresh(claim, { now: at, staleAfterMs }));
}

/** When the latest of the sources spoke whose word grows stale. */
function lastWordAt(claims: readonly Claim[]): Moment {
  return Math.max(0, ...claims.map((claim) => (claim.growsStale ? claim.receivedAt : 0))) as Moment;
}

/**
 * True while a claim's word counts by its age. The word of a source that speaks only at a change does not
 * age.
 */
export function isFresh(claim: Claim, { now, staleAfterMs }: Pick<Judging, 'now' | 'staleAfterMs'>): boolean {
  return !claim.growsStale || now - claim.receivedAt <= staleAfterMs;
}

/** True for a claim from before a move that is already known: its source slept, or looks at an old state. */
export function isOutdated(claim: Claim, epoch: number | undefined): boolean {
  return claim.epoch !== undefined && epoch !== undefined && claim.epoch < epoch;
}

/** The owner that a state knows. */
export function ownerOf(state: DatabaseState): Owner | undefined {
  return state.at === 'unclaimed' ? undefined : state.owner;
}

export function isSameState(a: DatabaseState, b: DatabaseState): boolean {
  if (a === b) return true;
  const [ownerA, ownerB] = [ownerOf(a), ownerOf(b)];
  const isSameOwner = ownerA?.server === ownerB?.server && ownerA?.generation === ownerB?.generation;
  return a.at === b.at && isSameOwner && claimantsOf(a).join(' ') === claimantsOf(b).join(' ');
}

function judged(before: DatabaseState, claims: readonly Claim[], judging: Judging): DatabaseState {
  const statuses = statusesOf(claims, judging);
  const mounted = mountedOf(claims, statuses, judging);
  if (mounted.length > 1) return { at: 'disputed', owner: ownerOf(before), claimants: mounted };

  const [server] = mounted;
  if (server !== undefined) return { at: 'served', owner: ownerAfter(before, server, judging) };

  const mounting = serversWith(statuses, ['Mounting']);
  const [next] = mounting;
  if (next !== undefined && mounting.length === 1)
    return { at: 'moving', owner: ownerAfter(before, next, judging) };
  return unmounted(before, claims, { statuses, judging });
}

/**
 * The servers that mount the database. Where there are two, a source that has missed its time may have died
 * with its server: then those that still speak decide. But only a source that has not spoken since the
 * dispute began: once both sides have, a pause of one says nothing, and would move the database to and fro.
 */
function mountedOf(claims: readonly Claim[], statuses: Statuses, judging: Judging): ServerId[] {
  const mounted = serversWith(statuses, ['Mounted']);
  if (mounted.length <= 1) return mounted;
  const spokenAt = lastWordAt(claims);
  const since = Math.max(...mounted.map((server) => firstSaidAt(server, claims, judging)));
  const believed = claims.filter(({ source, receivedAt }) => {
    return receivedAt >= since || !judging.isOverdue(source, spokenAt);
  });
  const stillMounted = serversWith(statusesOf(believed, judging), ['Mounted']);
  return stillMounted.length === 1 ? stillMounted : mounted;
}

/** When the server was first said to mount the database, by its own agent where that speaks. */
function firstSaidAt(server: ServerId, claims: readonly Claim[], { mountedSince }: Judging): Moment {
  const own = mountedSince(`agent:${server}`, server);
  if (own !== undefined && claims.some(({ source }) => source === `agent:${server}`)) return own;
  return Math.min(...claims.map(({ source }) => mountedSince(source, server) ?? Infinity)) as Moment;
}

/** Nobody mounts it: the copy that is active all the same keeps the database, or gets it. */
function unmounted(
  before: DatabaseState,
  claims: readonly Claim[],
  { statuses, judging }: { readonly statuses: Statuses; readonly judging: Judging },
): DatabaseState {
  const server = activeOf(before, claims, { statuses, judging });
  if (server === undefined) return { at: 'unclaimed' };
  const owner = ownerAfter(before, server, judging);
  switch (statuses.get(server)) {
    case 'Dismounting':
    case 'Mounting':
    // A passive copy that is called active is being activated; the one that was active is being left.
    case 'Healthy':
    case 'DisconnectedAndHealthy':
    case 'DisconnectedAndResynchronizing':
    case 'SeedingSource':
    case 'Resynchronizing':
    case 'Initializing':
      return { at: 'moving', owner };
    case 'Dismounted':
    case 'Seeding':
    case 'SinglePageRestore':
    case 'Suspended':
    case 'Failed':
    case 'FailedAndSuspended':
      return { at: 'dismounted', owner };
    // The sources say who is active and can't say how it stands (ServiceDown is the replication's, not the
    // store's): refusing everyone would be a guess, and the worse one.
    case 'ServiceDown':
    case 'Unknown':
    case 'Mounted':
    case undefined:
      return { at: 'remembered', owner };
  }
}

/**
 * Dismounted is not elsewhere: an owner whose copy is dismounting or dismounted stays the owner. Else the
 * server that most sources call active; a tie is nobody. Without a vote the owner stays, and where there is
 * none, the one copy that is dismounted is the active one.
 */
function activeOf(
  before: DatabaseState,
  claims: readonly Claim[],
  { statuses, judging }: { readonly statuses: Statuses; readonly judging: Judging },
): ServerId | undefined {
  const owner = ownerOf(before)?.server;
  const active = serversWith(statuses, ['Dismounting', 'Dismounted']);
  if (owner !== undefined && active.includes(owner)) return owner;
  const only = active.length === 1 ? active[0] : undefined;
  return mostNamed(claims, judging) ?? owner ?? only;
}

function mostNamed(claims: readonly Claim[], { isServer }: Judging): ServerId | undefined {
  const votes = new Map<ServerId, number>();
  for (const { activeServer } of claims) {
    if (activeServer !== undefined && isServer(activeServer)) {
      votes.set(activeServer, (votes.get(activeServer) ?? 0) + 1);
    }
  }
  const [first, second] = [...votes].sort(([, a], [, b]) => b - a);
  return first !== undefined && first[1] !== second?.[1] ? first[0] : undefined;
}

type Statuses = ReadonlyMap<ServerId, CopyStatus>;

/**
 * One status a copy. A server's own agent knows best how its copy stands; where it is silent, the most active
 * word of the others counts, so that no claim to be mounted is lost.
 */
function statusesOf(claims: readonly Claim[], { isServer }: Judging): Statuses {
  const statuses = new Map<ServerId, CopyStatus>();
  const own = new Set<ServerId>();
  for (const claim of claims) {
    for (const { server, status } of claim.copies.filter((copy) => isServer(copy.server))) {
      const isOwn = claim.source === `agent:${server}`;
      if (own.has(server) && !isOwn) continue;
      if (isOwn) own.add(server);
      if (isOwn || activity(status) >= activity(statuses.get(server))) statuses.set(server, status);
    }
  }
  return statuses;
}

function activity(status: CopyStatus | undefined): number {
  if (status === undefined) return -1;
  return activeStatuses.indexOf(status) + 1;
}

function serversWith(statuses: Statuses, wanted: readonly CopyStatus[]): ServerId[] {
  return [...statuses].flatMap(([server, status]) => (wanted.includes(status) ? [server] : [])).sort();
}

/** Silence moves nothing: after a full outage the first to speak must not find a different owner. */
function remembered(before: DatabaseState): DatabaseState {
  const owner = ownerOf(before);
  return owner === undefined ? { at: 'unclaimed' } : { at: 'remembered', owner };
}

/**
 * The generation grows with each change of server: to the source's epoch where that is larger, else to the
 * millisecond of first sight, so that it stays comparable when what was kept is lost. Without a change it
 * only follows an epoch upwards: the copy moved away and back between two words of the source.
 */
function ownerAfter(before: DatabaseState, server: ServerId, judging: Judging): Owner {
  const { epoch, wallMs, usedGeneration } = judging;
  const owner = ownerOf(before);
  if (owner?.server === server) {
    return epoch !== undefined && epoch > owner.generation
      ? { server, generation: epoch as Generation }
      : owner;
  }
  const next = (owner === undefined ? usedGeneration : owner.generation) + 1;
  return { server, generation: Math.max(next, epoch ?? wallMs) as Generation };
}

function claimantsOf(state: DatabaseState): readonly ServerId[] {
  return state.at === 'disputed' ? state.claimants : [];
}

/** From the least to the most active. */
const activeStatuses: readonly CopyStatus[] = ['Dismounted', 'Dismounting', 'Mounting', 'Mounted'];
