/**
 * Finds the server for one login: asks route.ts, and waits where there may be one soon. A wait is bounded by
 * the hold time, and is given up when the client leaves. It does not dial (open-server.ts).
 */
import type { Clock } from '#lib/clock';
import type { EndReason } from '#model/end-reason';
import type { RouteDecision } from './route.ts';
import type { Session } from './session.ts';

/** A mailbox as the engine's directory knows it. */
export interface Mailbox {
  /** The two halves of its identity, which it has even where the directory lacks it. */
  readonly low: number;
  readonly high: number;
  /** -1: not in the directory. */
  readonly database: number;
}

/** What a page may ask about mailboxes and servers; every answer is that of this moment. */
export interface Router {
  mailboxOf(mailboxKey: string): Mailbox;
  decide(mailbox: Mailbox, avoid: readonly number[]): RouteDecision;
}

/** One login's search for a server; it outlives single tries. */
export interface Search {
  readonly router: Router;
  readonly clock: Clock;
  /** Nothing waits beyond this moment. */
  readonly deadline: number;
  /** Servers that failed this login since the last wait, by index. */
  readonly avoid: number[];
}

export type Served = Extract<RouteDecision, { is: 'serve' }>;
export type Placed = { readonly is: 'placed'; readonly served: Served } | Over;

/** There is no server for the login, or no client any more. */
export interface Over {
  readonly is: 'over';
  readonly reason: EndReason;
  /** In place of the front's usual ones. */
  readonly lastWords?: string | undefined;
}

/** A search that may wait for `holdForMs` from now. */
export function beginSearch(router: Router, clock: Clock, holdForMs: number): Search {
  return { router, clock, deadline: clock.now() + holdForMs, avoid: [] };
}

/** The server for the mailbox, as soon as there is one. */
export async function place(session: Session, mailbox: Mailbox, search: Search): Promise<Placed> {
  for (;;) {
    const decision = search.router.decide(mailbox, search.avoid);
    if (decision.is === 'serve') return { is: 'placed', served: decision };
    if (decision.is === 'refuse') return { is: 'over', reason: decision.reason };
    const waited = await pause(session, search, pauseFor(decision.reason, search));
    if (!waited) return { is: 'over', reason: decision.reason };
  }
}

/**
 * Waits at most `ms`, less when a new table comes; false where the hold time is up or the session is over.
 */
export async function pause(session: Session, search: Search, ms: number): Promise<boolean> {
  const left = search.deadline - search.clock.now();
  if (left <= 0) return false;
  const outcome = await session.hold(Math.min(left, ms));
  // A server that failed before the wait may be back: the count of failures bounds the tries, not this list.
  search.avoid.length = 0;
  return outcome !== 'ended';
}

function pauseFor(reason: EndReason, search: Search): number {
  if (reason === 'held_elsewhere') return heldElsewherePauseMs;
  return search.avoid.length > 0 ? failedServerPauseMs : Infinity;
}

/** The last session of a mailbox ends without a new table: it has to be looked for. */
export const heldElsewherePauseMs = 100;
/** A restarting server refuses for about a second. */
export const failedServerPauseMs = 500;
