/** What we hold of one copy source: its latest document, and when it usually speaks. PURE. */
import type { Claim, ClaimSet } from '#model/claim';
import type { DatabaseId, Moment, ServerId } from '#model/ids';

export interface SourceState {
  readonly seq: number | undefined;
  readonly receivedAt: Moment;
  /** The pause between its documents: the longest of late. Undefined until it has spoken twice. */
  readonly everyMs: number | undefined;
  /** Its latest document; what that does not name it no longer claims. */
  readonly claims: ReadonlyMap<DatabaseId, Claim>;
  /** By `server/database`: since when each of its documents has said that the copy is mounted there. */
  readonly mountedSince: ReadonlyMap<string, Moment>;
  /** False for a source that speaks only at a change: its silence means nothing. */
  readonly growsStale: boolean;
}

export interface SourceRules {
  readonly staleAfterMs: number;
}

/**
 * True for a document that must be dropped: its `seq` is not above that of the last one, so it was overtaken
 * on the way or is sent again. A source that has been silent until its word is stale may count from
 * the start: it was restarted and has lost its count. Were that allowed at once, a document
 * that was delayed would pass for a restart and bring an old owner back.
 */
export function isOutOfOrder(
  before: SourceState,
  set: ClaimSet,
  now: Moment,
  { staleAfterMs }: SourceRules,
): boolean {
  if (set.seq === undefined || before.seq === undefined || set.seq > before.seq) return false;
  return now - before.receivedAt <= staleAfterMs;
}

/** The source with this document in place of the last one. */
export function updateSource(
  before: SourceState | undefined,
  set: ClaimSet,
  now: Moment,
  { staleAfterMs }: SourceRules,
): SourceState {
  return {
    seq: set.seq,
    receivedAt: now,
    everyMs: before === undefined ? undefined : pauseAfter(before, now, staleAfterMs),
    claims: new Map(set.claims.map((claim) => [claim.database, claim])),
    mountedSince: mountedSinceAfter(before, set, now),
    growsStale: set.growsStale !== false,
  };
}

/**
 * A silence does not end what was said before it: a source that comes back with the same word has not taken
 * over anew.
 */
function mountedSinceAfter(
  before: SourceState | undefined,
  { claims }: ClaimSet,
  now: Moment,
): Map<string, Moment> {
  const since = new Map<string, Moment>();
  for (const { database, copies } of claims) {
    for (const { server, status } of copies) {
      const key = `${server}/${database}`;
      if (status === 'Mounted') since.set(key, before?.mountedSince.get(key) ?? now);
    }
  }
  return since;
}

/** Since when the source has said that the database is mounted there; undefined where it does not. */
export function saysMountedSince(
  source: SourceState | undefined,
  server: ServerId,
  database: DatabaseId,
): Moment | undefined {
  return source?.mountedSince.get(`${server}/${database}`);
}

/**
 * True where the source has missed its time twice while another spoke, at `spokenAt`. Measured by the others'
 * words, not by the clock: where all fall silent at once, nobody is overdue and nothing moves. A source
 * that has spoken once only is never overdue.
 */
export function isOverdue(source: SourceState | undefined, spokenAt: Moment): boolean {
  if (source?.everyMs === undefined || !source.growsStale) return false;
  return spokenAt - source.receivedAt > source.everyMs * missedPauses;
}

/** Every claim about a database, in the order of the sources' names. */
export function claimsOn(sources: ReadonlyMap<string, SourceState>, database: DatabaseId): Claim[] {
  const names = [...sources.keys()].sort();
  return names.flatMap((name) => sources.get(name)?.claims.get(database) ?? []);
}

/**
 * The longest pause of late. It fades by the time that passes, never by the number of documents: a burst at a
 * change must not make the next usual pause look long, and a source that hung once must be known for punctual
 * again some minutes later.
 */
function pauseAfter({ everyMs, receivedAt }: SourceState, now: Moment, staleAfterMs: number): number {
  const pause = now - receivedAt;
  const longest = Math.max(pause, (everyMs ?? 0) - pause * fading);
  return Math.min(staleAfterMs, Math.max(pauseMsMin, longest));
}

/** Two pauses, and half a one for a slow way. */
const missedPauses = 2.5;
/** Each second of speaking takes 50 ms off the known pause: half a minute of bursts halves one of 3 s. */
const fading = 0.05;
/** Agents speak every second at the most (docs/agent-feed.md); shorter pauses are bursts. */
const pauseMsMin = 1000;
