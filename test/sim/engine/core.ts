/**
 * The inside of the fake engine: IO threads with their inboxes and slots, the workers' places, the tables,
 * the books. What the main thread may call is fake-engine.ts, what a worker may call worker-link.ts.
 */
import type { EndRecord, EngineConfig, EngineTable, SessionRow } from '#native';
import { codeOf, type EndReason } from '#model/end-reason';
import { hashText, type Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Witness } from '../witness.ts';
import type { Network, Wire } from '../world/network.ts';
import type { EngineRules, EngineWorld, Place } from './parts.ts';
import { createPins } from './pins.ts';
import { EngineSession } from './session.ts';
import { type Slots, createSlots } from './slots.ts';
import type { Reach } from './talk.ts';
import { type QueueLimits, WorkerQueue } from './worker-queue.ts';

/** How long things take on their way inside the engine; faults change them. */
export interface EnginePace {
  inboxMs: number;
  wakeMs: number;
}

export interface FakeEngineParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly reach: Reach;
  readonly witness: Witness;
  readonly rules: EngineRules;
  readonly queueLimits: QueueLimits;
  readonly pace: EnginePace;
  /** By IO thread: how much slower it is than an idle one. */
  readonly threadLoads: readonly number[];
  /** Login name's mailbox key -> the name of its database. */
  readonly mailboxes: ReadonlyMap<string, string>;
  readonly say: (text: string) => void;
  /** Runs it on the main thread. */
  readonly enterMain: (run: () => void) => void;
}

export interface ClientFacts {
  readonly address: string;
  readonly port: number;
  readonly isImplicit: boolean;
}

/** An IO thread: what it is told comes in order, after a delay. */
export interface IoThread {
  readonly slots: Slots;
  readonly load: number;
  lastAt: number;
}

export class EngineCore {
  table: EngineTable = { revision: 0, servers: [], databases: [] };
  places: Place[] = [];
  threads: IoThread[] = [];
  isAccepting = false;
  isStopped = false;
  records: EndRecord[] = [];
  wakeEnds: (() => void) | undefined;
  readonly parts: FakeEngineParts;
  readonly pins = createPins();
  readonly serverNames: string[] = [];
  readonly databaseNames: string[] = [];
  readonly counts = { opened: 0, open: 0, spliced: 0, handshakes: 0 };
  ended = 0;
  readonly ends = Array.from({ length: 64 }, () => 0);
  readonly #backlog: (() => void)[] = [];
  #world: EngineWorld | undefined;

  constructor(parts: FakeEngineParts) {
    this.parts = parts;
  }

  start(config: EngineConfig): void {
    const { scheduler, queueLimits, threadLoads } = this.parts;
    this.places = Array.from({ length: config.workers }, (_, index) => ({
      index,
      queue: new WorkerQueue(queueLimits, scheduler.now),
      turn: 0,
      turns: 0,
      wake: undefined,
      isSuspended: false,
      sessions: 0,
      held: new Set(),
    }));
    this.threads = Array.from({ length: config.ioThreads }, (_, index) => ({
      slots: createSlots(index),
      load: threadLoads[index] ?? 1,
      lastAt: 0,
    }));
    this.#world = { ...this.parts, config, places: this.places, pins: this.pins, table: () => this.table };
  }

