/**
 * Which sessions must end after a change, and why. PURE; drainer.ts ends them.
 *
 * `sticky` and `free` databases lose no session by a move: see docs/architecture.md, "Routing policy".
 */
import type { ProtocolChange, ServerChange, TableDiff } from '#gateway/routing/diff-table';
import type { EndReason } from '#model/end-reason';
import { protocolCodes } from '#model/protocol';
import { type Pace, movePace, urgentPace } from './pace.ts';

export interface DrainRules {
  readonly serverDownSessions: 'end' | 'keep';
  /** How long logins wait for a database that is moving. */
  readonly holdForMs: number;
  /** For goodbyes that have time. */
  readonly goodbye: Pace;
}

/** One order to the engine: end the sessions that match all of `selection`. */
export interface Goodbye {
  readonly selection: GoodbyeSelection;
  readonly reason: EndReason;
  readonly pace: Pace;
  /** For the log: "db1 moved from ex1 to ex2". */
  readonly why: string;
}

/** The engine's indexes. */
export interface GoodbyeSelection {
  readonly database?: number;
  readonly server?: number;
  /** With `database`: only sessions that are not on this server. */
  readonly exceptServer?: number;
  /** The code of a protocol: only sessions of its frontends. */
  readonly protocol?: number;
}

/** The goodbyes in the order in which they should go out: what protects mailboxes first. */
export function planDrain(diff: TableDiff, rules: DrainRules): Goodbye[] {
  const down = rules.serverDownSessions === 'end' ? diff.down : [];
  const drained = { reason: 'drained', pace: rules.goodbye } as const;
  return [
    ...movedGoodbyes(diff, movePace(rules.holdForMs)),
    ...down.map(ofProtocol),
    ...diff.inMaintenance.map((change) => ofServer(change, 'is in maintenance', drained)),
    ...diff.removed.map((change) => ofServer(change, 'was removed', drained)),
  ];
}

/**
 * One writer a mailbox: whoever is not on the new server must leave before others come in there. A database
 * that nobody owned before has no sessions, unless it was forgotten for a while
 * (cluster/known-databases.ts).
 */
function movedGoodbyes({ moved }: TableDiff, pace: Pace): Goodbye[] {
  return moved
    .filter(({ policy, from, wasAbsent }) => policy === 'exclusive' && (from !== undefined || wasAbsent))
    .map(({ database, index, from, to, toIndex }) => ({
      selection: { database: index, ...(toIndex === undefined ? {} : { exceptServer: toIndex }) },
      reason: 'copy_moved',
      pace,
      why:
        from === undefined
          ? `${database} is known again, on ${to}`
          : `${database} moved from ${from} to ${to}`,
    }));
}

/** What else the server offers goes on. */
function ofProtocol(change: ProtocolChange): Goodbye {
  const how = { reason: 'server_down', pace: urgentPace } as const;
  const goodbye = ofServer(change, `${change.protocol} is down`, how);
  return { ...goodbye, selection: { ...goodbye.selection, protocol: protocolCodes[change.protocol] } };
}

function ofServer(
  { server, index, why }: ServerChange,
  words: string,
  how: Pick<Goodbye, 'reason' | 'pace'>,
): Goodbye {
  return { ...how, selection: { server: index }, why: `${server} ${words}${why === '' ? '' : `: ${why}`}` };
}
