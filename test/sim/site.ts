/** The site of one run, drawn from its seed: servers, databases, users, settings, habits, delays. */
import type { ProbeAccount, Secret, Settings } from '#gateway/settings/settings';
import type { DatabaseId, ServerId } from '#model/ids';
import type { MovePolicy } from '#model/routing-table';
import type { Random } from './random.ts';
import type { Account } from './world/mail-server.ts';
import type { Habits } from './world/mail-client.ts';

export interface Site {
  readonly settings: Settings;
  readonly servers: readonly { readonly id: string; readonly address: string }[];
  readonly databases: readonly { readonly id: string; readonly policy: MovePolicy }[];
  readonly accounts: ReadonlyMap<string, Account>;
  readonly mailboxes: ReadonlyMap<string, string>;
  readonly clients: readonly {
    readonly name: string;
    readonly account: Account;
    readonly address: string;
    readonly habits: Habits;
  }[];
  readonly source: 'agents' | 'file';
  readonly countsEpochs: boolean;
  readonly agentEveryMs: number;
  readonly queueRecordsMax: number;
  readonly skewMs: number;
  readonly serverTls: boolean;
  /** How long servers think about a command, at most. */
  readonly thinkMs: number;
  /** The way of a message between the main thread and a worker, at most. */
  readonly messageMs: number;
  /** The operators of the site move databases, whatever else is. */
  readonly moveEveryMs: number;
  /** Servers send sessions away themselves when their database leaves. */
  readonly kicksOut: boolean;
  /** How much slower each IO thread is than an idle one. */
  readonly threadLoads: readonly number[];
}

export function drawSite(random: Random): Site {
  const servers = ['ex1', 'ex2', 'ex3'].slice(0, 2 + random.below(2)).map((id, index) => ({
    id,
    address: `192.0.2.${index + 11}`,
  }));
  const usual = random.pick(['exclusive', 'exclusive', 'exclusive', 'sticky', 'free'] as const);
  const databases = ['db1', 'db2', 'db3'].slice(0, 1 + random.below(3)).map((id) => ({
    id,
    policy: random.chance(0.8) ? usual : random.pick(['exclusive', 'sticky', 'free'] as const),
  }));
  const accounts = drawAccounts(random, databases);
  const source = random.chance(0.85) ? 'agents' : 'file';
  const serverTls = random.chance(0.5);
  const clients = drawClients(random, [...accounts.values()]);
  const probeUsers = databases.map(({ id }) => probeUserOf(id));
  const parts: Parts = { servers, databases, usual, source, serverTls, clients };
  return {
    settings: settingsOf(random, parts),
    servers,
    databases,
    accounts: new Map([...accounts, ...probeUsers.map((user) => [user.name, user] as const)]),
    mailboxes: new Map([...accounts.values()].map(({ name, database }) => [name, database])),
    clients,
    source,
    countsEpochs: random.chance(0.4),
    agentEveryMs: random.pick([1000, 1000, 2000, 3000]),
    queueRecordsMax: random.pick([6, 16, 64, 4096]),
    skewMs: random.pick([0, 0, -3_600_000, 86_400_000]),
    serverTls,
    thinkMs: random.pick([2, 6, 30, 150, 400]),
    messageMs: random.pick([1, 2, 2, 100, 600]),
    moveEveryMs: random.pick([Infinity, Infinity, 3_500, 1_000]),
    kicksOut: random.chance(0.5),
    threadLoads: Array.from({ length: 3 }, () => random.pick([1, 1, 1, 20, 200])),
  };
}

function drawAccounts(random: Random, databases: Site['databases']): Map<string, Account> {
  const count = 3 + random.below(5);
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const name = `u${index}@demo.test`;
      return [name, { name, password: `secret-of-${index}`, database: random.pick(databases).id }];
    }),
  );
}

function drawClients(random: Random, accounts: readonly Account[]): Site['clients'] {
  return accounts.flatMap((account, user) =>
    Array.from({ length: 1 + random.below(3) }, (_, index) => ({
      name: `${account.name}#${index}`,
      account,
      // Some sit in one office, behind one address.
      address: random.chance(0.3) ? officeAddress : `203.0.113.${user * 8 + index}`,
      habits: drawHabits(random),
    })),
  );
}

