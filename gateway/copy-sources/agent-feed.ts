/**
 * The copy source `agent`: parses what an agent on a server posts (docs/agent-feed.md) into claims.
 *
 * Who may post, and the HTTP around it, is admin/'s; the order of documents is judged by cluster/, which
 * alone knows the last one. A document is taken whole or not at all.
 */
import type { Claim, ClaimSet, CopyClaim } from '#model/claim';
import type { DatabaseId, Moment, ServerId } from '#model/ids';
import { copyStatusOf } from './copy-status.ts';
import { hasValue, isObject, listIn, textIn, wholeIn } from './json-shape.ts';
import type { JsonObject } from './json-shape.ts';
import type { ServerIdOf } from './server-names.ts';

export interface AgentFeed {
  /** `notes` says what was left out of a document that was taken: names of servers that the settings lack. */
  receive(body: string, receivedAt: Moment): FeedReceived;
}

export type FeedReceived =
  | { readonly claims: ClaimSet; readonly notes: readonly string[] }
  | { readonly problem: string };

export interface AgentFeedOptions {
  readonly serverIdOf: ServerIdOf;
  /** True for databases of the settings and of the directory: a source may call them by name or by GUID. */
  readonly isKnownDatabase: (id: DatabaseId) => boolean;
}

/** The largest document that is parsed: 1,000 databases with four copies each are 700 KiB. */
export const agentBodyBytesMax = 1024 * 1024;

/** A feed that remembers only which agents there are, since their number is bounded. */
export function createAgentFeed(options: AgentFeedOptions): AgentFeed {
  const agents = new Set<string>();
  return {
    receive(body, receivedAt) {
      const parsed = parseDocument(body);
      if ('problem' in parsed) return parsed;
      const source = sourceOf(parsed.agent, options.serverIdOf);
      if (!agents.has(source) && agents.size >= agentsMax)
        return { problem: `more than ${agentsMax} agents` };
      const received = claimsOf(parsed, { ...options, source, receivedAt });
      if (!('problem' in received)) agents.add(source);
      return received;
    },
  };
}

interface AgentDocument {
  readonly agent: string;
  readonly seq: number;
  readonly databases: readonly unknown[];
}

function parseDocument(body: string): AgentDocument | { readonly problem: string } {
  if (body.length > agentBodyBytesMax) return { problem: `more than ${agentBodyBytesMax} bytes` };
  const document = parseJson(body);
  if (!isObject(document)) return { problem: 'no JSON object' };
  const schema = textIn(document, 'schema');
  if (schema !== feedSchema)
    return { problem: `"schema" is ${shown(document['schema'])}, not "${feedSchema}"` };

  const agent = textIn(document, 'agent', 63);
  if (agent === undefined) return { problem: `"agent" is ${shown(document['agent'])}, not a name` };
  const seq = wholeIn(document, 'seq');
  if (seq === undefined) return { problem: `"seq" is ${shown(document['seq'])}, not a whole number from 0` };
  const databases = listIn(document, 'databases');
  if (databases === undefined) return { problem: '"databases" is no list' };
  if (databases.length > databasesMax) return { problem: `"databases" has more than ${databasesMax} items` };
  return { agent, seq, databases };
}

interface Receiving extends AgentFeedOptions {
  readonly source: string;
  readonly receivedAt: Moment;
}

function claimsOf({ databases, seq }: AgentDocument, receiving: Receiving): FeedReceived {
  const claims: Claim[] = [];
  const notes = new Set<string>();
  for (const [index, item] of databases.entries()) {
    const claim = claimOf(item, receiving, notes);
    if ('problem' in claim) return { problem: `databases[${index}]: ${claim.problem}` };
    if (claims.some(({ database }) => database === claim.database)) {
      return { problem: `databases[${index}]: ${claim.database} a second time` };
    }
    claims.push(claim);
  }
  return { claims: { source: receiving.source, seq, claims }, notes: [...notes].slice(0, notesMax) };
}

type Faulty = { readonly problem: string };

