/**
 * READ THIS FIRST: one run of the whole gateway from one seed. Both planes run unchanged (SimGateway); the
 * engine, the clock, the network, the servers, the agents, the clients and the disk are the simulation's.
 *
 * The data flow, from one number to every event:
 *
 *   seed -> randomOf -> fork 'site'      settings, servers, databases, users, habits (site.ts)
 *                    -> fork 'network'   each piece's time on its way (world/network.ts)
 *                    -> fork 'gateway N' of its Nth life: inboxes, wakes, which IO thread accepts, threads'
 *                                        pace, the control plane's own `random` (engine/, gateway.ts)
 *                    -> fork 'server S', 'agent S', 'client C', 'cluster', 'noise' (world/)
 *                    -> fork 'faults'    what breaks, when, for how long (faults.ts)
 *
 *   scheduler: the only time there is. An event runs, then every promise that it settled (a turn of the real
 *   event loop, in which nothing else is waiting), then the judges look, then the next event.
 *   witness: every part tells what it does as a value; the judges of invariants/table.ts and the event log
 *   (with the hash by which two runs of one seed are compared) are all that listens.
 *
 * A run has three acts: faults until `healMs`; then all is mended, and everybody must be served by the active
 * copy within `settleMs`; then the gateway is stopped, and nothing may be left.
 */
import { randomOf } from './random.ts';
import { createDisk } from './disk.ts';
import { type EngineRules, soundRules } from './engine/parts.ts';
import { createEventLog } from './event-log.ts';
import { startFaults, usualPace } from './faults.ts';
import { SimGateway, type SimPace } from './gateway.ts';
import type { Judge, RunView } from './invariants/invariant.ts';
import { invariants } from './invariants/table.ts';
import { Scheduler } from './scheduler.ts';
import { type Site, drawSite } from './site.ts';
import type { SimEvent, Witness } from './witness.ts';
import { type World, createWorld } from './world/world.ts';

export interface RunOptions {
  /** What the fake engine is to get wrong. */
  readonly rules?: Partial<EngineRules>;
  /** Only these judge, by name; else all. */
  readonly judges?: readonly string[];
}

export interface RunResult {
  readonly seed: number;
  /** Equal for equal runs. */
  readonly hash: string;
  readonly steps: number;
  readonly virtualMs: number;
  readonly failure: Failure | undefined;
  /** What happened how often: so that a run in which nothing happens is seen. */
  readonly counts: Readonly<Record<string, number>>;
  /** The last events. */
  readonly tail: readonly string[];
}

export interface Failure {
  readonly invariant: string;
  readonly words: string;
}

const faultsFromMs = 2_000;
const healMs = 18_000;
/** Stale claims (6 s), damping of servers that flapped (10 s), a client's patience (20 s), and some. */
const settleMs = 45_000;
const stopMs = 12_000;
/** A run has some thousands: one that has so many turns in a circle. */
const stepsMax = 300_000;
/** The log of sessions gathers for 50 ms. */
const lastTimersMs = 100;

