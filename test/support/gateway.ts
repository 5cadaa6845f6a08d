/** A real gateway of dist/, in a process of its own, between test clients and test servers. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AdminAnswer, type AdminRequest, askAdmin } from './admin-client.ts';
import { type AgentVoice, agentKey, agentVoice } from './agent-voice.ts';
import { type Authority, makeAuthority } from './certificates.ts';
import { type Child, type Ended, runChild, startChild } from './child.ts';
import { eventually } from './eventually.ts';
import type { RawAddress } from './raw-connection.ts';
import { makeTempFolder, removeTempFolder } from './temp-folder.ts';

export interface GatewaySetup {
  readonly servers: readonly GatewayServer[];
  /** Database to the servers with a copy, the preferred first. */
  readonly databases: Readonly<Record<string, readonly string[]>>;
  /** Mailbox to database. */
  readonly mailboxes: Readonly<Record<string, string>>;
  /** Settings besides, or instead: POSTERN_MOVE_HOLD_FOR and the like. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly start?: GatewayStart;
}

/** How its process is started, where that matters. */
export interface GatewayStart {
  /** A command that runs the one behind it in its own place: `['prlimit', '--nofile=400']`. */
  readonly wrapper?: readonly string[];
  /** Another dist/gateway/cli/postern.js. */
  readonly posternPath?: string;
}

export interface GatewayServer {
  readonly name: string;
  readonly port: number;
  /** The path of the authority of its certificate; without one the connection to it is plain. */
  readonly caPath?: string;
}

