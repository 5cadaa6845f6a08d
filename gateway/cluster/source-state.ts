/** What we hold of one copy source: its latest document, and when it usually speaks. PURE. */
import type { Claim, ClaimSet } from '#model/claim';
import type { DatabaseId, Moment } from '#model/ids';

export interface SourceState {
  readonly seq: number | undefined;
  readonly receivedAt: Moment;
  /** The pause between its documents: the longest of late. Undefined until it has spoken twice. */
  readonly everyMs: number | undefined;
  /** Its latest document; what that does not name it no longer claims. */
  readonly claims: ReadonlyMap<DatabaseId, Claim>;
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
    growsStale: set.claims.every(({ growsStale }) => growsStale),
  };
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
 * A burst at a change must not make the usual pause look long, so the longest of late counts and fades
 * slowly.
 */
function pauseAfter({ everyMs, receivedAt }: SourceState, now: Moment, staleAfterMs: number): number {
  const longest = Math.max(now - receivedAt, (everyMs ?? 0) * fading);
  return Math.min(staleAfterMs, Math.max(pauseMsMin, longest));
}

/** Two pauses, and half a one for a slow way. */
const missedPauses = 2.5;
const fading = 0.9;
/** Agents speak every second at the most (docs/agent-feed.md); shorter pauses are bursts. */
const pauseMsMin = 1000;
