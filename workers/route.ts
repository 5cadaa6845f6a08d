/**
 * Which server a session goes to, and why: the routing table, the mailbox's database and the move policy
 * give a server, a wait, or a refusal, each with its reason in words.
 *
 * It never chooses who becomes active: that is what the copy sources say (gateway/cluster). It neither
 * waits (place.ts) nor dials. PURE.
 */
import type { EndReason } from '#model/end-reason';
import type { Protocol } from '#model/protocol';
import type {
  DatabaseRoute,
  Owner,
  RoutingTable,
  ServerProtocolRoute,
  ServerRoute,
} from '#model/routing-table';

export interface RouteQuestion {
  readonly protocol: Protocol;
  /** The database's index, as the directory has it; -1: the directory lacks the mailbox. */
  readonly database: number;
  /** The server with live sessions of the mailbox, by index; -1 for none. */
  readonly pinnedServer: number;
  /** The hash ring's server for the mailbox, by index; -1 for none. */
  readonly hashedServer: number;
  /** The low word of the mailbox's identity: spreads mailboxes where the ring's server can't be used. */
  readonly mailboxLow: number;
  /**
   * Servers that have just failed this login, by index. They are passed over where the policy leaves a
   * choice.
   */
  readonly avoid: readonly number[];
}

/**
 * The answer. `why` is for the operator, e.g. "db1 is served by ex1, generation 3".
 *   serve   `database` is undefined for a mailbox without one; `generation` is 0 then
 *   hold    there may be a server soon; `reason` is what to end with when the wait was in vain
 *   refuse  waiting changes nothing
 */
export type RouteDecision =
  | {
      readonly is: 'serve';
      readonly server: ServerRoute;
      readonly protocolRoute: ServerProtocolRoute;
      readonly database: DatabaseRoute | undefined;
      readonly generation: number;
      readonly why: string;
    }
  | { readonly is: 'hold'; readonly reason: EndReason; readonly why: string }
  | { readonly is: 'refuse'; readonly reason: EndReason; readonly why: string };

/** Decides for one mailbox; the same table and question give the same answer. */
export function decideRoute(table: RoutingTable, question: RouteQuestion): RouteDecision {
  if (question.database < 0) return decideUnknown(table, question);
  const database = databaseAt(table, question.database);
  if (database === undefined) return decideUnnamed(table, question, "the mailbox's database");
  return decideDatabase(table, database, question);
}

function decideUnknown(table: RoutingTable, question: RouteQuestion): RouteDecision {
  const rule = table.unknownMailbox;
  switch (rule.then) {
    case 'refuse':
      return { is: 'refuse', reason: 'unknown_mailbox', why: 'the directory does not know the mailbox' };
    case 'hash':
      return anyServer(table, undefined, question, 'the directory does not know the mailbox');
    case 'database': {
      const database = table.databases.find(({ id }) => id === rule.database);
      if (database === undefined) return decideUnnamed(table, question, rule.database);
      return decideDatabase(table, database, question);
    }
  }
}

/**
 * The mailbox has a database that neither the settings nor a source name. Where any server may serve it,
 * not knowing the right one is no error.
 */
function decideUnnamed(table: RoutingTable, question: RouteQuestion, name: string): RouteDecision {
  const why = `nobody has told of ${name} yet`;
  if (table.unnamedDatabasePolicy === 'exclusive') return hold('no_active_copy', why);
  return anyServer(table, undefined, question, why);
}