  get config(): EngineConfig {
    if (this.#world === undefined) throw new Error('the engine has not been started');
    return this.#world.config;
  }

  // --- IO threads -------------------------------------------------------------------------------------

  tell(thread: IoThread, run: () => void): void {
    const { scheduler, pace, random } = this.parts;
    const now = scheduler.now();
    thread.lastAt = Math.max(
      thread.lastAt,
      now + Math.min(inboxMsMax, thread.load * pace.inboxMs) * random.next(),
    );
    scheduler.after(thread.lastAt - now, () => !this.isStopped && run());
  }

  tellAll(run: (thread: IoThread) => void): void {
    for (const thread of this.threads) this.tell(thread, () => run(thread));
  }

  /** Asks every IO thread, and resolves when all have answered. */
  gather<Part>(ask: (thread: IoThread) => Part[]): Promise<Part[]> {
    return new Promise((resolve) => {
      const found: Part[] = [];
      let left = this.threads.length;
      this.tellAll((thread) => {
        found.push(...ask(thread));
        left--;
        if (left === 0) this.wakeMain(() => resolve(found));
      });
    });
  }

  wakeMain(run: () => void): void {
    const { scheduler, pace, random, enterMain } = this.parts;
    scheduler.after(pace.wakeMs * random.next(), () => {
      if (!this.isStopped) enterMain(run);
    });
  }

  // --- sessions ---------------------------------------------------------------------------------------

  /** False where nobody listens. Before `accept` clients wait. */
  connect(client: ClientFacts, wire: Wire): boolean {
    if (this.isStopped || this.#world === undefined) return false;
    if (this.isAccepting) this.#begin(client, wire);
    else if (this.counts.opened === 0) this.#backlog.push(() => this.#begin(client, wire));
    else return false;
    return true;
  }

  accept(): void {
    this.isAccepting = true;
    for (const run of this.#backlog.splice(0)) run();
  }

  all(): EngineSession[] {
    return this.threads.flatMap(({ slots }) => slots.all());
  }

  alive(): number {
    return this.threads.reduce((sum, { slots }) => sum + slots.count(), 0);
  }

  #begin(client: ClientFacts, wire: Wire): void {
    const { random, witness } = this.parts;
    const { frontends, limits } = this.config;
    const thread = random.pick(this.threads);
    const frontendIndex = frontends.findIndex(({ tls }) => (tls === 'implicit') === client.isImplicit);
    this.counts.opened++;
    witness.tell({ is: 'accepted' });
    const fromThere = this.all().filter(({ address }) => address === client.address).length;
    if (this.counts.open >= limits.connectionsMax) return this.#turnAway(wire, 'too_many_connections');
    if (fromThere >= limits.connectionsPerAddressMax) return this.#turnAway(wire, 'too_many_from_address');
    this.counts.open++;
    const onEnd = (session: EngineSession, reason: EndReason): void => {
      thread.slots.remove(session.id);
      this.#record(session, reason);
    };
    const world = this.#world as EngineWorld;
    thread.slots.insert((id) => new EngineSession(world, { ...client, id, frontendIndex, wire, onEnd }));
  }

  /** Counted, but no session: it has no record. */
  #turnAway(wire: Wire, reason: EndReason): void {
    this.#count(reason);
    this.parts.witness.tell({ is: 'turnedAway', reason });
    wire.close();
  }

  #count(reason: EndReason): void {
    const code = codeOf(reason);
    this.ended++;
    this.ends[code] = (this.ends[code] ?? 0) + 1;
  }

  #record(session: EngineSession, reason: EndReason): void {
    const { say, witness, rules } = this.parts;
    this.counts.open--;
    if (rules.countsEnds || reason !== 'client_closed') this.#count(reason);
    say(`session ${session.id} of ${session.user || session.address} ends: ${reason}`);
    witness.tell({ is: 'ended', session, reason });
    if (this.wakeEnds === undefined) return;
    const { preambleMs } = session;
    const row = { session: this.rowOf(session), reason: codeOf(reason), detail: '', tls: '', preambleMs };
    this.records.push(row);
    if (!rules.endsOnce) this.records.push(row);
    if (this.records.length === 1) this.wakeMain(this.wakeEnds);
  }

  rowOf(session: EngineSession): SessionRow {
    const { server, database, generation, mailbox } = session.placement;
    const now = this.parts.scheduler.now();
    return {
      id: session.id,
      frontend: session.frontend.name,
      phase: session.phase,
      clientAddress: `${session.address}:${session.port}`,
      proxyAddress: '',
      user: session.user,
      mailboxId: mailbox === '' ? '' : mailboxIdOf(mailbox),
      database,
      server,
      generation,
      localPort: server < 0 ? 0 : 40_000,
      localAddress: '',
      ageMs: now - session.startedMs,
      idleMs: now - session.activeMs,
      bytesIn: session.bytesIn,
      bytesOut: session.bytesOut,
    };
  }

  // --- workers ----------------------------------------------------------------------------------------

  workerGone(place: Place, turn: number): void {
    this.tellAll(({ slots }) => {
      for (const session of slots.all())
        if (session.isPreamble && session.worker?.place === place && session.worker.turn === turn)
          session.workerGone();
    });
  }

  workerHasRoom(place: Place): void {
    this.tellAll(({ slots }) => {
      for (const session of slots.all())
        if (session.worker === undefined || session.worker.place === place) session.workerHasRoom();
    });
  }

  // --- names and hashes -------------------------------------------------------------------------------

  lookup(key: string): { readonly low: number; readonly high: number; readonly database: number } {
    const name = this.parts.mailboxes.get(key);
    const database = name === undefined ? -1 : (indexesOf(this.databaseNames, [name])[0] ?? -1);
    return { low: hashText(key), high: hashText(key, 7), database };
  }

  hashServer(low: number): number {
    const ring = this.table.servers.filter(({ weight }) => weight > 0);
    const scored = ring.map(({ index }) => ({ index, score: hashText(`${low} ${index}`) }));
    return scored.sort((one, other) => other.score - one.score)[0]?.index ?? -1;
  }
}

/** A thread that is busy for longer is no fault that service survives. */
const inboxMsMax = 1_500;

/** A name keeps its index. */
export function indexesOf(known: string[], wanted: readonly string[]): number[] {
  return wanted.map((name) => {
    if (!known.includes(name)) known.push(name);
    return known.indexOf(name);
  });
}

/** As the main thread names a mailbox: 16 hexadecimal digits. */
export function mailboxIdOf(mailbox: string): string {
  return mailbox
    .split('/')
    .map((half) => Number(half).toString(16).padStart(8, '0'))
    .join('');
}
