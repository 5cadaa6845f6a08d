/**
 * `postern demo`: two lab mail servers, their active manager and a gateway before them, until Ctrl-C.
 *
 * The gateway is the real one with settings of the demo's making; every POSTERN_ name of the environment
 * wins over them. Orders to the running demo come by `postern lab` (lab-commands.ts).
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { WhereisDocument } from '#gateway/admin/api';
import { ActiveManager } from '#gateway/lab/active-manager';
import { makeCertificate } from '#gateway/lab/certificate';
import { labSocketPath, openControl } from '#gateway/lab/control';
import { feedTo } from '#gateway/lab/feed';
import { type GatewayDoor, tryLogin } from '#gateway/lab/login-try';
import { carryOut } from '#gateway/lab/orders';
import { type Gateway, startGateway } from '#gateway/main';
import { parseSettings } from '#gateway/settings/parse';
import { formatProblem } from '#gateway/settings/problem';
import type { Settings } from '#gateway/settings/settings';
import { type Env, systemSurroundings } from '#gateway/settings/surroundings';
import { StartError } from '#gateway/start-error';
import { systemClock } from '#lib/clock';
import { openLog, openLogStream } from '#lib/log';
import { exitCodes } from './exit-codes.ts';

const password = 'demo';
const servers = ['ex1', 'ex2'];
/** Each database with its servers, the one with the active copy first. */
const databases = [
  { id: 'db1', copies: ['ex1', 'ex2'], mailbox: 'ann@demo.test' },
  { id: 'db2', copies: ['ex2', 'ex1'], mailbox: 'bob@demo.test' },
  { id: 'db3', copies: ['ex1', 'ex2'], mailbox: 'cid@demo.test' },
];
const accounts = databases.map(({ id, mailbox }) => ({ mailbox, password, database: id }));

/**
 * Settles when the demo has ended: Ctrl-C, SIGTERM, or a start that failed (the exit code is set then). `env`
 * is the user's environment with its secrets.
 */
