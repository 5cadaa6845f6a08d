/**
 * `postern demo`: two lab mail servers, their active manager and a gateway before them, until Ctrl-C.
 *
 * The gateway is the real one with settings of the demo's making; every POSTERN_ name of the environment
 * wins over them. Orders to the running demo come by `postern lab` (lab-commands.ts).
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
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
import type { FrontendName, Settings } from '#gateway/settings/settings';
import { type Env, systemSurroundings } from '#gateway/settings/surroundings';
import { StartError } from '#gateway/start-error';
import { systemClock } from '#lib/clock';
import { openLog, openLogStream } from '#lib/log';
import {
  type DemoFiles,
  type DemoSite,
  demoDatabases,
  demoDoors,
  demoEnv,
  demoPassword,
  demoServers,
  labPorts,
} from './demo-settings.ts';
import { demoText } from './demo-text.ts';
import { exitCodes } from './exit-codes.ts';

const accounts = demoDatabases.map(({ id, mailbox }) => ({ mailbox, password: demoPassword, database: id }));

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
    servers: demoServers.map((id) => ({ id, ports: labPorts(id, env) })),
    databases: demoDatabases,
    accounts,
    folder,
    post: (document) => feed.post(document),
    log: (line) => say(`lab: ${line}`),
  });
  try {
    const portOf: DemoSite['portOf'] = (server, protocol) => lab.portOf(server, protocol);
    const settings = settingsOf(demoEnv({ files, agentKey, portOf }, env));
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
  const ports = portsOf(gateway);
  // Port 0 refuses: without IMAPS, which POSTERN_PROTOCOLS may leave out, no login can be timed.
  const door = { host: '127.0.0.1', port: ports.get('imaps') ?? 0, certificatePem };
  const control = await openLabControl({ lab, door, env, adminSocket: gateway.adminSocket });
  say(demoText({ ports, certificatePath: files.certificate, hasSwaks: isInPath('swaks', env) }));
  await interrupted();
  say('stopping');
  control.close();
}

function writeFiles(folder: string, certificate: { certificatePem: string; keyPem: string }): DemoFiles {
  const file = (name: string) => join(folder, name);
  const files = { certificate: file('cert.pem'), key: file('key.pem'), mailboxes: file('mailboxes') };
  writeFileSync(files.certificate, certificate.certificatePem);
  writeFileSync(files.key, certificate.keyPem, { mode: 0o600 });
  writeFileSync(files.mailboxes, demoDatabases.map(({ id, mailbox }) => `${mailbox} ${id}\n`).join(''));
  return files;
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
    login: (mailbox: string, signal: AbortSignal) =>
      tryLogin(door, { mailbox, password: demoPassword }, signal),
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

/** Of the doors that are open, in the demo's order. */
function portsOf({ listeners }: Gateway): Map<FrontendName, number> {
  const open = demoDoors.flatMap(({ frontend }): [FrontendName, number][] => {
    const address = listeners.find((listener) => listener.frontend === frontend)?.address;
    return address === undefined ? [] : [[frontend, Number(address.slice(address.lastIndexOf(':') + 1))]];
  });
  return new Map(open);
}

function isInPath(program: string, env: Env): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
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
