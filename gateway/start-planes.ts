/**
 * Starts everything behind the API: the directory, the first routing table, the workers, the copy sources
 * and the monitors, in this order, so that no worker is up before there is something to route by.
 */
import type { Snapshot } from '#gateway/admin/snapshot';
import { createDrainer } from '#gateway/drain/drainer';
import type { DrainOutcome } from '#gateway/drain/drainer';
import type { Threads } from '#gateway/pool/supervisor';
import { type WorkerPool, startPool } from '#gateway/pool/worker-pool';
import { createPublisher } from '#gateway/routing/publish';
import type { Settings } from '#gateway/settings/settings';
import { openStore } from '#gateway/store/store';
import type { Clock } from '#lib/clock';
import type { Files } from '#lib/files';
import type { Log } from '#lib/log';
import type { DatabaseId, Moment, ServerId } from '#model/ids';
import { type ControlLoop, startControlLoop } from './control-loop.ts';
import type { Engine } from './engine.ts';
import { trustOf, workerConfigOf } from './engine-setup.ts';
import { startSessionLog } from './session-log.ts';
import type { Closer } from './shutdown.ts';
import { type RunningDirectory, startDirectory } from './start-directory.ts';
import { activeServerIn, startMonitors } from './start-monitors.ts';
import { type Sources, startSources } from './start-sources.ts';

export interface PlanesParts {
  readonly settings: Settings;
  readonly engine: Engine;
  readonly threads: Threads;
  readonly files: Files;
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whoever opens something puts its end in front, so that the last opened is the first closed. */
  readonly closers: Closer[];
}

export interface Planes {
  readonly control: ControlLoop;
  readonly pool: WorkerPool;
  readonly directory: RunningDirectory;
  readonly sources: Sources;
  readonly seenAt: Snapshot['seenAt'];
}

export async function startPlanes(parts: PlanesParts): Promise<Planes> {
  const { settings, engine, files, clock, log, closers } = parts;
  const directory = startDirectory({
    path: settings.directoryPath,
    load: engine.loadMailboxes,
    files,
    clock,
    log,
  });
  closers.unshift(() => directory.close());
  await directory.first;

  // The publisher needs the pool, and the pool the first table: until the workers are there, nobody is
  // told.
  const workers: WorkerPool[] = [];
  const control = await startControl(parts, directory, (table) =>
    workers.forEach((each) => each.publish(table)),
  );
  closers.unshift(() => control.stop());
  const pool = startWorkers(parts, control);
  workers.push(pool);
  closers.unshift(() => pool.stop());

  const sources = startSources({
    settings,
    isInDirectory: (id) => directory.hasDatabase(id),
    onClaims: (set) => control.take({ is: 'claims', set }),
    files,
    clock,
    log,
  });
  closers.unshift(() => sources.stop());
  return { control, pool, directory, sources, seenAt: watchServers(parts, control) };
}

async function startControl(
  parts: PlanesParts,
  directory: RunningDirectory,
  toWorkers: WorkerPool['publish'],
): Promise<ControlLoop> {
  const { settings, engine, files, clock, log, closers } = parts;
  const store = await openStore(settings.stateDir, (words) => log.warn(`state: ${words}`), files);
  const drainer = createDrainer({ goodbye: engine.goodbye, onOutcome: (outcome) => tell(log, outcome) });
  const trusts = new Map(settings.servers.map((server) => [server.id, trustOf(server)]));
  const control = startControlLoop({
    settings,
    kept: store.kept,
    serverIndexOf: indexer<ServerId>(engine.serverIndexes),
    databaseIndexOf: indexer<DatabaseId>(engine.databaseIndexes),
    publish: createPublisher({ engine, toWorkers, trustOf: (id) => trusts.get(id) ?? { caPem: '' } }),
    isInDirectory: (id) => directory.hasDatabase(id) || isAwaited(directory),
    carryOut: (plan) => drainer.carryOut(plan),
    save: (kept) => store.save(kept),
    onTick: () => engine.takeFaults().forEach((words) => log.error(`engine: ${words}`)),
    clock,
    log,
  });
  const sessionLog = startSessionLog({
    engine,
    isOn: settings.log.sessions,
    table: control.table,
    clock,
    log,
  });
  closers.push(() => sessionLog.flush());
  return control;
}

function startWorkers(
  { settings, engine, threads, clock, log }: PlanesParts,
  control: ControlLoop,
): WorkerPool {
  return startPool({
    workers: settings.workers,
    threads,
    config: workerConfigOf(settings),
    table: control.table(),
    engine: {
      suspendWorker: engine.suspendWorker,
      oldestEventMs: (index) => engine.stats().workers[index]?.oldestMs ?? 0,
    },
    clock,
    log,
  });
}

/** Starts the monitors; gives when each server was last seen by one. */
function watchServers({ settings, engine, clock, log, random, closers }: PlanesParts, control: ControlLoop) {
  const seen = new Map<string, Moment>();
  const monitors = startMonitors({
    settings,
    probe: engine.probe,
    hasOpenssl: engine.hasOpenssl(),
    onObservation: (observation) => {
      seen.set(`${observation.server}/${observation.protocol}`, observation.at);
      control.take({ is: 'observation', observation });
    },
    activeServerOf: (database) => activeServerIn(control.state().view, database),
    clock,
    random,
    log,
  });
  closers.unshift(() => monitors.stop());
  const seenAt: Snapshot['seenAt'] = (server, protocol) => seen.get(`${server}/${protocol}`);
  return seenAt;
}

/** True while a directory that the settings name has never been read well. */
function isAwaited(directory: RunningDirectory): boolean {
  const { path, loadedAt } = directory.row();
  return path !== null && loadedAt === undefined;
}

/** A name's index in the engine's tables, asked once. */
function indexer<Id extends string>(indexesOf: (names: string[]) => number[]): (id: Id) => number {
  const known = new Map<Id, number>();
  return (id) => {
    const index = known.get(id) ?? indexesOf([id])[0] ?? -1;
    known.set(id, index);
    return index;
  };
}

function tell(log: Log, { goodbye, told, problem }: DrainOutcome): void {
  const { why, reason } = goodbye;
  // Mostly there are none: a server that goes down has lost them already.
  if (problem === undefined)
    log[told === 0 ? 'debug' : 'info'](`sessions are told goodbye: ${why}`, { told, reason });
  else log.error(`sessions could not be told goodbye: ${why}`, { problem, reason });
}
