/** The values of all metrics, from one snapshot. PURE. */
import { sourceFacts } from '#gateway/cluster/facts';
import { endReasons } from '#model/end-reason';
import type { AdminState, DatabaseRoute, DatabaseState, ServerRoute } from '#model/routing-table';
import type { Stats, WorkerStats } from '#native';
import type { Sample } from './metrics.ts';
import type { MetricName } from './metrics-table.ts';
import type { Snapshot } from './snapshot.ts';
import { ownerOf, protocolsOf, workerRowsOf } from './status-view.ts';

/** One sample a series. */
export function samplesOf(snapshot: Snapshot): Sample[] {
  const { table } = snapshot;
  return [
    ...ownSamples(snapshot),
    ...engineSamples(snapshot.stats),
    ...workerSamples(snapshot),
    ...snapshot.stats.workers.flatMap(wakeSamples),
    ...table.servers.flatMap(serverSamples),
    ...table.databases.flatMap(databaseSamples),
    ...sourceFacts(snapshot.cluster, snapshot.now).flatMap(({ source, ageMs, isFresh }) => [
      sample('postern_source_age_seconds', ageMs / 1000, { source }),
      sample('postern_source_stale', isFresh ? 0 : 1, { source }),
    ]),
  ];
}

function ownSamples(snapshot: Snapshot): Sample[] {
  const { directory } = snapshot;
  return [
    sample('postern_info', 1, { version: snapshot.version }),
    sample('postern_uptime_seconds', (snapshot.now - snapshot.startedAt) / 1000),
    sample('postern_stopping', snapshot.isStopping ? 1 : 0),
    sample('postern_revision', snapshot.table.revision),
    sample('postern_directory_mailboxes', directory.mailboxes),
    sample('postern_directory_keys', directory.keys),
    sample('postern_directory_problem', directory.problem === '' ? 0 : 1),
    sample('postern_log_lines_dropped_total', snapshot.logDropped),
  ];
}

function engineSamples(stats: Stats): Sample[] {
  // Reasons that never came are there as 0, so that a rate can start from them.
  const ends = Object.entries(endReasons).map(([reason, { code }]) =>
    sample('postern_sessions_ended_total', stats.ends[code] ?? 0, { reason }),
  );
  return [
    sample('postern_sessions_open', stats.open),
    sample('postern_sessions_opened_total', stats.opened),
    sample('postern_sessions_spliced_total', stats.spliced),
    ...ends,
    sample('postern_goodbyes_total', stats.goodbyesWorded, { how: 'words' }),
    sample('postern_goodbyes_total', stats.goodbyesPlain, { how: 'plain' }),
    sample('postern_logins_refused_total', stats.refusals, { how: 'at_once' }),
    sample('postern_logins_refused_total', stats.refusalsDelayed, { how: 'held_back' }),
    sample('postern_session_lines_dropped_total', stats.endsDropped),
    sample('postern_client_bytes_total', stats.bytesIn, { direction: 'in' }),
    sample('postern_client_bytes_total', stats.bytesOut, { direction: 'out' }),
    sample('postern_tls_handshakes_total', stats.handshakes),
    sample('postern_tls_resumed_total', stats.resumed),
    sample('postern_panics_total', stats.panics),
    sample('postern_pins', stats.pins),
  ];
}

function workerSamples(snapshot: Snapshot): Sample[] {
  return workerRowsOf(snapshot).flatMap(({ index, state, restarts, sessions, queued, oldestMs }) => {
    const labels = { worker: String(index) };
    return [
      sample('postern_worker_up', state === 'up' ? 1 : 0, labels),
      sample('postern_worker_restarts_total', restarts, labels),
      sample('postern_worker_sessions', sessions, labels),
      sample('postern_worker_queued_events', queued, labels),
      sample('postern_worker_oldest_event_seconds', oldestMs / 1000, labels),
    ];
  });
}

function wakeSamples({ events, wakes }: WorkerStats, index: number): Sample[] {
  const labels = { worker: String(index) };
  return [
    sample('postern_worker_events_total', events, labels),
    sample('postern_worker_wakes_total', wakes, labels),
  ];
}

function serverSamples(server: ServerRoute): Sample[] {
  const health = protocolsOf(server).flatMap((protocol) => {
    const is = server.protocols[protocol]?.health.is;
    if (is === undefined || is === 'unknown') return [];
    return [sample('postern_server_up', is === 'up' ? 1 : 0, { server: server.id, protocol })];
  });
  const admin = adminStates.map((state) =>
    sample('postern_server_admin_state', state === server.admin ? 1 : 0, { server: server.id, state }),
  );
  return [...health, ...admin];
}

function databaseSamples({ id, state, fault }: DatabaseRoute): Sample[] {
  const owner = ownerOf(state);
  const states = databaseStates.map((at) =>
    sample('postern_database_state', at === state.at ? 1 : 0, { database: id, state: at }),
  );
  const owned = owner && [
    sample('postern_database_owner', 1, { database: id, server: owner.server }),
    sample('postern_database_generation', owner.generation, { database: id }),
  ];
  return [
    ...states,
    ...(owned ?? []),
    sample('postern_database_fault', fault === undefined ? 0 : 1, { database: id }),
  ];
}

function sample(name: MetricName, value: number, labels: Record<string, string> = {}): Sample {
  return { name, value, labels };
}

const adminStates: readonly AdminState[] = ['ready', 'drain', 'maintenance'];
const databaseStates: readonly DatabaseState['at'][] = [
  'unclaimed',
  'served',
  'dismounted',
  'moving',
  'remembered',
  'disputed',
];
