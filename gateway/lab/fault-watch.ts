/**
 * What a fault looks like from outside: while it happens, logs in every 100 ms as a mailbox that it
 * strikes, and notes when the claim, the published route, the first failed and the first good login came.
 *
 * It causes nothing: the fault is an argument. Neither does it know sockets: logins and questions are
 * arguments too.
 */
import type { LoginOutcome } from './login-try.ts';

export interface WatchParts {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly login: (mailbox: string, signal: AbortSignal) => Promise<LoginOutcome>;
  /** Where the gateway would send the mailbox now; undefined when it can't be asked. */
  readonly publishedServer: (mailbox: string) => Promise<string | undefined>;
  /** Called when a claim for the database reached the gateway. Returns the way to stop it. */
  readonly onClaimed: (
    listener: (claim: { database: string; server: string; at: number }) => void,
  ) => () => void;
}

export interface Struck {
  readonly database: string;
  readonly mailbox: string;
  /** The server that has the active copy before the fault. */
  readonly server: string;
}

/** Milliseconds since the fault; undefined for what did not happen within the time. */
export interface Timeline extends Struck {
  readonly claimMs: number | undefined;
  readonly publishMs: number | undefined;
  readonly firstFailedMs: number | undefined;
  readonly firstFailedWhy: string | undefined;
  readonly firstGoodMs: number | undefined;
  readonly firstGoodServer: string | undefined;
}

export const loginEveryMs = 100;
const askEveryMs = 20;
/** Longer than the slowest detection (a frozen server) and the slowest hold that a demo should show. */
export const watchMsMax = 15_000;

/**
 * Settles when the first login on another server is there, or the time is over. Rejects when the fault
 * itself does.
 */
export async function watchFault(
  parts: WatchParts,
  struck: Struck,
  fault: () => Promise<void>,
): Promise<Timeline> {
  const notes: { -readonly [Key in keyof Timeline]?: Timeline[Key] } = {};
  const over = new AbortController();
  const startedAt = parts.now();
  const since = () => Math.round(parts.now() - startedAt);
  const finishWhenSeen = () => {
    if (notes.firstGoodMs !== undefined && notes.publishMs !== undefined && notes.claimMs !== undefined)
      over.abort();
  };
  const unwatch = parts.onClaimed(({ database, server, at }) => {
    if (database !== struck.database || server === struck.server) return;
    notes.claimMs ??= Math.round(at - startedAt);
    finishWhenSeen();
  });
  const noteLogin = (outcome: LoginOutcome) => {
    if (over.signal.aborted) return;
    if (outcome.is === 'failed' && notes.firstFailedMs === undefined) {
      Object.assign(notes, { firstFailedMs: since(), firstFailedWhy: outcome.why });
    }
    if (outcome.is === 'good' && outcome.server !== struck.server && notes.firstGoodMs === undefined) {
      Object.assign(notes, { firstGoodMs: since(), firstGoodServer: outcome.server });
      finishWhenSeen();
    }
  };
  const notePublished = (server: string | undefined) => {
    if (server === undefined || server === struck.server || over.signal.aborted) return;
    notes.publishMs ??= since();
    finishWhenSeen();
  };
  const timers = [
    setInterval(() => void parts.login(struck.mailbox, over.signal).then(noteLogin), loginEveryMs),
    setInterval(() => void parts.publishedServer(struck.mailbox).then(notePublished), askEveryMs),
    setTimeout(() => over.abort(), watchMsMax),
  ];
  try {
    await fault();
    await aborted(over.signal);
  } finally {
    over.abort();
    unwatch();
    for (const timer of timers) clearInterval(timer);
  }
  return timelineOf(struck, notes);
}

/** The lines that a person reads. */
export function formatTimeline(timeline: Timeline): string[] {
  const row = (what: string, ms: number | undefined, note = '') => {
    const shown = ms === undefined ? '-' : `${ms} ms`;
    return `  ${what.padEnd(20)}${shown.padStart(9)}${note === '' ? '' : `  ${note}`}`;
  };
  const { server, firstGoodServer: next, firstFailedMs, firstFailedWhy } = timeline;
  const noFailure = 'none before the first good one: logins were held';
  return [
    `${timeline.database} was on ${server}; logins as ${timeline.mailbox} every ${loginEveryMs} ms:`,
    row('fault', 0),
    row('claim', timeline.claimMs),
    row('publish', timeline.publishMs),
    row('first failed login', firstFailedMs, firstFailedMs === undefined ? noFailure : firstFailedWhy),
    row('first good login', timeline.firstGoodMs, next === undefined ? 'not in time' : `on ${next}`),
  ];
}

function timelineOf(struck: Struck, notes: Partial<Timeline>): Timeline {
  const { claimMs, publishMs, firstFailedMs, firstFailedWhy, firstGoodMs, firstGoodServer } = notes;
  return { ...struck, claimMs, publishMs, firstFailedMs, firstFailedWhy, firstGoodMs, firstGoodServer };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
