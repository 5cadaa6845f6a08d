/** The status document: all we believe, and first of all what an operator would want to mend. PURE. */
import { sourceFacts } from '#gateway/cluster/facts';
import type { Protocol } from '#model/protocol';
import type { DatabaseRoute, DatabaseState, Owner, ServerRoute } from '#model/routing-table';
import type {
  DatabaseRow,
  ServerProtocolRow,
  ServerRow,
  SourceRow,
  StatusDocument,
  WorkerRow,
} from './api.ts';
import type { Snapshot } from './snapshot.ts';

/** What `postern status` shows. */
export function statusOf(snapshot: Snapshot): StatusDocument {
  const { table, stats, directory, now } = snapshot;
  const document = {
    version: snapshot.version,
    hostname: snapshot.hostname,
    state: snapshot.isStopping ? ('stopping' as const) : ('running' as const),
    uptimeMs: Math.round(now - snapshot.startedAt),
    revision: table.revision,
    listeners: snapshot.listeners,
    servers: table.servers.map(serverRowOf),
    databases: table.databases.map(databaseRowOf),
    workers: workerRowsOf(snapshot),
    sources: sourceRowsOf(snapshot),
    sessions: { open: stats.open, opened: stats.opened, spliced: stats.spliced },
    directory: {
      path: directory.path,
      mailboxes: directory.mailboxes,
      keys: directory.keys,
      problem: directory.problem,
    },
  };
  return { ...document, problems: problemsOf(document) };
}

/** The owner of a state, where it has one. */
export function ownerOf(state: DatabaseState): Owner | undefined {
  return state.at === 'unclaimed' ? undefined : state.owner;
}

/** One row a worker: what the supervisor knows and what the engine counts. */
export function workerRowsOf({ workers, stats }: Snapshot): WorkerRow[] {
  return workers.map(({ state, restarts }, index) => {
    const { sessions = 0, queued = 0, oldestMs = 0 } = stats.workers[index] ?? {};
    return { index, state, restarts, sessions, queued, oldestMs };
  });
}

function serverRowOf({ id, admin, weight, protocols }: ServerRoute): ServerRow {
  const rows = Object.entries(protocols).map(([protocol, { endpoint, health }]): ServerProtocolRow => {
    const host = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
    const address = `${host}:${endpoint.port}`;
    return { protocol, address, health: health.is, why: health.is === 'down' ? health.why : '' };
  });
  return { server: id, admin, weight, protocols: rows };
}

function databaseRowOf({ id, policy, state, copies, fault }: DatabaseRoute): DatabaseRow {
  const owner = ownerOf(state);
  return {
    database: id,
    state: state.at,
    server: owner?.server ?? null,
    generation: owner?.generation ?? null,
    policy,
    copies,
    fault: fault ?? '',
  };
}

function sourceRowsOf({ cluster, now, sourceProblems }: Snapshot): SourceRow[] {
  const known = sourceFacts(cluster, now).map(({ source, ageMs, isFresh }) => ({
    source,
    ageMs: Math.round(ageMs),
    isStale: !isFresh,
    problem: sourceProblems.get(source) ?? '',
  }));
  const silent = [...sourceProblems].filter(([source]) => !known.some((row) => row.source === source));
  return [...known, ...silent.map(([source, problem]) => ({ source, ageMs: null, isStale: true, problem }))];
}

function problemsOf(document: Omit<StatusDocument, 'problems'>): string[] {
  return [
    ...document.servers.flatMap(serverProblems),
    ...document.databases.flatMap(databaseProblems),
    ...document.sources.flatMap(sourceProblems),
    ...document.workers
      .filter(({ state }) => state === 'waiting')
      .map(({ index }) => `worker ${index} can't stay up; the log says why`),
    ...(document.directory.problem === ''
      ? []
      : [`the directory file is refused: ${document.directory.problem}`]),
  ];
}

function serverProblems({ server, protocols }: ServerRow): string[] {
  const down = protocols.filter(({ health }) => health === 'down');
  return down.map(({ protocol, why }) => `server ${server} is down for ${protocol}: ${why}`);
}

function databaseProblems({ database, state, server, fault }: DatabaseRow): string[] {
  const words: Readonly<Record<string, string>> = {
    unclaimed: 'no source says where it is active',
    disputed: 'two servers claim it',
    dismounted: `dismounted on ${server}`,
    remembered: `no fresh claim, ${server} had it last`,
  };
  const problem = words[state];
  return [
    ...(problem === undefined ? [] : [`database ${database}: ${problem}`]),
    ...(fault === '' ? [] : [`database ${database}: ${fault}`]),
  ];
}

function sourceProblems({ source, ageMs, isStale, problem }: SourceRow): string[] {
  if (problem !== '') return [`copy source ${source}: ${problem}`];
  return isStale && ageMs !== null
    ? [`copy source ${source} is silent for ${Math.round(ageMs / 1000)}s`]
    : [];
}

/** The protocols of a server, typed; Object.keys forgets. */
export function protocolsOf(server: ServerRoute): Protocol[] {
  return Object.keys(server.protocols) as Protocol[];
}
