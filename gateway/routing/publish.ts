/**
 * Puts a routing table in place: in the engine first, then with the workers, so that a worker never knows
 * of a generation that the engine lacks. The only effect of routing/.
 */
import type { EngineDatabase, EngineEndpoint, EngineServer, EngineTable } from '#native';
import type { ServerId } from '#model/ids';
import { protocolCodes } from '#model/protocol';
import type { Protocol } from '#model/protocol';
import { identityHeaderOf } from '#model/identity-header';
import type { DatabaseRoute, RoutingTable, ServerRoute } from '#model/routing-table';
import { isOnRing } from './build-table.ts';

export interface PublishOptions {
  /** Throws where the table is malformed; then the old one stays. */
  readonly engine: { publish(table: EngineTable): void };
  readonly toWorkers: (table: RoutingTable) => void;
  /** What makes a server's TLS good enough. */
  readonly trustOf: (server: ServerId) => Trust;
}

/** As the engine takes it. */
export type Trust = Pick<EngineEndpoint, 'caPem' | 'verify' | 'pins' | 'profile'>;

/** `problem`: the engine refused the table, in its words; then the workers keep the old one too. */
export type Publish = (table: RoutingTable) => { readonly problem: string | undefined };

/** A publisher to one engine and its workers. */
export function createPublisher({ engine, toWorkers, trustOf }: PublishOptions): Publish {
  return (table) => {
    try {
      engine.publish(engineTableOf(table, trustOf));
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
    toWorkers(table);
    return { problem: undefined };
  };
}

/** The table as the engine reads it. */
export function engineTableOf(table: RoutingTable, trustOf: PublishOptions['trustOf']): EngineTable {
  const indexes = new Map(table.servers.map(({ id, index }) => [id, index]));
  return {
    revision: table.revision,
    servers: table.servers.map((server) => engineServer(server, trustOf(server.id))),
    databases: table.databases.map((database) => engineDatabase(database, indexes)),
  };
}

/**
 * A server that takes no new sessions has no endpoints in the engine: a worker that has not seen the table
 * yet must not open one there, behind the back of the drain that follows.
 */
function engineServer(server: ServerRoute, trust: Trust): EngineServer {
  const offered = Object.entries(server.protocols).filter(
    ([, { health }]) => server.admin === 'ready' && health.is !== 'down',
  );
  const endpoints = offered.map(([protocol, { endpoint, identity }]) => ({
    protocol: protocolCodes[protocol as Protocol],
    address: endpoint.address,
    port: endpoint.port,
    tls: endpoint.tls,
    tlsName: endpoint.tlsName,
    ...trust,
    proxy: identityHeaderOf(identity),
  }));
  return { index: server.index, weight: isOnRing(server) ? server.weight : 0, endpoints };
}

/**
 * A disputed database has no server for the engine: a handoff that is under way when the dispute begins must
 * not end on either claimant. Its last generation stays, so that the engine's never shrinks.
 */
function engineDatabase(
  { index, state }: DatabaseRoute,
  indexes: ReadonlyMap<ServerId, number>,
): EngineDatabase {
  if (state.at === 'unclaimed' || state.owner === undefined) return { index, server: nobody, generation: 0 };
  const { server, generation } = state.owner;
  return { index, server: state.at === 'disputed' ? nobody : (indexes.get(server) ?? nobody), generation };
}

const nobody = -1;
