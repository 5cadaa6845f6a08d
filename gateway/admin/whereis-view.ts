/**
 * `whereis`: where a login of each protocol would go now, by the very function that the workers decide with,
 * the facts that this rests on, and where it would go if that server died.
 *
 * PURE; the decision is an argument, since it is the workers' (workers/route.ts).
 */
import { databaseFacts } from '#gateway/cluster/facts';
import type { Protocol } from '#model/protocol';
import type { DatabaseRoute, Health, RoutingTable, ServerRoute } from '#model/routing-table';
import type { MailboxFound } from '#native';
import type { Fact, ProtocolAnswer, WhereisDocument } from './api.ts';
import type { Snapshot } from './snapshot.ts';
import { ownerOf, protocolsOf } from './status-view.ts';

/** The workers' decision, as far as it is asked here. */
export type Decide = (table: RoutingTable, question: RouteQuestion) => RouteAnswer;

export interface RouteQuestion {
  readonly protocol: Protocol;
  readonly database: number;
  readonly pinnedServer: number;
  readonly hashedServer: number;
  readonly mailboxLow: number;
  readonly avoid: readonly number[];
}

export type RouteAnswer =
  | {
      readonly is: 'serve';
      readonly server: ServerRoute;
      readonly generation: number;
      readonly why: string;
    }
  | { readonly is: 'hold' | 'refuse'; readonly why: string };

export interface Asked {
  /** The mailbox that the login name opens. */
  readonly mailbox: string;
  readonly found: MailboxFound;
}

/** What `postern whereis` shows. */
export function whereisOf(snapshot: Snapshot, { mailbox, found }: Asked, decide: Decide): WhereisDocument {
  const { table } = snapshot;
  const answers = snapshot.protocols.map((protocol) => answerFor(table, { protocol, found, decide }));
  const [first = refused] = answers;
  const database = databaseOf(table, found, first.answer);
  const owner = database && ownerOf(database.state);
  const servers = answers.flatMap(({ answer }) => (answer.is === 'serve' ? [answer.server] : []));
  const { server, reason, ifItDied } = first.shown;
  return {
    mailbox,
    database: database?.id ?? snapshot.directory.databases[found.database] ?? null,
    server,
    generation: owner?.generation ?? null,
    reason,
    facts: factsOf(snapshot, { mailbox, found, database, servers }),
    ifItDied,
    protocols: answers.map(({ shown }) => shown),
  };
}

interface ProtocolAsked {
  readonly protocol: Protocol;
  readonly found: MailboxFound;
  readonly decide: Decide;
}

interface Answered {
  readonly answer: RouteAnswer;
  readonly shown: ProtocolAnswer;
}

function answerFor(table: RoutingTable, { protocol, found, decide }: ProtocolAsked): Answered {
  const question: RouteQuestion = {
    protocol,
    database: found.database,
    pinnedServer: found.pinnedServer,
    hashedServer: found.hashedServer,
    mailboxLow: Number.parseInt(found.id.slice(-8), 16),
    avoid: [],
  };
  const answer = decide(table, question);
  const server = answer.is === 'serve' ? answer.server : undefined;
  const ifItDied = server === undefined ? nobodyNow : afterDeath(table, { question, server, decide });
  return { answer, shown: { protocol, server: server?.id ?? null, reason: answer.why, ifItDied } };
}

function databaseOf(
  table: RoutingTable,
  found: MailboxFound,
  answer: RouteAnswer,
): DatabaseRoute | undefined {
  if (found.database >= 0) return table.databases.find(({ index }) => index === found.database);
  const rule = table.unknownMailbox;
  const fallback = rule.then === 'database' && answer.is !== 'refuse' ? rule.database : undefined;
  return table.databases.find(({ id }) => id === fallback);
}

interface Believed {
  readonly mailbox: string;
  readonly found: MailboxFound;
  readonly database: DatabaseRoute | undefined;
  /** Those that logins would be sent to. */
  readonly servers: readonly ServerRoute[];
}

function factsOf(snapshot: Snapshot, believed: Believed): Fact[] {
  const { found, database, mailbox } = believed;
  const { loadedAt } = snapshot.directory;
  const isKnown = found.database >= 0;
  const facts: Fact[] = [
    {
      what: isKnown ? `${mailbox} is in ${databaseWords(snapshot, believed)}` : `${mailbox} is not listed`,
      source: 'directory',
      ageMs: loadedAt === undefined ? null : Math.round(snapshot.now - loadedAt),
    },
  ];
  if (database !== undefined) facts.push(...claimFacts(snapshot, database));
  const servers = snapshot.table.servers.filter(
    ({ id }) =>
      database === undefined ||
      database.copies.includes(id) ||
      believed.servers.some((server) => server.id === id),
  );
  facts.push(...servers.flatMap((server) => serverFacts(snapshot, server)));
  const pinned = snapshot.table.servers.find(({ index }) => index === found.pinnedServer);
  if (pinned)
    facts.push({ what: `sessions of the mailbox are open on ${pinned.id}`, source: 'sessions', ageMs: 0 });
  return facts;
}

