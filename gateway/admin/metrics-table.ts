/**
 * Every metric that Postern has: one table, from which the registry (metrics.ts) and docs/metrics.md come.
 *
 * Labels are names from the settings, or words from our own tables: never a user, an address or anything a
 * client sends (V55), so the number of series is bounded by the configuration.
 */

export interface MetricRow {
  readonly type: 'gauge' | 'counter';
  readonly labels: readonly string[];
  readonly help: string;
}

const rows = {
  postern_info: gauge('Always 1; the version is a label', 'version'),
  postern_uptime_seconds: gauge('Since the gateway was started'),
  postern_stopping: gauge('1 from SIGTERM on'),
  postern_revision: gauge('Number of the routing table in force'),

  postern_sessions_open: gauge('Client connections now'),
  postern_sessions_opened_total: counter('Client connections since the start'),
  postern_sessions_spliced_total: counter('Sessions that reached a server'),
  postern_sessions_ended_total: counter('Sessions that ended, by reason (docs/end-reasons.md)', 'reason'),
  postern_goodbyes_total: counter(
    'Sessions on a server that were told goodbye: with the words, or closed plainly',
    'how',
  ),
  postern_logins_refused_total: counter(
    'Logins that were refused: answered at once, or held back (POSTERN_LOGIN_DELAY_MAX)',
    'how',
  ),
  postern_session_lines_dropped_total: counter(
    'Session records lost before the log, because they came too fast',
  ),
  postern_client_bytes_total: counter('Clear bytes from clients to servers (in) and back (out)', 'direction'),
  postern_tls_handshakes_total: counter('TLS handshakes with clients'),
  postern_tls_resumed_total: counter('Those of them that resumed an earlier session'),
  postern_panics_total: counter('Faults of the engine, each contained to one session'),
  postern_pins: gauge('Mailboxes kept on a server by live sessions'),

  postern_worker_up: gauge('1 for a worker that runs', 'worker'),
  postern_worker_restarts_total: counter('Times a worker was replaced', 'worker'),
  postern_worker_sessions: gauge('Sessions in their preamble', 'worker'),
  postern_worker_queued_events: gauge('Events that the worker has not taken', 'worker'),
  postern_worker_oldest_event_seconds: gauge('Age of the oldest of them', 'worker'),
  postern_worker_events_total: counter('Events that the worker has taken', 'worker'),
  postern_worker_wakes_total: counter('Times it was woken to take them; one wake may bring many', 'worker'),

  postern_server_up: gauge('1 up, 0 down; absent while unknown', 'server', 'protocol'),
  postern_server_admin_state: gauge(
    '1 for the state that the operator wants, 0 for the others',
    'server',
    'state',
  ),

  postern_database_state: gauge('1 for the state of the database, 0 for the others', 'database', 'state'),
  postern_database_owner: gauge('1 for the server with the active copy', 'database', 'server'),
  postern_database_generation: gauge('How often its active copy moved', 'database'),
  postern_database_fault: gauge('1 where the login probe fails while the server is up', 'database'),

  postern_source_age_seconds: gauge('Since the last document of a copy source', 'source'),
  postern_source_stale: gauge('1 for a copy source that has been silent too long', 'source'),

  postern_directory_mailboxes: gauge('Mailboxes in the directory'),
  postern_directory_keys: gauge('Names by which they are found'),
  postern_directory_problem: gauge('1 while the latest directory file is refused'),

  postern_log_lines_dropped_total: counter('Log lines lost because the reader was too slow'),
} satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof rows;

export const metricRows: Readonly<Record<MetricName, MetricRow>> = rows;

/** docs/metrics.md. */
export function metricsPage(): string {
  const lines = Object.entries(metricRows).map(
    ([name, { type, labels, help }]) =>
      `| \`${name}\` | ${type} | ${labels.map((l) => `\`${l}\``).join(' ')} | ${help} |`,
  );
  return [
    '# Metrics',
    '',
    'Generated from `gateway/admin/metrics-table.ts`. `GET /metrics` on the admin socket serves them in the',
    'text format of Prometheus. No label holds anything that a client sends.',
    '',
    '| name | type | labels | meaning |',
    '|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

function gauge(help: string, ...labels: string[]): MetricRow {
  return { type: 'gauge', labels, help };
}

function counter(help: string, ...labels: string[]): MetricRow {
  return { type: 'counter', labels, help };
}