function drawHabits(random: Random): Habits {
  const isImplicit = random.chance(0.75);
  const login = random.pick(['atoms', 'quoted', 'literals', 'streamed', 'plain'] as const);
  return {
    isImplicit,
    // Whoever waits for an invitation can't send ahead.
    pipelines: isImplicit && login !== 'literals' && login !== 'plain' && random.chance(0.4),
    login,
    wrongPasswordShare: random.pick([0, 0, 0.2]),
    leavesShare: random.pick([0, 0.2, 0.6]),
    pauseMs: random.pick([200, 800, 3000]),
  };
}

interface Parts extends Pick<Site, 'servers' | 'databases' | 'source' | 'serverTls' | 'clients'> {
  readonly usual: MovePolicy;
}

/** Of the login probe: in each database a mailbox of its own. */
function probeAccountOf(id: string): ProbeAccount {
  const { name, password } = probeUserOf(id);
  const secret: Secret = { reveal: () => password, toString: () => '***', toJSON: () => '***' };
  return { database: id as DatabaseId, user: name, password: secret };
}

function probeUserOf(database: string): Account {
  return { name: `probe-${database}`, password: `secret-of-${database}`, database };
}

/** Short times, so that a run is short: what matters is their order, which is that of real settings. */
function settingsOf(random: Random, parts: Parts): Settings {
  const { servers, databases, usual, source, serverTls, clients } = parts;
  const inOffice = clients.filter(({ address }) => address === officeAddress).length;
  const ids = servers.map(({ id }) => id as ServerId);
  return {
    servers: servers.map(({ id, address }) => ({
      id: id as ServerId,
      address,
      fqdn: `${id}.corp.test`,
      weight: 100,
      trust: { profile: 'modern', verify: 'ca', caPem: '', pins: [] },
      protocols: { imap: { port: 993, tls: serverTls ? 'implicit' : 'off', identity: 'none' } },
    })),
    databases: databases.map(({ id, policy }) => ({ id: id as DatabaseId, copies: ids, policy })),
    movePolicy: usual,
    unknownMailbox: usual === 'exclusive' ? { then: 'refuse' } : { then: 'hash' },
    frontends: bothFrontends(),
    trustedProxies: [],
    sourceAddresses: [],
    tls: { certificates: [] },
    directoryPath: '/sim/mailboxes',
    copySources: [source === 'agents' ? 'agent' : 'file'],
    copiesPath: source === 'file' ? '/sim/copies' : undefined,
    agent: { listen: undefined, key: undefined },
    claimStaleAfterMs: 6_000,
    holdForMs: random.pick([2_000, 8_000]),
    serverDownSessions: random.chance(0.8) ? 'end' : 'keep',
    monitor: {
      greetingIntervalMs: 2_000,
      loginIntervalMs: 5_000,
      riseCount: 2,
      fallCount: 3,
      connectTimeoutMs: 1_000,
      greetingTimeoutMs: 1_000,
      probeAccounts: random.chance(0.5) ? databases.map(({ id }) => probeAccountOf(id)) : [],
    },
    limits: {
      // All that there are fit; those that come beside them may not.
      connectionsMax: random.chance(0.2) ? clients.length + 2 : 1000,
      connectionsPerAddressMax: random.chance(0.2) ? Math.max(4, inOffice + 1) : 100,
      preambleTimeoutMs: 15_000,
      loginAttemptsMax: 3,
      loginDelayMaxMs: 0,
      sessionsPerMailboxMax: 1000,
    },
    workers: 1 + random.below(3),
    ioThreads: 1 + random.below(3),
    adminSocket: '/sim/admin.sock',
    stateDir: random.chance(0.7) ? '/sim/state' : undefined,
    drainTimeoutMs: 3_000,
    goodbye: { perSecond: random.pick([0, 1, 5, 20]), windowMs: random.pick([500, 3_000]) },
    log: { level: 'info', sessions: true },
    hostname: 'mx.demo.test',
  };
}

function bothFrontends(): Settings['frontends'] {
  const listeners = [{ host: '192.0.2.1', port: 0 }];
  const usual = {
    protocol: 'imap',
    listeners,
    idleTimeoutMs: 1_800_000,
    baseline: [],
    isProxied: false,
    tlsProfile: 'modern',
  } as const;
  return [
    { ...usual, name: 'imaps', tls: 'implicit' },
    { ...usual, name: 'imap', tls: 'starttls' },
  ];
}

const officeAddress = '198.51.100.7';
