/**
 * The one place where belief becomes a routing table: folds each claim, observation, order and tick into the
 * cluster state, and where what routing sees has changed, builds the next table, publishes it, and has the
 * sessions that must go told so.
 *
 * What follows from a fact is decided in cluster/, routing/ and drain/, all pure; here is their order.
 */
import { type ClusterInput, type ClusterRules, type ClusterState } from '#gateway/cluster/cluster-state';
import { keptOf, startCluster, updateCluster } from '#gateway/cluster/cluster-state';
import { edgesBetween } from '#gateway/cluster/edges';
import { type Refusal, refusalOf } from '#gateway/cluster/known-databases';
import { type Goodbye, planDrain } from '#gateway/drain/drain-plan';
import { buildTable, sameRoutes } from '#gateway/routing/build-table';
import { diffTable } from '#gateway/routing/diff-table';
import type { Publish } from '#gateway/routing/publish';
import type { Settings } from '#gateway/settings/settings';
import type { Clock, Timer } from '#lib/clock';
import { faultWords, keepGoing } from '#lib/keep-going';
import type { Log } from '#lib/log';
import type { DatabaseId, Revision, ServerId } from '#model/ids';
import type { Kept } from '#model/kept';
import type { RoutingTable } from '#model/routing-table';

export interface ControlParts {
  readonly settings: Settings;
  readonly kept: Kept;
  readonly serverIndexOf: (id: ServerId) => number;
  /** Throws where there are too many names. */
  readonly databaseIndexOf: (id: DatabaseId) => number;
  /** True also while the directory has not been read: nothing is forgotten then. */
  readonly isInDirectory: (id: DatabaseId) => boolean;
  readonly publish: Publish;
  readonly carryOut: (plan: readonly Goodbye[]) => Promise<void> | void;
  readonly save: (kept: Kept) => Promise<void> | void;
  /** What else wants a look once a second. */
  readonly onTick: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ControlLoop {
  /**
   * Takes one fact in; when it returns, the engine and the workers have what follows from it. Gives why a
   * document of a source was left out.
   */
  take(input: ClusterInput): Refusal | undefined;
  state(): ClusterState;
  /** The table in force. */
  table(): RoutingTable;
  stop(): void;
}

/** Claims are stale after many seconds; one second more or less is no matter. */
const tickMs = 1_000;

/** Publishes the first table at once: servers unknown, owners as they were kept. */
export function startControlLoop(parts: ControlParts): ControlLoop {
  const { settings, clock, log } = parts;
  let state = startCluster(rulesOf(settings), parts.kept);
  let table: RoutingTable | undefined;
  let refused: string | undefined;

  /**
   * The next table, where it differs from the one in force. A refused one is tried again at the next tick,
   * and logged once as long as the reason stays.
   */
  function publishChange(): void {
    const revision = ((table?.revision ?? 0) + 1) as Revision;
    const { next, problem } = publishNext(parts, { inForce: table, view: state.view, revision });
    if (problem !== undefined && problem !== refused)
      log.error('the engine refused a routing table; the old one stays', { revision, problem });
    refused = problem;
    if (next === undefined) return;

    const plan = planDrain(diffTable(table, next), settings);
    table = next;
    keepGoing(log, 'telling sessions goodbye', () => parts.carryOut(plan));
  }

  function take(input: ClusterInput): Refusal | undefined {
    const before = state;
    const moment = { now: clock.now(), wallMs: clock.wallMs() };
    const refusal = input.is === 'claims' ? refusalOf(before, input.set, moment.now) : undefined;
    state = updateCluster(before, input, moment);
    if (state !== before) {
      for (const { level, text, fields } of edgesBetween(before, state)) log[level](text, fields);
    }
    if (state.view !== before.view || state.epochs !== before.epochs)
      keepGoing(log, 'saving the state', () => parts.save(keptOf(state)));
    if (state.view !== before.view || input.is === 'tick') publishChange();
    return refusal;
  }

  function tick(): void {
    timer = clock.setTimer(tickMs, tick);
    keepGoing(log, 'the look of each second', parts.onTick);
    keepGoing(log, 'the tick of the control loop', () => {
      take({ is: 'tick', isInDirectory: parts.isInDirectory });
    });
  }

  publishChange();
  if (table === undefined) throw new Error('the engine refused the first routing table; the log says why');
  const first: RoutingTable = table;
  let timer: Timer = clock.setTimer(tickMs, tick);
  return { take, state: () => state, table: () => table ?? first, stop: () => timer.cancel() };
}

interface NextTable {
  readonly inForce: RoutingTable | undefined;
  readonly view: ClusterState['view'];
  readonly revision: Revision;
}

/** Builds and publishes the table of the view. `next`: it is in force now, and differs from the last one. */
function publishNext(
  { settings, serverIndexOf, databaseIndexOf, publish }: ControlParts,
  { inForce, view, revision }: NextTable,
): { readonly next?: RoutingTable; readonly problem?: string | undefined } {
  try {
    const next = buildTable({ settings, view, revision, serverIndexOf, databaseIndexOf });
    if (inForce !== undefined && sameRoutes(inForce, next)) return {};
    const { problem } = publish(next);
    return problem === undefined ? { next } : { problem };
  } catch (error) {
    return { problem: faultWords(error) };
  }
}

function rulesOf({ servers, databases, claimStaleAfterMs, monitor }: Settings): ClusterRules {
  return {
    servers: servers.map(({ id }) => id),
    databases,
    staleAfterMs: claimStaleAfterMs,
    riseCount: monitor.riseCount,
    fallCount: monitor.fallCount,
  };
}