export async function runDemo(env: Env): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  try {
    await runIn(folder, env);
  } catch (error) {
    complain(error instanceof Error ? error.message : 'the demo failed');
    process.exitCode = error instanceof StartError ? error.exitCode : exitCodes.runtime;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runIn(folder: string, env: Env): Promise<void> {
  const certificate = makeCertificate(Date.now());
  const files = writeFiles(folder, certificate);
  const agentKey = randomBytes(24).toString('base64url');
  const feed = { post: feedTo('', agentKey) };
  const lab = await ActiveManager.start({
    servers: servers.map((id) => ({
      id,
      port: Number(env[`POSTERN_SERVER_${id.toUpperCase()}_IMAP_PORT`] ?? 0),
    })),
    databases,
    accounts,
    folder,
    post: (document) => feed.post(document),
    log: (line) => say(`lab: ${line}`),
  });
  try {
    const settings = settingsOf({ ...demoEnv(lab, files, agentKey), ...ownEnv(env) });
    if (settings === undefined) return;
    const log = openLog({ level: settings.log.level, stream: openLogStream() });
    const gateway = await startGateway(settings, {
      clock: systemClock(),
      log,
      surroundings: systemSurroundings(),
    });
    feed.post = feedTo(gateway.adminSocket, agentKey);
    await lab.publish();
    try {
      const { certificatePem } = certificate;
      await untilInterrupted({ lab, gateway, certificatePem, files, env });
    } finally {
      await gateway.stop();
      await log.flush();
    }
  } finally {
    lab.stop();
  }
}

interface RunningDemo {
  readonly lab: ActiveManager;
  readonly gateway: Gateway;
  readonly certificatePem: string;
  readonly files: DemoFiles;
  readonly env: Env;
}

/** Takes orders until Ctrl-C. */
async function untilInterrupted({ lab, gateway, certificatePem, files, env }: RunningDemo): Promise<void> {
  const door = { host: '127.0.0.1', port: portOf(gateway, 'imaps'), certificatePem };
  const control = await openLabControl({ lab, door, env, adminSocket: gateway.adminSocket });
  say(whatToTry(gateway, files.certificate));
  await interrupted();
  say('stopping');
  control.close();
}

interface DemoFiles {
  readonly certificate: string;
  readonly key: string;
  readonly mailboxes: string;
}

function writeFiles(folder: string, certificate: { certificatePem: string; keyPem: string }): DemoFiles {
  const file = (name: string) => join(folder, name);
  const files = { certificate: file('cert.pem'), key: file('key.pem'), mailboxes: file('mailboxes') };
  writeFileSync(files.certificate, certificate.certificatePem);
  writeFileSync(files.key, certificate.keyPem, { mode: 0o600 });
  writeFileSync(files.mailboxes, databases.map(({ id, mailbox }) => `${mailbox} ${id}\n`).join(''));
  return files;
}

/** A quick pace for probes: a server that comes back is to be used again at once. */
function demoEnv(lab: ActiveManager, files: DemoFiles, agentKey: string): Record<string, string> {
  const env: Record<string, string> = {
    POSTERN_SERVERS: servers.join(','),
    POSTERN_SERVER_TLS: 'off',
    POSTERN_DATABASES: databases.map(({ id }) => id).join(','),
    POSTERN_MOVE_POLICY: 'exclusive',
    POSTERN_DIRECTORY_PATH: files.mailboxes,
    POSTERN_COPY_SOURCES: 'agent',
    POSTERN_AGENT_KEY: agentKey,
    POSTERN_LISTEN_ADDRESS: '127.0.0.1',
    POSTERN_PROTOCOLS: 'imaps,imap',
    POSTERN_IMAPS_PORT: '2993',
    POSTERN_IMAP_PORT: '2143',
    POSTERN_TLS_CERT_PATH: files.certificate,
    POSTERN_TLS_KEY_PATH: files.key,
    POSTERN_PROBE_INTERVAL: '500ms',
    POSTERN_GREETING_TIMEOUT: '2s',
    POSTERN_DRAIN_TIMEOUT: '1s',
    POSTERN_HOSTNAME: 'localhost',
  };
  for (const id of servers) {
    env[`POSTERN_SERVER_${id.toUpperCase()}_ADDRESS`] = '127.0.0.1';
    env[`POSTERN_SERVER_${id.toUpperCase()}_IMAP_PORT`] = String(lab.portOf(id));
  }
  for (const { id, copies } of databases)
    env[`POSTERN_DATABASE_${id.toUpperCase()}_COPIES`] = copies.join(',');
  return env;
}

/** What the user set. The lab's own socket is no setting of the gateway. */
function ownEnv(env: Env): Record<string, string> {
  const mine = Object.entries(env).filter(([name]) => {
    return name === 'XDG_RUNTIME_DIR' || (name.startsWith('POSTERN_') && name !== 'POSTERN_LAB_SOCKET');
  });
  return Object.fromEntries(mine.map(([name, value]) => [name, value ?? '']));
}

/** Undefined when something is wrong with them: every problem has been said then. */
function settingsOf(env: Record<string, string>): Settings | undefined {
  const parsed = parseSettings(env, systemSurroundings());
  if ('settings' in parsed) return parsed.settings;
  for (const problem of parsed.problems) complain(formatProblem(problem));
  process.exitCode = exitCodes.config;
  return undefined;
}

interface LabControlParts {
  readonly lab: ActiveManager;
  readonly door: GatewayDoor;
  readonly env: Env;
  readonly adminSocket: string;
}

function openLabControl({ lab, door, env, adminSocket }: LabControlParts) {
  const watch = {
    now: () => performance.now(),
    login: (mailbox: string, signal: AbortSignal) => tryLogin(door, { mailbox, password }, signal),
    publishedServer: (mailbox: string) => serverOf(adminSocket, mailbox),
    onClaimed: (listener: Parameters<ActiveManager['onClaimed']>[0]) => lab.onClaimed(listener),
  };
  const path = labSocketPath(env['POSTERN_LAB_SOCKET'], tmpdir(), userInfo().uid);
  return openControl(path, (order) => carryOut({ lab, watch, accounts }, order));
}

/** Where the gateway would send the mailbox now. */
function serverOf(socketPath: string, mailbox: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const path = `/v1/whereis?mailbox=${encodeURIComponent(mailbox)}`;
    const asked = request({ socketPath, path, timeout: askTimeoutMs }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => {
        const isGood = answer.statusCode === 200;
        resolve(isGood ? ((JSON.parse(text) as WhereisDocument).server ?? undefined) : undefined);
      });
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

function whatToTry(gateway: Gateway, certificatePath: string): string {
  const [imaps, imap] = [portOf(gateway, 'imaps'), portOf(gateway, 'imap')];
  const curl = `curl --cacert ${certificatePath} -u ann@demo.test:${password}`;
  const homes = databases.map(({ id, copies, mailbox }) => `  ${mailbox} in ${id}, active on ${copies[0]}`);
  return [
    '',
    `Postern's demo: IMAPS on 127.0.0.1:${imaps}, IMAP with STARTTLS on 127.0.0.1:${imap}.`,
    `Mailboxes, each with the password "${password}":`,
    ...homes,
    '',
    'Read mail; -v shows the OK that names the server:',
    `  ${curl} -v 'imaps://localhost:${imaps}/INBOX?ALL'`,
    `  ${curl} 'imaps://localhost:${imaps}/INBOX;UID=2'`,
    'In another terminal, here: see where a mailbox is served, move its database, and look again:',
    '  npx postern whereis ann@demo.test',
    '  npx postern lab move db1 ex2',
    'Break things, and mend them:',
    '  npx postern lab crash ex1      (or freeze)',
    '  npx postern lab heal ex1',
    '  npx postern lab status',
    '',
    'Ctrl-C ends it all.',
    '',
  ].join('\n');
}

/** 0 where the user's POSTERN_PROTOCOLS leaves the frontend out. */
function portOf({ listeners }: Gateway, frontend: 'imaps' | 'imap'): number {
  const address = listeners.find((listener) => listener.frontend === frontend)?.address ?? '';
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

const askTimeoutMs = 1_000;