function claimOf(item: unknown, receiving: Receiving, notes: Set<string>): Claim | Faulty {
  if (!isObject(item)) return { problem: 'no object' };
  const database = databaseIdOf(item, receiving);
  if (database === undefined) return { problem: 'neither "name" nor "guid"' };
  const epoch = wholeIn(item, 'epoch');
  if (epoch === undefined && hasValue(item, 'epoch')) return { problem: '"epoch" is no whole number from 0' };
  if (hasValue(item, 'mounted') && typeof item['mounted'] !== 'boolean')
    return { problem: '"mounted" is not true or false' };

  const activeServer = activeServerOf(item, receiving, notes);
  if (activeServer !== undefined && typeof activeServer === 'object') return activeServer;
  const copies = copiesOf(item, receiving, notes);
  if ('problem' in copies) return copies;
  return {
    source: receiving.source,
    database,
    activeServer,
    copies: withActiveCopy(copies, activeServer, item['mounted']),
    epoch,
    receivedAt: receiving.receivedAt,
    growsStale: true,
  };
}

/** The GUID where the settings or the directory know it, since names change; else the name. */
function databaseIdOf(item: JsonObject, { isKnownDatabase }: Receiving): DatabaseId | undefined {
  const guid = textIn(item, 'guid', 64)?.toLowerCase().replace(/[{}]/g, '') as DatabaseId | undefined;
  const name = textIn(item, 'name', 64)?.trim().toLowerCase() as DatabaseId | undefined;
  return guid !== undefined && isKnownDatabase(guid) ? guid : (name ?? guid);
}

function activeServerOf(
  item: JsonObject,
  { serverIdOf }: Receiving,
  notes: Set<string>,
): ServerId | undefined | Faulty {
  if (!hasValue(item, 'activeServer')) return undefined;
  const name = textIn(item, 'activeServer');
  if (name === undefined) return { problem: `"activeServer" is ${shown(item['activeServer'])}, not a name` };
  return serverIdOf(name) ?? noted(name, notes);
}

function copiesOf(item: JsonObject, { serverIdOf }: Receiving, notes: Set<string>): CopyClaim[] | Faulty {
  if (!hasValue(item, 'copies')) return [];
  const items = listIn(item, 'copies');
  if (items === undefined || items.length > copiesMax)
    return { problem: `"copies" is no list of ${copiesMax} at most` };
  const copies: CopyClaim[] = [];
  for (const copy of items) {
    if (!isObject(copy)) return { problem: 'a copy that is no object' };
    const [name, status] = [textIn(copy, 'server'), textIn(copy, 'status')];
    if (name === undefined || status === undefined)
      return { problem: 'a copy without "server" and "status"' };
    const server = serverIdOf(name) ?? noted(name, notes);
    if (server === undefined) continue;
    if (copies.some((earlier) => earlier.server === server)) return { problem: `two copies on ${server}` };
    copies.push({
      server,
      status: copyStatusOf(status),
      activationPreference: wholeIn(copy, 'activationPreference'),
    });
  }
  return copies;
}

/** Short documents have no copies: then "activeServer" and "mounted" say the same of the one that matters. */
function withActiveCopy(
  copies: readonly CopyClaim[],
  active: ServerId | undefined,
  mounted: unknown,
): readonly CopyClaim[] {
  if (active === undefined || typeof mounted !== 'boolean') return copies;
  if (copies.some(({ server }) => server === active)) return copies;
  return [
    ...copies,
    { server: active, status: mounted ? 'Mounted' : 'Dismounted', activationPreference: undefined },
  ];
}

/** An agent on a server is known by that server's id, so that its word on its own copy is recognised. */
function sourceOf(agent: string, serverIdOf: ServerIdOf): string {
  return `agent:${serverIdOf(agent) ?? agent.trim().toLowerCase()}`;
}

function noted(name: string, notes: Set<string>): undefined {
  notes.add(`unknown server ${shown(name)}`);
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Foreign text in a sentence of ours: quoted, escaped and short. */
function shown(value: unknown): string {
  return value === undefined ? 'missing' : (JSON.stringify(value) ?? 'nothing').slice(0, 64);
}

const feedSchema = 'edge-topology/1';
/** One on each server of the largest DAG (16), twice, and as many witnesses. */
const agentsMax = 64;
/** Exchange allows 100 a server; a large Dovecot site has one a user group. */
const databasesMax = 4096;
/** A DAG has 16 members. */
const copiesMax = 64;
const notesMax = 16;
