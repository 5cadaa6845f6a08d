/**
 * The site that traces play in: two servers, three databases, three people. `given` and `now` lines change
 * it.
 */
import type { DatabaseId, Generation, Revision, ServerId } from '#model/ids';
import type { FrontendConfig } from '#model/messages';
import type { LoginProtocol } from '#model/protocol';
import type {
  AdminState,
  DatabaseRoute,
  DatabaseState,
  MovePolicy,
  RoutingTable,
  ServerProtocolRoute,
  ServerRoute,
} from '#model/routing-table';

export interface World {
  frontend: FrontendConfig;
  servers: ServerRoute[];
  databases: DatabaseRoute[];
  unnamedDatabasePolicy: MovePolicy;
  unknownMailbox: RoutingTable['unknownMailbox'];
}

export const mailboxes: ReadonlyMap<string, number> = new Map([
  ['ann@demo.test', 0],
  ['bob@demo.test', 1],
  ['cid@demo.test', 2],
]);

export function usualWorld(): World {
  return {
    frontend: frontendOf('imaps'),
    servers: [server('ex1', 0), server('ex2', 1)],
    databases: [database('db1', 0, 'ex1'), database('db2', 1, 'ex2'), database('db3', 2, 'ex1')],
    unnamedDatabasePolicy: 'exclusive',
    unknownMailbox: { then: 'refuse' },
  };
}

export function tableOf(world: World, revision: number): RoutingTable {
  const { servers, databases } = world;
  const { unnamedDatabasePolicy, unknownMailbox } = world;
  return {
    revision: revision as Revision,
    servers: [...servers],
    databases: [...databases],
    unnamedDatabasePolicy,
    unknownMailbox,
  };
}

/** The frontends that a trace may play at; `starttls` is IMAP's. */
const frontends: Readonly<Record<string, FrontendConfig>> = {
  imaps: { name: 'imaps', protocol: 'imap', tls: 'implicit', baseline: [] },
  starttls: { name: 'imap', protocol: 'imap', tls: 'starttls', baseline: [] },
  pop3s: { name: 'pop3s', protocol: 'pop3', tls: 'implicit', baseline: [] },
  pop3: { name: 'pop3', protocol: 'pop3', tls: 'starttls', baseline: [] },
  managesieve: { name: 'managesieve', protocol: 'sieve', tls: 'starttls', baseline: [] },
  submission: { name: 'submission', protocol: 'submission', tls: 'starttls', baseline: [] },
  submissions: { name: 'submissions', protocol: 'submission', tls: 'implicit', baseline: [] },
};

function server(name: string, index: number): ServerRoute {
  const route = (
    port: number,
    tls: ServerProtocolRoute['endpoint']['tls'],
    capabilities: string,
  ): ServerProtocolRoute => ({
    endpoint: { address: `127.0.0.1${index + 1}`, port, tls, tlsName: name },
    health: { is: 'up' },
    offer: { capabilities: capabilities.split(' ') },
    identity: 'none',
  });
  const protocols = {
    imap: route(993, 'implicit', 'IMAP4REV1 LITERAL+ SASL-IR ID AUTH=PLAIN'),
    pop3: route(995, 'implicit', 'TOP UIDL USER AUTH=PLAIN'),
    sieve: route(4190, 'starttls', 'IMPLEMENTATION=X AUTH=PLAIN SIEVE SIEVE=FILEINTO'),
    submission: route(465, 'implicit', 'PIPELINING SIZE AUTH AUTH=PLAIN AUTH=LOGIN'),
  };
  return { id: name as ServerId, index, admin: 'ready', weight: 100, protocols };
}

function database(name: string, index: number, owner: string): DatabaseRoute {
  const copies = ['ex1', 'ex2'] as ServerId[];
  return { id: name as DatabaseId, index, policy: 'exclusive', state: served(owner, 3), copies };
}

function served(server: string, generation: number): DatabaseState {
  return { at: 'served', owner: { server: server as ServerId, generation: generation as Generation } };
}

/**
 * Changes the world by one line, e.g. `db1 served ex2 4`, `ex1 offers IMAP4REV1 AUTH=PLAIN`, `frontend
 * starttls`.
 */
export function change(world: World, line: string): void {
  const [subject = '', verb = '', ...rest] = line.split(' ');
  const { protocol } = world.frontend;
  if (subject === 'frontend') world.frontend = frontendOf(verb);
  else if (subject === 'baseline') world.frontend = { ...world.frontend, baseline: [verb, ...rest] };
  else if (subject === 'without') world.databases = world.databases.filter(({ id }) => id !== verb);
  else if (subject === 'unnamed') world.unnamedDatabasePolicy = verb as MovePolicy;
  else if (subject === 'unknown') world.unknownMailbox = { then: 'hash' };
  else if (subject.startsWith('ex'))
    world.servers = world.servers.map((one) =>
      one.id === subject ? changeServer(one, protocol, [verb, ...rest]) : one,
    );
  else if (subject.startsWith('db'))
    world.databases = world.databases.map((one) =>
      one.id === subject ? changeDatabase(one, verb, rest) : one,
    );
  else throw new Error(`the world has no ${subject}`);
}

function frontendOf(name: string): FrontendConfig {
  const frontend = frontends[name];
  if (frontend === undefined) throw new Error(`the world has no frontend ${name}`);
  return frontend;
}

/** Changes what holds for the protocol that the trace plays. */
function changeServer(server: ServerRoute, protocol: LoginProtocol, line: readonly string[]): ServerRoute {
  const [verb, ...rest] = line;
  const route = server.protocols[protocol];
  if (route === undefined) throw new Error(`no ${protocol}`);
  const withRoute = (changed: Partial<ServerProtocolRoute>): ServerRoute => ({
    ...server,
    protocols: { ...server.protocols, [protocol]: { ...route, ...changed } },
  });
  switch (verb) {
    case 'ready':
    case 'drain':
    case 'maintenance':
      return { ...server, admin: verb as AdminState };
    case 'down':
      return withRoute({ health: { is: 'down', why: rest.join(' ') } });
    case 'up':
      return withRoute({ health: { is: 'up' } });
    case 'unprobed':
      return withRoute({ health: { is: 'unknown' }, offer: { capabilities: [] } });
    case 'offers':
      return withRoute({ offer: { capabilities: rest } });
    case 'trusts':
      return withRoute({ identity: rest[0] === 'xclient' ? 'xclient' : 'id' });
    case 'starttls':
      return withRoute({ endpoint: { ...route.endpoint, tls: 'starttls' } });
    default:
      throw new Error(`a server is not ${verb}`);
  }
}

function changeDatabase(database: DatabaseRoute, verb: string, rest: string[]): DatabaseRoute {
  const [server = '', generation = '3'] = rest;
  const owner = { server: (server || 'ex1') as ServerId, generation: Number(generation) as Generation };
  switch (verb) {
    case 'exclusive':
    case 'sticky':
    case 'free':
      return { ...database, policy: verb as MovePolicy };
    case 'unclaimed':
      return { ...database, state: { at: 'unclaimed' } };
    case 'fails':
      return { ...database, fault: rest.join(' ') };
    case 'disputed':
      return { ...database, state: { at: 'disputed', owner, claimants: ['ex1', 'ex2'] as ServerId[] } };
    case 'served':
    case 'moving':
    case 'dismounted':
    case 'remembered':
      return { ...database, state: { at: verb, owner } };
    default:
      throw new Error(`a database is not ${verb}`);
  }
}