function decideDatabase(
  table: RoutingTable,
  database: DatabaseRoute,
  question: RouteQuestion,
): RouteDecision {
  const { id, state } = database;
  const isExclusive = database.policy === 'exclusive';
  switch (state.at) {
    case 'moving':
      return hold('held_too_long', `${id} is moving; its last server is ${state.owner.server}`);
    case 'dismounted':
      return hold('database_dismounted', `${id} is dismounted on ${state.owner.server}`);
    case 'unclaimed':
      if (isExclusive) return hold('no_active_copy', `no source says where ${id} is active`);
      return anyServer(table, database, question, `no source says where ${id} is active`);
    case 'disputed': {
      const dispute = `${state.claimants.join(' and ')} both claim ${id}`;
      if (isExclusive) return hold('database_conflict', dispute);
      if (state.owner === undefined) return anyServer(table, database, question, dispute);
      return decideOwned(
        table,
        { database, owner: state.owner, why: `${dispute}; ${state.owner.server} had it last` },
        question,
      );
    }
    case 'remembered': {
      const { server, generation } = state.owner;
      const why = `no fresh claim; ${id} was last served by ${server}, generation ${generation}`;
      return decideOwned(table, { database, owner: state.owner, why }, question);
    }
    case 'served':
      return decideOwned(
        table,
        { database, owner: state.owner, why: servedBy(database, state.owner) },
        question,
      );
  }
}

/** A database whose owner is known, and how we know. */
interface Owned {
  readonly database: DatabaseRoute;
  readonly owner: Owner;
  readonly why: string;
}

function decideOwned(table: RoutingTable, owned: Owned, question: RouteQuestion): RouteDecision {
  switch (owned.database.policy) {
    case 'exclusive':
      return decideExclusive(table, owned, question);
    case 'sticky':
      return pinned(table, owned, question) ?? ownerOrAny(table, owned, question);
    case 'free':
      return ownerOrAny(table, owned, question);
  }
}

/**
 * One writer: the owner or nobody. A failure of the owner is temporary, never a reason for another server.
 */
function decideExclusive(table: RoutingTable, owned: Owned, question: RouteQuestion): RouteDecision {
  const { owner, why } = owned;
  const server = table.servers.find(({ id }) => id === owner.server);
  const trouble = troubleOf(server, owner.server, question.protocol);
  if (trouble !== undefined) return hold(trouble.reason, `${why}; ${trouble.why}`);
  const failing = storeFault(owned);
  if (failing !== undefined) return failing;
  const { pinnedServer } = question;
  if (pinnedServer >= 0 && pinnedServer !== server?.index) {
    return hold(
      'held_elsewhere',
      `${why}; sessions of the mailbox are still open on ${nameAt(table, pinnedServer)}`,
    );
  }
  return serve(server, owned, question, why);
}

/** Sessions of one mailbox stay together while their server is up. */
function pinned(table: RoutingTable, owned: Owned, question: RouteQuestion): RouteDecision | undefined {
  const server = table.servers.find(({ index }) => index === question.pinnedServer);
  if (server === undefined || server.id === owned.owner.server || !isUsable(server, question))
    return undefined;
  return serve(server, owned, question, `sessions of the mailbox are open on ${server.id}; ${owned.why}`);
}

function ownerOrAny(table: RoutingTable, owned: Owned, question: RouteQuestion): RouteDecision {
  const { database, owner, why } = owned;
  const server = table.servers.find(({ id }) => id === owner.server);
  if (server !== undefined && isUsable(server, question))
    return storeFault(owned) ?? serve(server, owned, question, why);
  const trouble =
    troubleOf(server, owner.server, question.protocol)?.why ?? `${owner.server} has just failed`;
  return anyServer(table, database, question, `${why}; ${trouble}`);
}

/**
 * The owner is up, and the database's store fails there. Under every policy that is temporary: another
 * server would reach for the same store.
 */
function storeFault({ database, owner, why }: Owned): RouteDecision | undefined {
  const { fault } = database;
  return fault === undefined
    ? undefined
    : hold('database_dismounted', `${why}; ${owner.server} is up, but ${fault}`);
}

/**
 * For mailboxes that may be opened anywhere: the server where sessions of the mailbox are, whatever
 * protocol they speak, so that all doors of a mailbox lead to one server where one offers them; else the
 * ring's server; else another, the same one for the same mailbox.
 */
