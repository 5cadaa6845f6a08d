/** `who`: a filter in names to the engine's selection in indexes, and its rows back to names. PURE. */
import { type SessionId, formatSessionId } from '#model/ids';
import type { RoutingTable } from '#model/routing-table';
import type { Selection, SessionRow } from '#native';
import type { WhoDocument, WhoFilter, WhoRow } from './api.ts';
import type { LookupMailbox } from './snapshot.ts';

/** The engine's selection, or in words what the filter names that there is not. */
export function selectionOf(
  filter: WhoFilter,
  table: RoutingTable,
  lookup: LookupMailbox,
): Selection | string {
  const { user, server, database } = filter;
  const serverIndex = table.servers.find(({ id }) => id === server?.toLowerCase())?.index;
  const databaseIndex = table.databases.find(({ id }) => id === database?.toLowerCase())?.index;
  if (server !== undefined && serverIndex === undefined) return unknownServer(server, table);
  if (database !== undefined && databaseIndex === undefined) return `there is no database ${database}`;
  return {
    ...(user !== undefined && { mailboxId: lookup(user).id }),
    ...(serverIndex !== undefined && { server: serverIndex }),
    ...(databaseIndex !== undefined && { database: databaseIndex }),
  };
}

/** The refusal of a server's name, with the names there are. */
export function unknownServer(server: string, table: RoutingTable): string {
  return `there is no server ${server}; the servers are ${table.servers.map(({ id }) => id).join(', ')}`;
}

/** `rows` may hold one more than `limit`: that one only says that there are more. */
export function whoOf(rows: readonly SessionRow[], limit: number, table: RoutingTable): WhoDocument {
  const servers = new Map(table.servers.map(({ index, id }) => [index, id]));
  const databases = new Map(table.databases.map(({ index, id }) => [index, id]));
  const sessions = rows.slice(0, limit).map((row): WhoRow => ({
    session: formatSessionId(row.id as SessionId),
    frontend: row.frontend,
    phase: row.phase,
    clientAddress: row.clientAddress,
    proxyAddress: row.proxyAddress || null,
    user: row.user,
    database: databases.get(row.database) ?? null,
    server: servers.get(row.server) ?? null,
    generation: row.generation > 0 ? row.generation : null,
    localPort: row.localPort,
    localAddress: row.localAddress || null,
    ageMs: row.ageMs,
    idleMs: row.idleMs,
    bytesIn: row.bytesIn,
    bytesOut: row.bytesOut,
  }));
  return { sessions, isCut: rows.length > limit };
}