/** The table lacks a database that neither the settings nor a source name; the engine knows its name. */
function databaseWords({ directory }: Snapshot, { found, database }: Believed): string {
  if (database !== undefined) return database.id;
  const name = directory.databases[found.database] ?? 'a database';
  return `${name}, which neither the settings nor a source name`;
}

function claimFacts({ cluster, now }: Snapshot, database: DatabaseRoute): Fact[] {
  const claims = databaseFacts(cluster, database.id, now)?.claims ?? [];
  const facts = claims.map(({ source, ageMs, counts, activeServer, copies }): Fact => {
    const statuses = copies.map(({ server, status }) => `${server} ${status}`).join(', ');
    const active =
      activeServer === undefined
        ? 'does not say where it is active'
        : `${database.id} is active on ${activeServer}`;
    return {
      what: `${active} (${statuses})${counts ? '' : '; does not count any more'}`,
      source,
      ageMs: Math.round(ageMs),
    };
  });
  if (database.fault !== undefined) facts.push({ what: database.fault, source: 'monitor', ageMs: null });
  return facts;
}

/** A row for each health, with the protocols that it is of: usually one. Its age is that of the oldest. */
function serverFacts({ now, seenAt }: Snapshot, server: ServerRoute): Fact[] {
  const facts = healthGroups(server).map(({ health, why, protocols }): Fact => {
    const seen = protocols.map((protocol) => seenAt(server.id, protocol));
    const ages = seen.flatMap((at) => (at === undefined ? [] : [Math.round(now - at)]));
    return {
      what: `${server.id} is ${health} for ${protocols.join(', ')}${why}`,
      source: 'monitor',
      ageMs: ages.length < seen.length ? null : Math.max(...ages),
    };
  });
  if (server.admin !== 'ready')
    facts.push({ what: `${server.id} is set to ${server.admin}`, source: 'operator', ageMs: null });
  return facts;
}

interface HealthGroup {
  readonly health: Health['is'];
  readonly why: string;
  readonly protocols: Protocol[];
}

function healthGroups(server: ServerRoute): HealthGroup[] {
  const groups: HealthGroup[] = [];
  for (const protocol of protocolsOf(server)) {
    const seen = server.protocols[protocol]?.health;
    const [health, why] = [seen?.is ?? 'unknown', seen?.is === 'down' ? `: ${seen.why}` : ''];
    const group = groups.find((each) => each.health === health && each.why === why);
    if (group === undefined) groups.push({ health, why, protocols: [protocol] });
    else group.protocols.push(protocol);
  }
  return groups;
}

interface Death {
  readonly question: RouteQuestion;
  readonly server: ServerRoute;
  readonly decide: Decide;
}

/** The same question to a table in which the server is down; its sessions would be gone too. */
function afterDeath(table: RoutingTable, { question, server, decide }: Death): string {
  const servers = table.servers.map((each) => (each.id === server.id ? asDown(each) : each));
  const pinnedServer = question.pinnedServer === server.index ? -1 : question.pinnedServer;
  const answer = decide({ ...table, servers }, { ...question, pinnedServer });
  if (answer.is === 'serve') return `${answer.server.id}: ${answer.why}`;
  const database = table.databases.find(({ index }) => index === question.database);
  const others = database?.copies.filter((id) => id !== server.id) ?? [];
  if (others.length === 0) return 'nobody, until it is back';
  return `nobody, until it is back or a source says that another copy is active (${others.join(', ')})`;
}

function asDown(server: ServerRoute): ServerRoute {
  const health = { is: 'down', why: 'it died' } as const;
  const protocols = Object.entries(server.protocols).map(([name, route]) => [name, { ...route, health }]);
  return { ...server, protocols: Object.fromEntries(protocols) };
}

const nobodyNow = 'nobody serves it now';
/** Where nothing is offered, nothing is answered. */
const refused: Answered = {
  answer: { is: 'refuse', why: 'nothing is offered' },
  shown: { protocol: '', server: null, reason: 'nothing is offered', ifItDied: nobodyNow },
};
