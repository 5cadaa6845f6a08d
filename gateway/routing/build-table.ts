/**
 * Makes the routing table that follows from the settings and the cluster's view. PURE: the engine's indexes
 * come through a function. Publishing is publish.ts; what changed is diff-table.ts.
 */
import type { ClusterView, DatabaseView, ProtocolView, ServerView } from '#gateway/cluster/cluster-state';
import type { DatabaseId, Revision, ServerId } from '#model/ids';
import type { LoginProtocol } from '#model/protocol';
import type {
  DatabaseRoute,
  Identity,
  MovePolicy,
  RoutingTable,
  ServerProtocolRoute,
  ServerRoute,
  UnknownMailboxRule,
} from '#model/routing-table';

/** The settings that routing needs; `Settings` is one of these. */
export interface TableSettings {
  readonly servers: readonly TableServer[];
  readonly databases: readonly { readonly id: DatabaseId; readonly policy: MovePolicy }[];
  readonly movePolicy: MovePolicy;
  readonly unknownMailbox: UnknownMailboxRule;
}

export interface TableServer {
  readonly id: ServerId;
  readonly address: string;
  readonly fqdn: string;
  readonly weight: number;
  readonly protocols: Readonly<Partial<Record<LoginProtocol, TablePort>>>;
}

export interface TablePort {
  readonly port: number;
  readonly tls: 'implicit' | 'starttls' | 'off';
  readonly identity: Identity;
}

export interface TableParts {
  readonly settings: TableSettings;
  readonly view: ClusterView;
  readonly revision: Revision;
  readonly serverIndexOf: (id: ServerId) => number;
  readonly databaseIndexOf: (id: DatabaseId) => number;
}

/** A whole table; servers in the settings' order, databases in the view's. */
export function buildTable({
  settings,
  view,
  revision,
  serverIndexOf,
  databaseIndexOf,
}: TableParts): RoutingTable {
  const policies = new Map(settings.databases.map(({ id, policy }) => [id, policy]));
  return {
    revision,
    servers: settings.servers.map((server) =>
      serverRoute(server, view.servers.get(server.id), serverIndexOf(server.id)),
    ),
    databases: [...view.databases].map(([id, database]) => {
      return databaseRoute(id, database, {
        index: databaseIndexOf(id),
        policy: policies.get(id) ?? settings.movePolicy,
      });
    }),
    unnamedDatabasePolicy: settings.movePolicy,
    unknownMailbox: settings.unknownMailbox,
  };
}

/** True where the tables differ in their revision at the most: then there is nothing to publish. */
export function sameRoutes(a: RoutingTable, b: RoutingTable): boolean {
  return JSON.stringify({ ...a, revision: 0 }) === JSON.stringify({ ...b, revision: 0 });
}

/**
 * True for a server that may get mailboxes without a database: wanted by the operator, and up for a
 * protocol. The ring is one for all protocols, so that all doors of a mailbox lead to one server; a login
 * whose protocol is down there goes elsewhere by itself (workers/route.ts).
 */
export function isOnRing({ admin, protocols }: ServerRoute): boolean {
  return admin === 'ready' && Object.values(protocols).some(({ health }) => health.is === 'up');
}

function serverRoute(server: TableServer, view: ServerView | undefined, index: number): ServerRoute {
  return {
    id: server.id,
    index,
    admin: view?.admin ?? 'ready',
    weight: server.weight,
    protocols: Object.fromEntries(
      Object.entries(server.protocols).map(([protocol, port]) => [
        protocol,
        protocolRoute(server, port, view?.protocols[protocol as LoginProtocol]),
      ]),
    ),
  };
}

function protocolRoute(
  { address, fqdn }: TableServer,
  { port, tls, identity }: TablePort,
  seen: ProtocolView | undefined,
): ServerProtocolRoute {
  return {
    endpoint: { address, port, tls, tlsName: fqdn },
    health: seen?.health ?? { is: 'unknown' },
    offer: { capabilities: seen?.capabilities ?? [] },
    identity,
  };
}

function databaseRoute(
  id: DatabaseId,
  { state, copies, fault }: DatabaseView,
  { index, policy }: { readonly index: number; readonly policy: MovePolicy },
): DatabaseRoute {
  return { id, index, policy, state, copies, ...(fault === undefined ? {} : { fault }) };
}
