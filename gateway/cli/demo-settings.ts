/** The settings of the demo's gateway: its doors, its servers, and what the user has set, which wins. */
import type { LabPorts } from '#gateway/lab/server-messages';
import type { FrontendName } from '#gateway/settings/settings';
import type { Env } from '#gateway/settings/surroundings';
import { type LoginProtocol, loginProtocols } from '#model/protocol';

export const demoServers = ['ex1', 'ex2'];

/** Each database with its servers, the one with the active copy first. */
export const demoDatabases = [
  { id: 'db1', copies: ['ex1', 'ex2'], mailbox: 'ann@demo.test' },
  { id: 'db2', copies: ['ex2', 'ex1'], mailbox: 'bob@demo.test' },
  { id: 'db3', copies: ['ex1', 'ex2'], mailbox: 'cid@demo.test' },
];

export const demoPassword = 'demo';

/** What the demo offers, and where: above 1,024, so that anybody may start it. */
export const demoDoors: readonly { readonly frontend: FrontendName; readonly port: number }[] = [
  { frontend: 'imaps', port: 2993 },
  { frontend: 'imap', port: 2143 },
  { frontend: 'pop3s', port: 2995 },
  { frontend: 'pop3', port: 2110 },
  { frontend: 'submissions', port: 2465 },
  { frontend: 'submission', port: 2587 },
  { frontend: 'managesieve', port: 4190 },
];

export interface DemoFiles {
  readonly certificate: string;
  readonly key: string;
  readonly mailboxes: string;
}

export interface DemoSite {
  readonly files: DemoFiles;
  readonly agentKey: string;
  /** Where a lab server listens. */
  readonly portOf: (server: string, protocol: LoginProtocol) => number;
}

/** The gateway's environment; `own` is the user's. */
export function demoEnv(site: DemoSite, own: Env): Record<string, string> {
  return { ...gatewayEnv(site), ...serversEnv(site), ...ownEnv(own) };
}

/** The ports that the user wants a lab server to have; where none is set, a free one is taken. */
export function labPorts(server: string, own: Env): LabPorts {
  const ports = loginProtocols.map((protocol) => [protocol, Number(own[portSetting(server, protocol)] ?? 0)]);
  return Object.fromEntries(ports) as unknown as LabPorts;
}

/** A quick pace for probes: a server that comes back is to be used again at once. */
function gatewayEnv({ files, agentKey }: DemoSite): Record<string, string> {
  return {
    POSTERN_SERVERS: demoServers.join(','),
    POSTERN_SERVER_TLS: 'off',
    POSTERN_DATABASES: demoDatabases.map(({ id }) => id).join(','),
    POSTERN_MOVE_POLICY: 'exclusive',
    POSTERN_DIRECTORY_PATH: files.mailboxes,
    POSTERN_COPY_SOURCES: 'agent',
    POSTERN_AGENT_KEY: agentKey,
    POSTERN_LISTEN_ADDRESS: '127.0.0.1',
    POSTERN_PROTOCOLS: demoDoors.map(({ frontend }) => frontend).join(','),
    ...Object.fromEntries(
      demoDoors.map(({ frontend, port }) => [`POSTERN_${frontend.toUpperCase()}_PORT`, String(port)]),
    ),
    POSTERN_TLS_CERT_PATH: files.certificate,
    POSTERN_TLS_KEY_PATH: files.key,
    POSTERN_PROBE_INTERVAL: '500ms',
    POSTERN_GREETING_TIMEOUT: '2s',
    POSTERN_DRAIN_TIMEOUT: '1s',
    POSTERN_HOSTNAME: 'localhost',
  };
}

function serversEnv({ portOf }: DemoSite): Record<string, string> {
  const addresses = demoServers.map((id) => [`POSTERN_SERVER_${id.toUpperCase()}_ADDRESS`, '127.0.0.1']);
  const ports = demoServers.flatMap((id) =>
    loginProtocols.map((protocol) => [portSetting(id, protocol), String(portOf(id, protocol))]),
  );
  const copies = demoDatabases.map(({ id, copies: names }) => [
    `POSTERN_DATABASE_${id.toUpperCase()}_COPIES`,
    names.join(','),
  ]);
  return Object.fromEntries([...addresses, ...ports, ...copies]) as Record<string, string>;
}

/** What the user set. The lab's own socket is no setting of the gateway. */
function ownEnv(own: Env): Record<string, string> {
  const mine = Object.entries(own).filter(([name]) => {
    return name === 'XDG_RUNTIME_DIR' || (name.startsWith('POSTERN_') && name !== 'POSTERN_LAB_SOCKET');
  });
  return Object.fromEntries(mine.map(([name, value]) => [name, value ?? '']));
}

function portSetting(server: string, protocol: LoginProtocol): string {
  return `POSTERN_SERVER_${server.toUpperCase()}_${settingWords[protocol]}_PORT`;
}

const settingWords: Readonly<Record<LoginProtocol, string>> = {
  imap: 'IMAP',
  pop3: 'POP3',
  sieve: 'MANAGESIEVE',
  submission: 'SUBMISSION',
};
