/**
 * Postern as built: one IO thread, one worker, one server, one database that is active on it, a file
 * directory.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { awaitPort, freePort } from '../launch.ts';
import { clientWords, runLoad, serverCore } from '../load-tool.ts';
import type { Bed, Subject, SubjectKind } from '../subject.ts';

/** Postern as `npm run build` left it in dist/. */
export function findPostern(root: string): SubjectKind {
  const entry = join(root, 'dist/gateway/cli/postern.js');
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
    .version;
  return {
    name: 'postern',
    version: `Postern ${version}, Node ${process.versions.node}`,
    missing: existsSync(entry) ? undefined : 'Postern is not built: "npm run build" builds it.',
    start: (bed) => startPostern(entry, bed),
  };
}

async function startPostern(entry: string, bed: Bed): Promise<Subject> {
  const port = await freePort();
  const environment = posternSettings(bed, port);
  writeFileSync(join(bed.folder, 'mailboxes'), mailboxes());
  writeFileSync(join(bed.folder, 'copies.yaml'), posternCopies);
  const program = { name: 'postern', command: process.execPath, words: [entry, 'run'], core: serverCore };
  const running = bed.tool.launcher.start({ ...program, environment });
  running.child.stdout?.resume();
  await awaitPort(port, running, 'postern');
  const subject: Subject = { ...running, name: 'postern', port, handshakePort: port };
  await awaitLogin(subject, bed);
  return subject;
}

/** The monitors need some good probes before the server counts as up. */
async function awaitLogin({ port, lastWords }: Subject, { tool }: Bed): Promise<void> {
  const deadline = performance.now() + 30_000;
  let said = '';
  while (performance.now() < deadline) {
    const trial = await runLoad(
      tool,
      'imap-login',
      clientWords(tool, port, { sessions: 1, parallel: 1, seconds: 10 }),
    );
    if (trial.done === 1) return;
    said = trial.first_error;
    await sleep(200);
  }
  throw new Error(`postern takes no login: ${said}\n${lastWords()}`);
}

/** Its whole environment; the limits are raised, since the generator comes from few addresses. */
export function posternSettings(
  { folder, stubPort }: Pick<Bed, 'folder' | 'stubPort'>,
  port: number,
): Readonly<Record<string, string>> {
  return {
    POSTERN_SERVERS: 'stub1',
    POSTERN_SERVER_STUB1_ADDRESS: '127.0.0.1',
    POSTERN_SERVER_IMAP_PORT: String(stubPort),
    POSTERN_SERVER_TLS: 'off',
    POSTERN_LISTEN_ADDRESS: '127.0.0.1',
    POSTERN_PROTOCOLS: 'imaps',
    POSTERN_IMAPS_PORT: String(port),
    POSTERN_TLS_CERT_PATH: join(folder, 'cert.pem'),
    POSTERN_TLS_KEY_FILE: join(folder, 'key.pem'),
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
    POSTERN_DRAIN_TIMEOUT: '0s',
    POSTERN_ADMIN_SOCKET: join(folder, 'admin.sock'),
  };
}

/** Where the one database is active. */
export const posternCopies = 'databases:\n  db1: { active: stub1 }\n';

/** The same names as the generator logs in with. */
function mailboxes(): string {
  return Array.from({ length: userCount }, (_, user) => `user${user}@bench.test db1\n`).join('');
}

/** The generator's own default. */
const userCount = 1000;