export interface Gateway {
  readonly folder: string;
  readonly authority: Authority;
  readonly pid: number;
  readonly adminSocket: string;
  /** IMAPS, certificate checked; and IMAP, where the client does STARTTLS. */
  readonly imaps: RawAddress;
  readonly imap: RawAddress;
  /** Where a frontend listens; 0 where there is none of that name. */
  portOf(frontend: string): number;
  /** The agent that every test has; others come by agentVoice. */
  readonly agent: AgentVoice;
  admin(line: string, request?: AdminRequest): Promise<AdminAnswer>;
  /** The `postern` command, told of this gateway's socket. */
  postern(...args: string[]): Promise<Ended>;
  /** All that it has written to its log. */
  log(): string;
  /** The log's records of sessions that ended. */
  ends(): LogRecord[];
  records(): LogRecord[];
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<Ended>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** One line of the log. Fields beyond these are there too. */
export type LogRecord = Readonly<Record<string, unknown>>;

export const posternPath = fileURLToPath(new URL('../../dist/gateway/cli/postern.js', import.meta.url));

/**
 * Quick probes and quick refusals, so that tests wait for little; faults.md's bounds hold for the usual
 * pace as well. The tests of the delays (security/login-delays.test.ts) set their own.
 */
const quick = {
  POSTERN_PROBE_INTERVAL: '250ms',
  POSTERN_PROBE_FALL: '2',
  POSTERN_PROBE_RISE: '1',
  POSTERN_LOGIN_DELAY_MAX: '0s',
};

/** Starts it, waits until its admin socket answers and the engine listens. */
export async function startGateway(setup: GatewaySetup): Promise<Gateway> {
  if (!existsSync(posternPath)) throw new Error(`${posternPath} is missing: npm run build`);
  const folder = await makeTempFolder('gw');
  const authority = await makeAuthority(folder);
  const adminSocket = join(folder, 'admin.sock');
  const env = {
    ...(await gatewayEnv(setup, { folder, authority })),
    POSTERN_ADMIN_SOCKET: adminSocket,
    ...setup.settings,
  };
  const { wrapper = [], posternPath: path = posternPath } = setup.start ?? {};
  const [command = process.execPath, ...args] = [...wrapper, process.execPath, path, 'run'];
  const child = await startChild(command, args, { env, cwd: folder });
  const running = eventually('a running gateway', () => listenersOf(adminSocket), { withinMs: 30_000 });
  const died = child.ended.then(({ status, stdout, stderr }) => {
    throw new Error(`the gateway ended with ${status}: ${stderr}${stdout}`);
  });
  const listeners = await Promise.race([running, died]);
  died.catch(() => undefined); // From here on its end is a test's to see.
  return gatewayOf({ child, folder, authority, adminSocket, listeners, servers: setup.servers });
}

/** The environment of a gateway, for tests that start one in their own way. */
export async function gatewayEnv(
  setup: GatewaySetup,
  { folder, authority }: { folder: string; authority: Authority },
): Promise<Record<string, string>> {
  const { certificatePath, keyPath } = await authority.issue('gateway', [
    'imap.test',
    'localhost',
    '127.0.0.1',
  ]);
  const directory = join(folder, 'mailboxes');
  const lines = Object.entries(setup.mailboxes).map(([mailbox, database]) => `${mailbox} ${database}\n`);
  await writeFile(directory, lines.join(''));
  return {
    POSTERN_LISTEN_ADDRESS: '127.0.0.1',
    POSTERN_PROTOCOLS: 'imaps,imap',
    POSTERN_IMAPS_PORT: '0',
    POSTERN_IMAP_PORT: '0',
    POSTERN_TLS_CERT_PATH: certificatePath,
    POSTERN_TLS_KEY_PATH: keyPath,
    POSTERN_HOSTNAME: 'imap.test',
    POSTERN_SERVERS: setup.servers.map(({ name }) => name).join(','),
    ...Object.assign({}, ...setup.servers.map(serverEnv)),
    POSTERN_DATABASES: Object.keys(setup.databases).join(','),
    ...databaseEnv(setup.databases),
    POSTERN_DIRECTORY_PATH: directory,
    POSTERN_COPY_SOURCES: 'agent',
    POSTERN_AGENT_KEY: agentKey,
    POSTERN_DRAIN_TIMEOUT: '5s',
    ...quick,
  };
}

/** What the session's client has to give connectTls to believe this gateway. */
export function trusting(authority: Authority): { ca: string; servername: string } {
  return { ca: authority.caPem, servername: 'imap.test' };
}

function serverEnv({ name, port, caPath }: GatewayServer): Record<string, string> {
  const of = (setting: string) => `POSTERN_SERVER_${name.toUpperCase()}_${setting}`;
  const tls =
    caPath === undefined ? { [of('TLS')]: 'off' } : { [of('TLS')]: 'implicit', [of('TLS_CA_PATH')]: caPath };
  return {
    [of('ADDRESS')]: '127.0.0.1',
    [of('FQDN')]: `${name}.test`,
    [of('IMAP_PORT')]: String(port),
    ...tls,
  };
}

function databaseEnv(databases: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  const rows = Object.entries(databases).map(([name, copies]) => [
    `POSTERN_DATABASE_${name.toUpperCase()}_COPIES`,
    copies.join(','),
  ]);
  return Object.fromEntries(rows);
}

/** Ports by the names of frontends. */
type Listeners = Readonly<Record<string, number>>;

async function listenersOf(adminSocket: string): Promise<Listeners | undefined> {
  const { listeners } = (await askAdmin(adminSocket, 'GET /v1/status')).json<{
    listeners: { frontend: string; address: string }[];
  }>();
  const ports = listeners.map(({ frontend, address }) => [frontend, Number(address.split(':').at(-1))]);
  return ports.length > 0 ? Object.fromEntries(ports) : undefined;
}

interface GatewayParts {
  readonly child: Child;
  readonly folder: string;
  readonly authority: Authority;
  readonly adminSocket: string;
  readonly listeners: Listeners;
  readonly servers: readonly GatewayServer[];
}

function gatewayOf({ child, folder, authority, adminSocket, listeners, servers }: GatewayParts): Gateway {
  const names = servers.map(({ name }) => name);
  const portOf = (frontend: string) => listeners[frontend] ?? 0;
  const agent = agentVoice(adminSocket, names);
  const log = () => child.stdout() + child.stderr();
  const records = () => recordsOf(log());
  const stop = () => {
    agent.silence();
    return child.stop(20_000);
  };
  return {
    folder,
    authority,
    pid: child.pid,
    adminSocket,
    imaps: { port: portOf('imaps'), tls: trusting(authority) },
    imap: { port: portOf('imap') },
    portOf,
    agent,
    admin: (line, request) => askAdmin(adminSocket, line, request),
    postern: (...args) =>
      runChild(process.execPath, [posternPath, ...args], { env: { POSTERN_ADMIN_SOCKET: adminSocket } }),
    log,
    records,
    ends: () => records().filter((record) => record['event'] === 'session'),
    signal: child.signal,
    stop,
    async close() {
      await stop();
      removeTempFolder(folder);
    },
  };
}

function recordsOf(log: string): LogRecord[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as LogRecord];
    } catch {
      return []; // The last line may be half written.
    }
  });
}
