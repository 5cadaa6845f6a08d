/**
 * The composition root: builds one gateway, and takes it apart. No logic.
 *
 * The only file of the gateway in which the engine is a value (start-doctor.ts is for a process without one),
 * and the one that names the workers' entry file and gives their pure decisions (which server, which mailbox,
 * which words) to the parts that show them.
 */
import * as engine from '#native';
import type { Snapshot } from '#gateway/admin/snapshot';
import { systemThreads } from '#gateway/pool/worker-thread';
import { type CertificateText, readCertificates } from '#gateway/settings/certificates';
import { fitToDescriptors } from '#gateway/settings/descriptors';
import { formatProblem } from '#gateway/settings/problem';
import type { Settings } from '#gateway/settings/settings';
import { type Surroundings, systemSurroundings } from '#gateway/settings/surroundings';
import { type Clock, systemClock } from '#lib/clock';
import { systemFiles } from '#lib/files';
import { type Log, openLog, openLogStream } from '#lib/log';
import { readVersion } from '#lib/read-version';
import type { Moment } from '#model/ids';
import { loginProtocols } from '#model/protocol';
import { mailboxKeyOf } from '#workers/fronts/sasl';
import { engineWords } from '#workers/fronts/words';
import { decideRoute } from '#workers/route';
import { adminPartsOf } from './admin-parts.ts';
import { engineConfigOf } from './engine-setup.ts';
import { reload } from './reload.ts';
import { type Closer, closeAll, shutDown } from './shutdown.ts';
import { type RunningAdmin, startAdmin } from './start-admin.ts';
import { StartError } from './start-error.ts';
import { type Planes, startPlanes } from './start-planes.ts';

export interface GatewayDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly surroundings: Surroundings;
}

/** This machine's clock and surroundings, and the log on standard output. */
export function systemDeps({ log }: Settings): GatewayDeps {
  return {
    clock: systemClock(),
    log: openLog({ level: log.level, stream: openLogStream() }),
    surroundings: systemSurroundings(),
  };
}

export interface Gateway {
  /** The addresses that were bound, by frontend. */
  readonly listeners: readonly { readonly frontend: string; readonly address: string }[];
  readonly adminSocket: string;
  /** Takes the certificates of these settings; the log says what else would need a restart. */
  reload(next: Settings): void;
  /**
   * No new clients, a goodbye to those there are, and the end of all threads. Never rejects; once is
   * enough.
   */
  stop(): Promise<void>;
}

/**
 * Starts the one gateway of this process. Rejects with a StartError in words, and leaves nothing running
 * then.
 */
export async function startGateway(settings: Settings, deps = systemDeps(settings)): Promise<Gateway> {
  const { clock, log } = deps;
  const certificates = certificatesOf(settings, deps.surroundings);
  const { connectionsMax, shortage } = fitToDescriptors(settings, deps.surroundings.descriptorsMax);
  if (shortage !== undefined) log.warn(`POSTERN_MAX_CONNECTIONS: ${shortage}`);
  const limits = { ...settings.limits, connectionsMax };
  const listeners = startEngine({ ...settings, limits }, certificates);
  const closers: Closer[] = [() => engine.stop()];
  const life: Life = { version: readVersion(), startedAt: clock.now(), listeners, isStopping: false };
  try {
    const workerEntry = new URL(
      import.meta.url.endsWith('.ts') ? '../workers/serve.ts' : '../workers/serve.js',
      import.meta.url,
    );
    const planes = await startPlanes({
      settings,
      engine,
      threads: systemThreads(workerEntry),
      files: systemFiles(),
      random: Math.random,
      clock,
      log,
      closers,
    });
    const snapshot = (): Snapshot => snapshotOf(planes, life, { settings, clock, log });
    const admin = await openAdmin({ settings, deps, planes, snapshot, certificate: certificates[0] });
    closers.unshift(() => admin.close());
    const why = await planes.pool.started;
    if (why !== undefined) throw new StartError(`no worker could start: ${why}`, 1);
    // Clients that came meanwhile have waited; before, there was nobody to speak to them.
    engine.accept();
    return gatewayOf({ settings, deps, life, admin, closers });
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }
}

/** What is fixed at the start, and whether the end has begun. */
interface Life extends Pick<Snapshot, 'version' | 'startedAt' | 'listeners'> {
  isStopping: boolean;
}

interface Running {
  readonly settings: Settings;
  readonly deps: GatewayDeps;
  readonly life: Life;
  readonly admin: RunningAdmin;
  readonly closers: Closer[];
}

function gatewayOf({ settings, deps, life, admin, closers }: Running): Gateway {
  const { clock, log, surroundings } = deps;
  const setCertificates = (pairs: CertificateText[]): void => {
    engine.setCertificates(pairs);
    if (pairs[0] !== undefined) admin.agents?.setCertificate(pairs[0]);
  };
  const end = (): Promise<void> => {
    life.isStopping = true;
    const { drainTimeoutMs, goodbye } = settings;
    return shutDown({ engine, drainTimeoutMs, perSecond: goodbye.perSecond, closers, clock, log });
  };
  let ending: Promise<void> | undefined;
  return {
    listeners: life.listeners,
    adminSocket: admin.socket,
    reload: (next) =>
      reload({ inForce: settings, next, readFile: surroundings.readFile, setCertificates, log }),
    stop: () => (ending ??= end()),
  };
}

interface AdminOpening {
  readonly settings: Settings;
  readonly deps: GatewayDeps;
  readonly planes: Planes;
  readonly snapshot: () => Snapshot;
  readonly certificate: CertificateText | undefined;
}

function openAdmin({ settings, deps, planes, snapshot, certificate }: AdminOpening): Promise<RunningAdmin> {
  const { log, surroundings } = deps;
  const admin = adminPartsOf({
    engine,
    snapshot,
    decide: decideRoute,
    keyOf: mailboxKeyOf,
    setAdmin: (server, wish) => planes.control.take({ is: 'admin', server, admin: wish }),
    log,
  });
  return startAdmin({
    settings,
    admin,
    agent: planes.sources.agent,
    certificate,
    uid: surroundings.uid,
    log,
  });
}

function snapshotOf(planes: Planes, life: Life, { settings, clock, log }: SnapshotSources): Snapshot {
  return {
    ...life,
    hostname: settings.hostname,
    protocols: loginProtocols.filter((each) => settings.frontends.some(({ protocol }) => protocol === each)),
    // Whole milliseconds: more digits say nothing to a reader.
    now: Math.round(clock.now()) as Moment,
    cluster: planes.control.state(),
    table: planes.control.table(),
    stats: engine.stats(),
    workers: planes.pool.states(),
    directory: planes.directory.row(),
    seenAt: planes.seenAt,
    sourceProblems: planes.sources.problems(),
    logDropped: log.dropped(),
  };
}

interface SnapshotSources {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
}

function certificatesOf(settings: Settings, { readFile }: Surroundings): CertificateText[] {
  const read = readCertificates(settings.tls.certificates, readFile);
  if ('problems' in read) throw new StartError(read.problems.map(formatProblem).join('\n'), 78);
  return read.pairs;
}

function startEngine(settings: Settings, certificates: readonly CertificateText[]): Gateway['listeners'] {
  try {
    return engine.start(engineConfigOf(settings, certificates, engineWords)).listeners;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new StartError(words, /certificate|private key|no OpenSSL/i.test(words) ? 78 : 1);
  }
}