function anyServer(
  table: RoutingTable,
  database: DatabaseRoute | undefined,
  question: RouteQuestion,
  why: string,
): RouteDecision {
  const usable = table.servers.filter((server) => isUsable(server, question));
  const known = usable.filter((server) => server.protocols[question.protocol]?.health.is === 'up');
  const candidates = known.length > 0 ? known : usable;
  const withSessions = candidates.find(({ index }) => index === question.pinnedServer);
  const chosen =
    withSessions ??
    candidates.find(({ index }) => index === question.hashedServer) ??
    spread(candidates, question.mailboxLow);
  if (chosen === undefined) return hold('server_down', `${why}; no server offers ${question.protocol} now`);
  const owner = database && ownerOf(database);
  const choice =
    withSessions === undefined
      ? `${chosen.id} is chosen by the mailbox's hash`
      : `sessions of the mailbox are open on ${chosen.id}`;
  return serve(chosen, { database, owner, why }, question, `${why}; ${choice}`);
}

/**
 * Rendezvous hashing: where a server goes, only its own mailboxes move. Weight 0 is for when nobody else
 * is there.
 */
function spread(candidates: readonly ServerRoute[], mailboxLow: number): ServerRoute | undefined {
  const weighted = candidates.filter(({ weight }) => weight > 0);
  const among = weighted.length > 0 ? weighted : candidates;
  const scored = among.map((server) => ({ server, score: score(mailboxLow, server) }));
  scored.sort((one, other) => other.score - one.score || one.server.index - other.server.index);
  return scored[0]?.server;
}

/** Weighted: -weight / ln(u) for a uniform u in (0, 1) wins in proportion to the weight. */
function score(mailboxLow: number, server: ServerRoute): number {
  const mixed = mix(mix(mailboxLow) ^ Math.imul(server.index + 1, 0x9e37_79b1));
  return -Math.max(server.weight, 1) / Math.log((mixed + 0.5) / 2 ** 32);
}

/** The finalizer of MurmurHash3: every bit of the input reaches every bit of the result. */
function mix(word: number): number {
  let mixed = word >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function isUsable(server: ServerRoute, question: RouteQuestion): boolean {
  return (
    !question.avoid.includes(server.index) && troubleOf(server, server.id, question.protocol) === undefined
  );
}

interface Trouble {
  readonly reason: EndReason;
  readonly why: string;
}

/**
 * Why a server takes no new session. One that was not looked at yet may be tried: the first login must not
 * wait.
 */
function troubleOf(server: ServerRoute | undefined, name: string, protocol: Protocol): Trouble | undefined {
  if (server === undefined) return { reason: 'server_down', why: `${name} is none of our servers` };
  if (server.admin === 'maintenance') return { reason: 'drained', why: `${name} is in maintenance` };
  if (server.admin === 'drain') return { reason: 'drained', why: `${name} is being drained` };
  const route = server.protocols[protocol];
  if (route === undefined) return { reason: 'server_down', why: `${name} does not offer ${protocol}` };
  return route.health.is === 'down'
    ? { reason: 'server_down', why: `${name} is down: ${route.health.why}` }
    : undefined;
}

function serve(
  server: ServerRoute | undefined,
  owned: {
    readonly database: DatabaseRoute | undefined;
    readonly owner: Owner | undefined;
    readonly why: string;
  },
  question: RouteQuestion,
  why: string,
): RouteDecision {
  const protocolRoute = server?.protocols[question.protocol];
  if (server === undefined || protocolRoute === undefined) return hold('server_down', owned.why);
  const generation = owned.owner?.generation ?? 0;
  return { is: 'serve', server, protocolRoute, database: owned.database, generation, why };
}

function ownerOf({ state }: DatabaseRoute): Owner | undefined {
  return state.at === 'unclaimed' ? undefined : state.owner;
}

function hold(reason: EndReason, why: string): RouteDecision {
  return { is: 'hold', reason, why };
}

function servedBy({ id }: DatabaseRoute, { server, generation }: Owner): string {
  return `${id} is served by ${server}, generation ${generation}`;
}

/** Indexes are given in order and seldom have gaps, so the first look mostly finds it. */
function databaseAt(table: RoutingTable, index: number): DatabaseRoute | undefined {
  const guess = table.databases[index];
  return guess?.index === index ? guess : table.databases.find((database) => database.index === index);
}

function nameAt(table: RoutingTable, index: number): string {
  return table.servers.find((server) => server.index === index)?.id ?? `server ${index}`;
}
