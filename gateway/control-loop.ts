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
import { type Goodbye, planDrain } from '#gateway/drain/drain-plan';
import { buildTable, sameRoutes } from '#gateway/routing/build-table';
import { diffTable } from '#gateway/routing/diff-table';
import type { Publish } from '#gateway/routing/publish';
import type { Settings } from '#gateway/settings/settings';
import type { Clock, Timer } from '#lib/clock';
import type { Log } from '#lib/log';
import type { DatabaseId, Revision, ServerId } from '#model/ids';
import type { Kept } from '#model/kept';
import type { RoutingTable } from '#model/routing-table';

export interface ControlParts {
  readonly settings: Settings;
  readonly kept: Kept;
  readonly serverIndexOf: (id: ServerId) => number;
  readonly databaseIndexOf: (id: DatabaseId) => number;
  readonly publish: Publish;
  readonly carryOut: (plan: readonly Goodbye[]) => void;
  readonly save: (kept: Kept) => void;
  /** What else wants a look once a second. */
  readonly onTick: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ControlLoop {
  /** Takes one fact in; when it returns, the engine and the workers have what follows from it. */
  take(input: ClusterInput): void;
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

  /**
   * The next table, where it differs from the one in force. A refused one is tried again at the next tick.
   */
  function publishChange(): void {
    const revision = ((table?.revision ?? 0) + 1) as Revision;
    const { serverIndexOf, databaseIndexOf } = parts;
    const next = buildTable({ settings, view: state.view, revision, serverIndexOf, databaseIndexOf });
    if (table !== undefined && sameRoutes(table, next)) return;
    const { problem } = parts.publish(next);
    if (problem !== undefined) return log.error('the engine refused a routing table', { revision, problem });

    const plan = planDrain(diffTable(table, next), settings);
    table = next;
    parts.carryOut(plan);
  }

  function take(input: ClusterInput): void {
    const before = state;
    state = updateCluster(before, input, { now: clock.now(), wallMs: clock.wallMs() });
    if (state !== before) {
      for (const { level, text, fields } of edgesBetween(before, state)) log[level](text, fields);
    }
    if (state.view !== before.view || state.epochs !== before.epochs) parts.save(keptOf(state));
    if (state.view !== before.view || input.is === 'tick') publishChange();
  }

  function tick(): void {
    timer = clock.setTimer(tickMs, tick);
    parts.onTick();
    take({ is: 'tick' });
  }

  publishChange();
  if (table === undefined) throw new Error('the engine refused the first routing table; the log says why');
  const first: RoutingTable = table;
  let timer: Timer = clock.setTimer(tickMs, tick);
  return { take, state: () => state, table: () => table ?? first, stop: () => timer.cancel() };
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
