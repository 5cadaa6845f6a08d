/**
 * How fast sessions are told goodbye, and how long each may take to come to a safe boundary. PURE.
 *
 * Every client that is told comes back at once: a goodbye at full speed is a flood of logins on the servers
 * that are left.
 */

/** As the engine takes it. */
export interface Pace {
  /** Spliced sessions a second, evenly spread; 0 for all at once. */
  readonly perSecond: number;
  /** From the moment that a session is told. */
  readonly windowMs: number;
}

/**
 * For an answer that is on its way: a mail program that has not seen the OK to its APPEND sends the message
 * again. Not for a download, and not for a flood's sake: who waits here is kept from a mailbox, or works on a
 * server that has gone.
 */
const urgentWindowMs = 2_000;

/** A kick, and a server that died: all at once. Mail programs spread their own ways back. */
export const urgentPace: Pace = { perSecond: 0, windowMs: urgentWindowMs };

/**
 * An `exclusive` database that moved: two writers are worse than a login flood, and nobody gets in on the new
 * server before the last one has left the old. So never longer than half of what those who wait can wait.
 */
export function movePace(holdForMs: number): Pace {
  return { perSecond: 0, windowMs: Math.min(urgentWindowMs, Math.floor(holdForMs / 2)) };
}

/**
 * The end of the gateway: sessions that have nothing under way are told in the first half of the time at
 * most, and whoever was told last has what is left. `perSecond` is the pace of other goodbyes; it is exceeded
 * where the time is too short for it.
 */
export function shutdownPace(open: number, drainTimeoutMs: number, perSecond: number): Pace {
  if (perSecond === 0 || drainTimeoutMs === 0) return { perSecond: 0, windowMs: drainTimeoutMs };
  const needed = Math.ceil((open * 1_000) / (drainTimeoutMs / 2));
  const pace = Math.min(Math.max(perSecond, needed), perSecondMax);
  const spreadMs = Math.ceil((open * 1_000) / pace);
  return { perSecond: pace, windowMs: Math.max(0, drainTimeoutMs - spreadMs) };
}

/** The engine takes 32 bits; a pace like this is none. */
const perSecondMax = 1_000_000_000;
