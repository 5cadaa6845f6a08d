/**
 * Which sessions must end after a change, and why. PURE; drainer.ts ends them.
 *
 * `sticky` and `free` databases lose no session by a move: see docs/architecture.md, "Routing policy".
 */
import type { ServerChange, TableDiff } from '#gateway/routing/diff-table';
import type { EndReason } from '#model/end-reason';

export interface DrainRules {
  readonly serverDownSessions: 'end' | 'keep';
}

/** One order to the engine: end the sessions that match all of `selection`. */
export interface Goodbye {
  readonly selection: GoodbyeSelection;
  readonly reason: EndReason;
  /** For the log: "db1 moved from ex1 to ex2". */
  readonly why: string;
}

/** The engine's indexes. */
export interface GoodbyeSelection {
  readonly database?: number;
  readonly server?: number;
  /** With `database`: only sessions that are not on this server. */
  readonly exceptServer?: number;
}

/** The goodbyes in the order in which they should go out: what protects mailboxes first. */
export function planDrain(diff: TableDiff, { serverDownSessions }: DrainRules): Goodbye[] {
  const down = serverDownSessions === 'end' ? diff.down : [];
  return [
    ...movedGoodbyes(diff),
    ...down.map((change) => ofServer(change, 'server_down', 'is down')),
    ...diff.inMaintenance.map((change) => ofServer(change, 'drained', 'is in maintenance')),
    ...diff.removed.map((change) => ofServer(change, 'drained', 'was removed')),
  ];
}

/**
 * One writer a mailbox: whoever is not on the new server must leave before others come in there. A database
 * that nobody owned before has no sessions, unless it was forgotten for a while (cluster/known-databases.ts).
 */
function movedGoodbyes({ moved }: TableDiff): Goodbye[] {
  return moved
    .filter(({ policy, from, wasAbsent }) => policy === 'exclusive' && (from !== undefined || wasAbsent))
    .map(({ database, index, from, to, toIndex }) => ({
      selection: { database: index, ...(toIndex === undefined ? {} : { exceptServer: toIndex }) },
      reason: 'copy_moved',
      why:
        from === undefined
          ? `${database} is known again, on ${to}`
          : `${database} moved from ${from} to ${to}`,
    }));
}

function ofServer({ server, index, why }: ServerChange, reason: EndReason, words: string): Goodbye {
  return { selection: { server: index }, reason, why: `${server} ${words}${why === '' ? '' : `: ${why}`}` };
}
