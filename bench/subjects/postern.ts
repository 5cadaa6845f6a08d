/**
 * Postern as built: one IO thread, one worker, one server, one database that is active on it, a file
 * directory.
 */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { awaitPort, freePort } from '../launch.ts';
import { serverCore } from '../load-tool.ts';
import type { Bed, Ports, Setup, StubPorts, Subject, SubjectKind, WorkerCounters } from '../subject.ts';
import { tryLogins } from '../trial.ts';

/** Postern as `npm run build` left it in dist/. */
export function findPostern(root: string): SubjectKind {
  const entry = join(root, 'dist/gateway/cli/postern.js');
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
    .version;
  return {
    name: 'postern',
    role: 'ours',
    version: `Postern ${version}, Node ${process.versions.node}`,
    missing: existsSync(entry) ? undefined : 'Postern is not built: "npm run build" builds it.',
    features: [
      'tls12',
      'rsa',
      'handshakeOnly',
      'resumption',
      'serverTls',
      'splice',
      'parsesLogin',
      'workerCounters',
      'pop3',
      'submission',
    ],
    start: (bed, setup) => startPostern(entry, bed, setup),
  };
}

async function startPostern(entry: string, bed: Bed, setup: Setup): Promise<Subject> {
  const doors = { imaps: await freePort(), pop3s: await freePort(), submissions: await freePort() };
  // One that lives through all rounds and one that is measured fresh may run side by side.
  const adminSocket = join(mkdtempSync(join(bed.folder, 'postern-')), 'admin.sock');
  const environment = { ...posternSettings(bed, doors, setup), POSTERN_ADMIN_SOCKET: adminSocket };
  writeFileSync(join(bed.folder, 'mailboxes'), mailboxes());
  writeFileSync(join(bed.folder, 'copies.yaml'), posternCopies);
  const program = { name: 'postern', command: process.execPath, words: [entry, 'run'], core: serverCore };
  const running = bed.tool.launcher.start({ ...program, environment });
  running.child.stdout?.resume();
  const { imaps } = doors;
  await awaitPort(imaps, running, 'postern');
  // One listener shows both certificates, by the name that the client asks for; it dials behind the login.
  const ports = { ...doors, imapsRsa: imaps, handshake: imaps, handshakeRsa: imaps };
  const workerCounters = () => readWorkerCounters(adminSocket);
  const subject: Subject = { ...running, name: 'postern', ports, workerCounters };
  await awaitLogin(subject, bed);
  return subject;
}

/** The monitors need some good probes before the server counts as up. */
async function awaitLogin({ ports, lastWords }: Subject, { tool }: Bed): Promise<void> {
  const deadline = performance.now() + 30_000;
  let problem = await tryLogins(tool, ports);
  while (problem !== undefined && performance.now() < deadline) {
    await sleep(200);
    problem = await tryLogins(tool, ports);
  }
  if (problem !== undefined) throw new Error(`postern takes no login: ${problem}\n${lastWords()}`);
}

/** The ports that it is to listen on. */
type Doors = Pick<{ readonly [name in keyof Ports]: number }, 'imaps' | 'pop3s' | 'submissions'>;

/** Its environment but for the admin socket. The limits are raised: the generator has few addresses. */
export function posternSettings(
  { folder, stubPorts, stubTlsPorts }: Pick<Bed, 'folder' | 'stubPorts' | 'stubTlsPorts'>,
  doors: Doors,
  { isServerTls }: Setup,
): Readonly<Record<string, string>> {
  const serverSide = isServerTls
    ? {
        ...serverPortSettings(stubTlsPorts),
        POSTERN_SERVER_TLS: 'implicit',
        POSTERN_SERVER_SUBMISSION_TLS: 'implicit',
        POSTERN_SERVER_TLS_CA_PATH: join(folder, 'cert.pem'),
        POSTERN_SERVER_STUB1_FQDN: 'localhost',
      }
    : { ...serverPortSettings(stubPorts), POSTERN_SERVER_TLS: 'off' };
  return {
    POSTERN_SERVERS: 'stub1',
    POSTERN_SERVER_STUB1_ADDRESS: '127.0.0.1',
    ...serverSide,
    POSTERN_LISTEN_ADDRESS: '127.0.0.1',
    POSTERN_PROTOCOLS: 'imaps,pop3s,submissions',
    POSTERN_IMAPS_PORT: String(doors.imaps),
    POSTERN_POP3S_PORT: String(doors.pop3s),
    POSTERN_SUBMISSIONS_PORT: String(doors.submissions),
    POSTERN_TLS_CERT_PATH: both(folder, 'cert.pem'),
    POSTERN_TLS_KEY_PATH: both(folder, 'key.pem'),
    POSTERN_DATABASES: 'db1',
    POSTERN_DATABASE_DB1_COPIES: 'stub1',
    POSTERN_COPY_SOURCES: 'file',
    POSTERN_COPIES_PATH: join(folder, 'copies.yaml'),
    POSTERN_DIRECTORY_PATH: join(folder, 'mailboxes'),
    POSTERN_MOVE_POLICY: 'exclusive',
    POSTERN_LOG_SESSIONS: 'false',
    POSTERN_LOG_LEVEL: 'warn',
    POSTERN_IO_THREADS: '1',
    POSTERN_WORKERS: '1',
    POSTERN_MAX_CONNECTIONS: '20000',
    POSTERN_MAX_CONNECTIONS_PER_ADDRESS: '20000',
    // All sessions of the generator are of one mailbox.
    POSTERN_USER_MAX_SESSIONS: '20000',
    POSTERN_DRAIN_TIMEOUT: '0s',
  };
}

function serverPortSettings({ imap, pop3, submission }: StubPorts): Readonly<Record<string, string>> {
  return {
    POSTERN_SERVER_IMAP_PORT: String(imap),
    POSTERN_SERVER_POP3_PORT: String(pop3),
    POSTERN_SERVER_SUBMISSION_PORT: String(submission),
  };
}

/** As the metrics have them, summed over the workers. */
async function readWorkerCounters(socketPath: string): Promise<WorkerCounters> {
  const text = await readMetrics(socketPath);
  return {
    events: sumOf(text, 'postern_worker_events_total'),
    wakes: sumOf(text, 'postern_worker_wakes_total'),
  };
}

function readMetrics(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: '/metrics', timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text)).on('error', reject);
    });
    asking.on('error', reject).on('timeout', () => asking.destroy(new Error('no metrics in 5 s')));
    asking.end();
  });
}

/** The sum of a metric's samples over all labels; throws where there is none. */
export function sumOf(text: string, metric: string): number {
  const samples = [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
  if (samples.length === 0) throw new Error(`postern has no metric ${metric}`);
  return samples.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The P-256 file, then the RSA one. */
function both(folder: string, name: string): string {
  return [name, `rsa-${name}`].map((each) => join(folder, each)).join(',');
}

/** Where the one database is active. */
export const posternCopies = 'databases:\n  db1: { active: stub1 }\n';

/** The same names as the generator logs in with. */
function mailboxes(): string {
  return Array.from({ length: userCount }, (_, user) => `user${user}@bench.test db1\n`).join('');
}

/** The generator's own default. */
const userCount = 1000;
