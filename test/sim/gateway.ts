/**
 * One life of a gateway in the simulation: the real control plane and the real workers, as main.ts ties
 * them, over the fake engine. What main.ts does with sockets of its own (admin API, certificates) is left
 * out.
 */
import { urgentPace } from '#gateway/drain/pace';
import { engineConfigOf } from '#gateway/engine-setup';
import { type Closer, shutDown } from '#gateway/shutdown';
import { type Planes, startPlanes } from '#gateway/start-planes';
import type { Log } from '#lib/log';
import { codeOf } from '#model/end-reason';
import type { ServerId } from '#model/ids';
import type { AdminState, RoutingTable } from '#model/routing-table';
import { engineWords } from '#workers/fronts/words';
import type { Disk } from './disk.ts';
import type { EnginePace } from './engine/core.ts';
import { type FakeEngine, createFakeEngine } from './engine/fake-engine.ts';
import type { EngineRules } from './engine/parts.ts';
import type { Reach } from './engine/talk.ts';
import type { Random } from './random.ts';
import type { ClockOwner, Scheduler } from './scheduler.ts';
import type { Site } from './site.ts';
import { type SimThreads, createThreads } from './threads.ts';
import type { Witness } from './witness.ts';
import type { Word } from './world/agent.ts';
import type { Network } from './world/network.ts';

export interface GatewayParts {
  readonly site: Site;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly reach: Reach;
  readonly disk: Disk;
  readonly witness: Witness;
  readonly rules: EngineRules;
  readonly pace: SimPace;
  readonly say: (text: string) => void;
}

export interface SimPace extends EnginePace {
  messageMs: number;
  startMs: number;
}

/** The main thread: all of the control plane's timers and answers come through it. */
class MainThread implements ClockOwner {
  timers = 0;
  isAlive = true;
  readonly skewMs: number;
  readonly #scheduler: Scheduler;
  readonly #backlog: (() => void)[] = [];
  #isStalled = false;

  constructor(scheduler: Scheduler, skewMs: number) {
    this.#scheduler = scheduler;
    this.skewMs = skewMs;
  }

  enter(run: () => void): void {
    if (!this.isAlive) return;
    if (this.#isStalled) return void this.#backlog.push(run);
    this.#scheduler.touch();
    run();
  }

  stall(): void {
    this.#isStalled = true;
  }

  goOn(): void {
    this.#isStalled = false;
    for (const run of this.#backlog.splice(0)) this.enter(run);
  }
}

export class SimGateway {
  readonly engine: FakeEngine;
  readonly threads: SimThreads;
  readonly main: MainThread;
  planes: Planes | undefined;
  state: 'starting' | 'up' | 'stopping' | 'over' = 'starting';
  readonly #parts: GatewayParts;
  readonly #closers: Closer[] = [];
  readonly #log: Log;
  #told: RoutingTable | undefined;

  constructor(parts: GatewayParts) {
    const { scheduler, site } = parts;
    this.#parts = parts;
    this.main = new MainThread(scheduler, site.skewMs);
    const enterMain = (run: () => void): void => this.main.enter(run);
    this.engine = createFakeEngine({
      ...parts,
      enterMain,
      queueLimits: { recordsMax: site.queueRecordsMax, bytesMax: 2 ** 20 },
      mailboxes: site.mailboxes,
      threadLoads: site.threadLoads,
    });
    this.threads = createThreads({ ...parts, main: this.main, engine: () => this.engine });
    this.#log = logOf(parts.witness, parts.say);
  }

  async start(): Promise<void> {
    const { site, scheduler, disk, random, witness } = this.#parts;
    witness.tell({ is: 'gatewayStarted' });
    this.engine.start(engineConfigOf(site.settings, [], engineWords));
    this.#closers.push(() => this.engine.stop());
    this.planes = await startPlanes({
      settings: site.settings,
      engine: this.engine,
      threads: this.threads,
      files: disk.filesOf((run) => this.main.enter(run)),
      random: random.next,
      clock: scheduler.clockOf(this.main),
      log: this.#log,
      closers: this.#closers,
    });
    await this.planes.pool.started;
    if (this.state !== 'starting') return;
    this.state = 'up';
    this.engine.accept();
  }

  /** Whatever the control plane has come to believe since the last step. */
  afterStep(): void {
    const table = this.state === 'over' ? undefined : this.planes?.control.table();
    if (table === undefined || table === this.#told) return;
    this.#told = table;
    this.#parts.say(`believed: ${beliefOf(table)}`);
    this.#parts.witness.tell({ is: 'believed', table });
  }

  /** As SIGTERM has it. Resolves when all is closed. */
  async stop(): Promise<void> {
    if (this.state !== 'up') return;
    this.state = 'stopping';
    const { site, scheduler, witness } = this.#parts;
    await shutDown({
      engine: this.engine,
      drainTimeoutMs: site.settings.drainTimeoutMs,
      perSecond: site.settings.goodbye.perSecond,
      closers: this.#closers,
      clock: scheduler.clockOf(this.main),
      log: this.#log,
    });
    if (!this.main.isAlive) return;
    this.state = 'over';
    witness.tell({ is: 'gatewayGone', how: 'stopped' });
  }

  /** As kill -9 has it: nothing is said, nothing is closed but by the system. */
  crash(): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.main.isAlive = false;
    this.threads.vanish();
    this.engine.vanish();
    this.#parts.witness.tell({ is: 'gatewayGone', how: 'crashed' });
  }

  post(agent: string, words: readonly Word[], body: string): void {
    this.main.enter(() => {
      const answer = this.planes?.sources.agent.receive(body);
      if (answer === undefined) return;
      if ('problem' in answer) throw new Error(`the feed refused a document: ${answer.problem}`);
      const counts = answer.notes.length === 0;
      this.#parts.witness.tell({ is: 'posted', agent, words, counts });
    });
  }

  setAdmin(server: string, admin: AdminState): void {
    this.main.enter(() => {
      this.#parts.say(`operator: ${server} ${admin}`);
      this.planes?.control.take({ is: 'admin', server: server as ServerId, admin });
    });
  }

  kick(user: string): void {
    this.main.enter(() => {
      const { id } = this.engine.lookupMailbox(user);
      void this.engine.goodbye({ mailboxId: id }, { reason: codeOf('kicked'), ...urgentPace });
    });
  }
}

function beliefOf({ revision, databases, servers }: RoutingTable): string {
  const rows = databases.map(({ id, state }) => {
    const owner = state.at === 'unclaimed' ? undefined : state.owner;
    return `${id} ${state.at} ${owner?.server ?? '-'}@${owner?.generation ?? 0}`;
  });
  const hosts = servers.map(
    ({ id, admin, protocols }) => `${id} ${admin} ${protocols.imap?.health.is ?? '-'}`,
  );
  return `${revision}: ${[...rows, ...hosts].join(', ')}`;
}

function logOf(witness: Witness, say: (text: string) => void): Log {
  const line =
    (level: string) =>
    (text: string, fields: object = {}): void => {
      const whole = `${level}: ${text} ${JSON.stringify(fields)}`;
      say(whole);
      witness.tell({ is: 'logged', text: whole });
    };
  return {
    debug: () => {},
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    session: (fields) => {
      witness.tell({ is: 'logged', text: JSON.stringify(fields) });
      witness.tell({
        is: 'sessionLogged',
        session: String(fields['session']),
        reason: String(fields['reason']),
      });
    },
    dropped: () => 0,
    flush: () => Promise.resolve(),
    close: () => {},
  };
}
