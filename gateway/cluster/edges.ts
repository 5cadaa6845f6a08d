/** What changed between two states, as lines for the log: edges, never levels. PURE. */
import type { DatabaseId, ServerId } from '#model/ids';
import type { Health } from '#model/routing-table';
import type { ClusterState, DatabaseView, ServerView } from './cluster-state.ts';
import { stateWords } from './facts.ts';

export interface Edge {
  readonly level: 'info' | 'warn' | 'error';
  /** 'server ex2 imap down after 3 failures: no greeting within 5s'. */
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The edges in the order servers, databases; none when the views are the same object. */
export function edgesBetween(before: ClusterState, after: ClusterState): Edge[] {
  if (before.view === after.view) return [];
  const servers = [...after.view.servers].flatMap(([id, view]) => {
    return serverEdges(id, {
      before: before.view.servers.get(id),
      after: view,
      fallCount: after.rules.fallCount,
    });
  });
  const databases = [...after.view.databases].flatMap(([id, view]) => {
    return databaseEdges(id, before.view.databases.get(id), view);
  });
  const gone = [...before.view.databases.keys()].filter((id) => !after.view.databases.has(id));
  return [...servers, ...databases, ...gone.map(forgottenEdge)];
}

function forgottenEdge(database: DatabaseId): Edge {
  const text = `database ${database}: nobody names it any more; it is forgotten`;
  return { level: 'info', text, fields: { database } };
}

interface ServerChange {
  readonly before: ServerView | undefined;
  readonly after: ServerView;
  readonly fallCount: number;
}

function serverEdges(server: ServerId, { before, after, fallCount }: ServerChange): Edge[] {
  const edges: Edge[] = [];
  if (before !== undefined && before.admin !== after.admin) {
    edges.push({ level: 'info', text: `server ${server} set to ${after.admin}`, fields: { server } });
  }
  for (const [protocol, { health }] of Object.entries(after.protocols)) {
    const earlier = Object.entries(before?.protocols ?? {}).find(([name]) => name === protocol)?.[1].health;
    if (earlier === health || earlier?.is === health.is || health.is === 'unknown') continue;
    const text = `server ${server} ${protocol} ${healthWords(health, fallCount)}`;
    edges.push({ level: health.is === 'down' ? 'warn' : 'info', text, fields: { server, protocol } });
  }
  return edges;
}

function healthWords(health: Health, fallCount: number): string {
  const failures = fallCount === 1 ? 'one failure' : `${fallCount} failures`;
  return health.is === 'down' ? `down after ${failures}: ${health.why}` : health.is;
}

function databaseEdges(database: DatabaseId, before: DatabaseView | undefined, after: DatabaseView): Edge[] {
  const edges: Edge[] = [];
  if (before?.state !== after.state && (before !== undefined || after.state.at !== 'unclaimed')) {
    edges.push({
      level: levels[after.state.at],
      text: `database ${database}: ${stateWords(after.state)}`,
      fields: { database },
    });
  }
  if (before?.fault !== after.fault) {
    const text = after.fault === undefined ? 'its store answers again' : `its store fails: ${after.fault}`;
    edges.push({
      level: after.fault === undefined ? 'info' : 'error',
      text: `database ${database}: ${text}`,
      fields: { database },
    });
  }
  return edges;
}

const levels = {
  unclaimed: 'warn',
  served: 'info',
  dismounted: 'error',
  moving: 'info',
  remembered: 'warn',
  disputed: 'error',
} as const;
