/**
 * Whether a database's store answers on a server that is up: what only a login finds (the port is open, the
 * greeting is fine, and the mailboxes are not there). PURE.
 */
import type { Verdict } from '#model/claim';

/** Of one database on one server. */
export interface StoreState {
  /** Bad logins in a row, at most `fallCount`. */
  readonly bads: number;
  /** Why the store counts as failed; undefined while it does not. */
  readonly fault: string | undefined;
}

export type StoreVerdict = Extract<Verdict, { is: 'databaseBad' | 'databaseGood' }>;

export const soundStore: StoreState = { bads: 0, fault: undefined };

/** The state after one more login probe; `before` itself when nothing changed. */
export function updateStore(before: StoreState, verdict: StoreVerdict): StoreState {
  if (verdict.is === 'databaseGood') return before.bads === 0 ? before : soundStore;
  const bads = Math.min(before.bads + 1, storeFallCount);
  const fault = before.fault ?? (bads >= storeFallCount ? verdict.why : undefined);
  return bads === before.bads && fault === before.fault ? before : { bads, fault };
}

/**
 * Logins are probed seldom (15 s), so waiting for the fall count of greetings would take most of a minute;
 * two in a row, because one may have met a restart. One good login clears the fault: users wait for it.
 */
const storeFallCount = 2;
