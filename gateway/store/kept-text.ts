/** The state file's text: who owned each database, and the admin states that are not ready. */
import type { DatabaseId, Generation, ServerId } from '#model/ids';
import type { Kept, KeptOwner } from '#model/kept';
import type { AdminState } from '#model/routing-table';

/** The same text for the same content, whatever the order it came in. */
export function formatKept({ owners, admins }: Kept): string {
  const databases = sorted(owners).map(([id, { server, generation, epoch }]) => {
    return [id, { server, generation, ...(epoch === undefined ? {} : { epoch }) }];
  });
  const document = {
    schema,
    databases: Object.fromEntries(databases),
    servers: Object.fromEntries(sorted(admins)),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** All or nothing: half of a file that was written by somebody else would look like a whole one. */
export function parseKept(text: string): { readonly kept: Kept } | { readonly trouble: string } {
  const document = parseJson(text);
  if (!isObject(document)) return { trouble: 'is no JSON object; it may be cut off' };
  if (document['schema'] !== schema) return { trouble: `has no "schema": "${schema}"` };
  const { databases, servers } = document;
  if (!isObject(databases) || !isObject(servers)) return { trouble: 'lacks "databases" or "servers"' };

  const owners = new Map<DatabaseId, KeptOwner>();
  for (const [id, entry] of Object.entries(databases)) {
    const owner = ownerOf(entry);
    if (owner === undefined)
      return { trouble: `has no server and generation for the database ${JSON.stringify(id)}` };
    owners.set(id as DatabaseId, owner);
  }
  const admins = new Map<ServerId, AdminState>();
  for (const [id, admin] of Object.entries(servers)) {
    if (!isAdminState(admin)) return { trouble: `has an unknown state for the server ${JSON.stringify(id)}` };
    admins.set(id as ServerId, admin);
  }
  return { kept: { owners, admins } };
}

function ownerOf(entry: unknown): KeptOwner | undefined {
  if (!isObject(entry)) return undefined;
  const { server, generation, epoch } = entry;
  if (typeof server !== 'string' || server === '' || !isCount(generation)) return undefined;
  if (epoch !== undefined && !isCount(epoch)) return undefined;
  return { server: server as ServerId, generation: generation as Generation, epoch };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isAdminState(value: unknown): value is AdminState {
  return value === 'ready' || value === 'drain' || value === 'maintenance';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sorted<K extends string, V>(map: ReadonlyMap<K, V>): [K, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

const schema = 'postern-state/1';