/** Runs the seed to its end, or to the first broken invariant. */
export async function simulate(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const run = new Run(seed, options);
  try {
    await run.play();
  } catch (error) {
    run.fail('no fault of ours', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return run.result();
}

class Run implements RunView {
  readonly site: Site;
  readonly #seed: number;
  readonly #rules: EngineRules;
  readonly #scheduler = new Scheduler();
  readonly #log = createEventLog(() => this.#scheduler.now());
  readonly #random: ReturnType<typeof randomOf>;
  readonly #world: World;
  readonly #disk = createDisk(this.#scheduler);
  readonly #pace: SimPace;
  readonly #judges: readonly { readonly name: string; readonly judge: Judge }[];
  readonly #counts: Record<string, number> = {};
  #gateway: SimGateway | undefined;
  #lives = 0;
  #isRestarting = false;
  #failure: Failure | undefined;

  constructor(seed: number, { rules = {}, judges }: RunOptions) {
    this.#seed = seed;
    this.#rules = { ...soundRules, ...rules };
    this.#random = randomOf(seed);
    this.site = drawSite(this.#random.fork('site'));
    this.#pace = { ...usualPace, messageMs: this.site.messageMs };
    this.#world = createWorld({
      site: this.site,
      scheduler: this.#scheduler,
      random: this.#random,
      witness: this.#witness,
      disk: this.#disk,
      gateway: () => this.#gateway,
      say: this.#log.say,
    });
    this.#judges = invariants
      .filter(({ name }) => judges === undefined || judges.includes(name))
      .map(({ name, judge }) => ({ name, judge: judge(this) }));
  }

  get cluster() {
    return this.#world.cluster;
  }

  get clients() {
    return this.#world.clients;
  }

  now(): number {
    return this.#scheduler.now();
  }

  gateway(): SimGateway | undefined {
    return this.#gateway;
  }

  policyOf(database: string) {
    return this.site.databases.find(({ id }) => id === database)?.policy ?? this.site.settings.movePolicy;
  }

  async play(): Promise<void> {
    this.#world.start();
    this.#startGateway();
    const random = this.#random.fork('faults');
    startFaults({ ...this.#parts(random), ...this.#world }, faultsFromMs, healMs);
    this.#moveOften(random.fork('moves'));
    await this.#until(healMs);
    this.#heal();
    await this.#settle();
    await this.#stop();
  }

  fail(invariant: string, words: string): void {
    this.#failure ??= { invariant, words };
  }

  result(): RunResult {
    return {
      seed: this.#seed,
      hash: this.#log.hash(),
      steps: this.#scheduler.steps,
      virtualMs: Math.round(this.now()),
      failure: this.#failure,
      counts: this.#counts,
      tail: this.#log.tail(80),
    };
  }

  readonly #witness: Witness = {
    tell: (event) => {
      this.#counts[event.is] = (this.#counts[event.is] ?? 0) + 1;
      this.#note(event);
      for (const { name, judge } of this.#judges) this.#blame(name, judge.on?.(event));
    },
  };

  #parts(random: ReturnType<typeof randomOf>) {
    return {
      scheduler: this.#scheduler,
      random,
      pace: this.#pace,
      gateway: () => this.#gateway,
      restartGateway: (how: 'stop' | 'crash') => this.#restart(how),
      say: this.#log.say,
    };
  }

  #moveOften(random: ReturnType<typeof randomOf>): void {
    const { moveEveryMs } = this.site;
    if (moveEveryMs === Infinity) return;
    this.#scheduler.after(moveEveryMs * (0.5 + random.next()), () => {
      if (this.now() > healMs) return;
      this.cluster.move(random.pick(this.#world.databases), random.pick(this.cluster.servers).id);
      this.#moveOften(random);
    });
  }

  #startGateway(): void {
    const life = this.#lives++;
    const gateway = new SimGateway({
      site: this.site,
      scheduler: this.#scheduler,
      random: this.#random.fork(`gateway ${life}`),
      network: this.#world.network,
      reach: this.#world.reach,
      disk: this.#disk,
      witness: this.#witness,
      rules: this.#rules,
      pace: this.#pace,
      say: this.#log.say,
    });
    this.#gateway = gateway;
    this.#scheduler.touch();
    gateway.start().catch((error: unknown) => this.fail('the gateway starts', String(error)));
  }

  /** A new life half a second behind the end of the old one; the disk is what it finds. */
  #restart(how: 'stop' | 'crash'): void {
    const gateway = this.#gateway;
    if (this.#isRestarting || gateway === undefined || gateway.state !== 'up') return;
    this.#isRestarting = true;
    const again = (): void => {
      this.#gateway = undefined;
      this.#scheduler.after(500, () => {
        this.#isRestarting = false;
        this.#startGateway();
      });
    };
    if (how === 'stop') void gateway.stop().then(() => this.#scheduler.after(0, again));
    else {
      gateway.crash();
      again();
    }
  }

  #heal(): void {
    this.#log.say('all is mended');
    Object.assign(this.#pace, usualPace, { messageMs: this.site.messageMs });
    this.#world.heal();
    this.#witness.tell({ is: 'healed' });
    for (const { id } of this.site.servers) this.#gateway?.setAdmin(id, 'ready');
    this.#gateway?.main.goOn();
    for (const thread of this.#gateway?.threads.living ?? []) thread.goOn();
  }

  /** Until everybody is served, or the bound is over. */
  async #settle(): Promise<void> {
    const until = this.now() + settleMs;
    const judgeAll = (isLate: boolean): string[] =>
      this.#judges.flatMap(({ name, judge }) => (judge.settled?.(isLate) === undefined ? [] : [name]));
    await this.#until(this.now() + 2_000);
    while (this.#failure === undefined && this.now() < until && (judgeAll(true).length > 0 || !this.#isUp()))
      await this.#until(Math.min(until, this.now() + 500));
    for (const { name, judge } of this.#judges) this.#blame(name, judge.settled?.(true));
  }

  #isUp(): boolean {
    return this.#gateway?.state === 'up';
  }

  async #stop(): Promise<void> {
    if (this.#failure !== undefined) return;
    const gateway = this.#gateway;
    this.#world.leave();
    this.#scheduler.touch();
    void gateway?.stop();
    const until = this.now() + stopMs;
    while (this.#failure === undefined && gateway?.state !== 'over' && this.now() < until)
      await this.#until(this.now() + 250);
    await this.#until(this.now() + lastTimersMs);
    for (const { name, judge } of this.#judges) this.#blame(name, judge.over?.());
  }

  async #until(moment: number): Promise<void> {
    await this.#scheduler.run(
      moment,
      () => {
        this.#gateway?.afterStep();
        for (const { name, judge } of this.#judges) this.#blame(name, judge.step?.());
        if (this.#scheduler.steps > stepsMax) this.fail('it comes to rest', `${stepsMax} events and no end`);
      },
      () => this.#failure !== undefined,
    );
  }

  #blame(name: string, words: string | undefined): void {
    if (words === undefined || this.#failure !== undefined) return;
    this.#failure = { invariant: name, words };
    this.#log.say(`BROKEN: ${name}: ${words}`);
  }

  #note(event: SimEvent): void {
    switch (event.is) {
      case 'handoff':
        return this.#log.say(
          `session ${event.session.id} of ${event.session.user} to server ${event.placement.server}`,
        );
      case 'spliced':
        return this.#log.say(`session ${event.session.id} of ${event.session.user} is spliced`);
      case 'told':
        return this.#log.say(`session ${event.session.id} is told: ${event.order.farewell.reason}`);
      case 'posted':
        return this.#log.say(`agent ${event.agent} is heard${event.counts ? '' : ', too late'}`);
      case 'tableTold':
        return this.#log.say(`worker ${event.worker} has table ${event.revision}`);
      case 'seen':
        return this.#log.say(`client ${event.seen.client}: ${event.seen.is}`);
    }
  }
}
