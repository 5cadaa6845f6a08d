/** What changed between two routing tables, as far as sessions feel it. PURE. */
import type { DatabaseId, ServerId } from '#model/ids';
import { type LoginProtocol, loginProtocols } from '#model/protocol';
import type { DatabaseRoute, MovePolicy, Owner, RoutingTable, ServerRoute } from '#model/routing-table';

export interface TableDiff {
  /** Databases whose active copy is on another server than before. */
  readonly moved: readonly MovedDatabase[];
  /** Each protocol of a server by itself: one may be down while the server's others are up. */
  readonly down: readonly ProtocolChange[];
  readonly up: readonly ProtocolChange[];
  /** By what the operator wants now, where that is new. */
  readonly ready: readonly ServerChange[];
  readonly draining: readonly ServerChange[];
  readonly inMaintenance: readonly ServerChange[];
  /** Servers that the settings no longer name. */
  readonly removed: readonly ServerChange[];
}

export interface MovedDatabase {
  readonly database: DatabaseId;
  readonly index: number;
  readonly policy: MovePolicy;
  /** Undefined where nobody owned it before. */
  readonly from: ServerId | undefined;
  /** The table before had no row for it; an earlier one may have had, and there may be sessions since. */
  readonly wasAbsent: boolean;
  readonly to: ServerId;
  /** Undefined where the settings do not name the new server. */
  readonly toIndex: number | undefined;
}

export interface ServerChange {
  readonly server: ServerId;
  readonly index: number;
  /** In words; empty where there is nothing to add. */
  readonly why: string;
}

/** One protocol of a server, of which the health has changed. */
export interface ProtocolChange extends ServerChange {
  readonly protocol: LoginProtocol;
}

/** The changes from `before` to `after`; without a table before, every owner and every state is new. */
export function diffTable(before: RoutingTable | undefined, after: RoutingTable): TableDiff {
  const earlier = new Map(before?.servers.map((server) => [server.id, server]));
  const changed = (isSo: (server: ServerRoute) => boolean): ServerChange[] => {
    const isNew = (server: ServerRoute): boolean => {
      const known = earlier.get(server.id);
      return isSo(server) && (known === undefined || !isSo(known));
    };
    return after.servers.filter(isNew).map(changeOf);
  };
  const left = before?.servers.filter(({ id }) => after.servers.every((server) => server.id !== id)) ?? [];
  return {
    moved: movedDatabases(before, after),
    down: changedHealth(before, after, 'down'),
    up: changedHealth(before, after, 'up'),
    ready: changed(({ admin }) => admin === 'ready'),
    draining: changed(({ admin }) => admin === 'drain'),
    inMaintenance: changed(({ admin }) => admin === 'maintenance'),
    removed: left.map((server) => ({ ...changeOf(server), why: 'the settings no longer name it' })),
  };
}

function movedDatabases(before: RoutingTable | undefined, after: RoutingTable): MovedDatabase[] {
  const earlier = new Map(before?.databases.map((database) => [database.id, database]));
  return after.databases.flatMap((database) => {
    const from = ownerOf(earlier.get(database.id))?.server;
    const wasAbsent = before !== undefined && !earlier.has(database.id);
    const to = ownerOf(database)?.server;
    if (to === undefined || from === to) return [];
    const toIndex = after.servers.find(({ id }) => id === to)?.index;
    const { id, index, policy } = database;
    return [{ database: id, index, policy, from, wasAbsent, to, toIndex }];
  });
}

function ownerOf(database: DatabaseRoute | undefined): Owner | undefined {
  return database === undefined || database.state.at === 'unclaimed' ? undefined : database.state.owner;
}

/** Protocols of servers that are up or down now, and were not before. */
function changedHealth(
  before: RoutingTable | undefined,
  after: RoutingTable,
  to: 'up' | 'down',
): ProtocolChange[] {
  const earlier = new Map(before?.servers.map((server) => [server.id, server.protocols]));
  return after.servers.flatMap(({ id, index, protocols }) =>
    loginProtocols.flatMap((protocol) => {
      const health = protocols[protocol]?.health;
      if (health?.is !== to || earlier.get(id)?.[protocol]?.health.is === to) return [];
      return [{ server: id, index, protocol, why: health.is === 'down' ? health.why : '' }];
    }),
  );
}

function changeOf(server: ServerRoute): ServerChange {
  const reasons = Object.values(server.protocols).flatMap(({ health }) =>
    health.is === 'down' ? [health.why] : [],
  );
  return { server: server.id, index: server.index, why: reasons.join('; ') };
}
