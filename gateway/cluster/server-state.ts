/**
 * Whether a server is up for one protocol: folds probes' results by rise and fall, and slows a server that
 * flaps.
 *
 * It knows nothing of databases (store-state.ts) or of what the operator wants (cluster-state.ts).
 * PURE: the moment is an argument.
 */
import type { Moment } from '#model/ids';
import type { Health } from '#model/routing-table';
import type { Verdict } from '#model/claim';

/** What we believe of one server and protocol, and what we count to believe otherwise. */
export interface ProtocolState {
  readonly health: Health;
  /** Of the last good probe; the same array while they are the same. */
  readonly capabilities: readonly string[];
  /** In a row; at most one of the two is over 0. goods <= riseCount, bads <= fallCount. */
  readonly goods: number;
  readonly bads: number;
  /** The last change between up and down. */
  readonly changedAt: Moment | undefined;
  /** When it went down lately, the latest two. */
  readonly falls: readonly Moment[];
}

export interface HealthRules {
  readonly riseCount: number;
  readonly fallCount: number;
}

export type ProtocolVerdict = Extract<Verdict, { is: 'good' | 'bad' }>;

export const unknownProtocol: ProtocolState = {
  health: { is: 'unknown' },
  capabilities: [],
  goods: 0,
  bads: 0,
  changedAt: undefined,
  falls: [],
};

/** The state after one more probe; `before` itself when nothing changed. */
export function updateProtocol(
  before: ProtocolState,
  verdict: ProtocolVerdict,
  now: Moment,
  rules: HealthRules,
): ProtocolState {
  const counted = count(before, verdict, rules);
  const health = healthAfter(counted, verdict, rules);
  if (health === undefined || isDamped(counted, now)) return counted;
  return {
    ...counted,
    health,
    changedAt: now,
    falls: health.is === 'down' ? [...counted.falls, now].slice(-flapsFree) : counted.falls,
  };
}

function count(before: ProtocolState, verdict: ProtocolVerdict, rules: HealthRules): ProtocolState {
  const isGood = verdict.is === 'good';
  const goods = isGood ? Math.min(before.goods + 1, rules.riseCount) : 0;
  const bads = isGood ? 0 : Math.min(before.bads + 1, rules.fallCount);
  const capabilities = isGood ? sameOr(before.capabilities, verdict.capabilities) : before.capabilities;
  const isSame = goods === before.goods && bads === before.bads && capabilities === before.capabilities;
  return isSame ? before : { ...before, goods, bads, capabilities };
}

/**
 * The health that the counts ask for, or undefined where it is what it was. A `why` stays that of the edge.
 */
function healthAfter(state: ProtocolState, verdict: ProtocolVerdict, rules: HealthRules): Health | undefined {
  if (verdict.is === 'bad') {
    const hasFallen = state.health.is !== 'down' && state.bads >= rules.fallCount;
    return hasFallen ? { is: 'down', why: verdict.why } : undefined;
  }
  // At the start one good answer is enough: nothing speaks against the server, and users wait.
  const hasRisen =
    state.health.is === 'unknown' || (state.health.is === 'down' && state.goods >= rules.riseCount);
  return hasRisen ? { is: 'up' } : undefined;
}

/**
 * From its second fall within a minute on, a server changes at most once in ten seconds, either way: each
 * change ends sessions or moves them, so a server that flaps harms more than one that is down.
 */
function isDamped({ falls, changedAt }: ProtocolState, now: Moment): boolean {
  const recent = falls.filter((fall) => now - fall <= flapWindowMs);
  return recent.length >= flapsFree && changedAt !== undefined && now - changedAt < flapPauseMs;
}

function sameOr(before: readonly string[], after: readonly string[]): readonly string[] {
  return before.length === after.length && before.every((item, index) => item === after[index])
    ? before
    : after;
}

/** A server that restarts goes down once, and a careless operator restarts it twice. */
const flapsFree = 2;
const flapWindowMs = 60_000;
const flapPauseMs = 10_000;
