/**
 * Worker threads of the simulation: the real `runWorker` on a thread that can be stalled, killed, or broken.
 * What a thread is to do goes through `enter`: a dead one does nothing, a stalled one does it later.
 */
import type { Threads, WorkerThread } from '#gateway/pool/supervisor';
import type { FromWorker, MessagePortLike, ToWorker, WorkerTask } from '#model/messages';
import { runWorker } from '#workers/worker';
import type { FakeEngine } from './engine/fake-engine.ts';
import type { Random } from './random.ts';
import type { ClockOwner, Scheduler } from './scheduler.ts';
import type { Witness } from './witness.ts';

export interface SimThread extends ClockOwner {
  readonly index: number;
  readonly isAlive: boolean;
  readonly isStalled: boolean;
  stall(): void;
  goOn(): void;
  /** The next batch of events throws. */
  breakNext(): void;
  /** The thread leaves as process.exit would have it. */
  exit(): void;
}

export interface SimThreads extends Threads {
  /** Those that live. */
  readonly living: readonly SimThread[];
  /** None of them does anything any more. */
  vanish(): void;
}

export interface ThreadsParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly engine: () => FakeEngine;
  readonly witness: Witness;
  readonly pace: { messageMs: number; startMs: number };
  readonly say: (text: string) => void;
  /** False while the main thread is gone or stuck. */
  readonly main: ClockOwner;
}

export function createThreads(parts: ThreadsParts): SimThreads {
  const living: Thread[] = [];
  return {
    living,
    start(task) {
      const thread = new Thread(parts, task);
      living.push(thread);
      void thread.ended.then(() => living.splice(living.indexOf(thread), 1));
      return thread;
    },
    openChannel: () => openChannel(parts),
    vanish: () => living.splice(0).forEach((thread) => thread.vanish()),
  };
}

class Thread implements SimThread, WorkerThread {
  readonly index: number;
  readonly skewMs = 0;
  readonly ended: Promise<string | undefined>;
  timers = 0;
  isAlive = true;
  readonly #parts: ThreadsParts;
  readonly #backlog: (() => void)[] = [];
  isStalled = false;
  #isBroken = false;
  #leave: () => void = () => {};
  #settle: (why: string | undefined) => void = () => {};

  constructor(parts: ThreadsParts, task: WorkerTask) {
    const { scheduler, random, pace } = parts;
    this.#parts = parts;
    this.index = task.index;
    this.ended = new Promise((resolve) => (this.#settle = resolve));
    (task.port as Port).owner = this;
    scheduler.after(pace.startMs * (0.5 + random.next()), () => this.enter(() => this.#serve(task)));
  }

  enter(run: () => void): void {
    if (!this.isAlive) return;
    if (this.isStalled) return void this.#backlog.push(run);
    this.#parts.scheduler.touch();
    run();
  }

  stall(): void {
    this.isStalled = true;
  }

  goOn(): void {
    this.isStalled = false;
    for (const run of this.#backlog.splice(0)) this.enter(run);
  }

  breakNext(): void {
    this.#isBroken = true;
  }

  exit(): void {
    this.#end('the thread left');
  }

  kill(why: string): void {
    const { scheduler, random } = this.#parts;
    scheduler.after(5 + 50 * random.next(), () => this.#end(why));
  }

  vanish(): void {
    this.isAlive = false;
  }

  #serve(task: WorkerTask): void {
    const { scheduler, engine } = this.#parts;
    const served = runWorker(task, {
      join: (index, wake) => {
        const link = engine().join(index, () => this.enter(wake));
        this.#leave = () => link.leave();
        return {
          ...link,
          drain: (heads, bytes) => {
            if (this.#isBroken) throw new Error('broken on purpose');
            return link.drain(heads, bytes);
          },
        };
      },
      clock: scheduler.clockOf(this),
      schedule: (run) => void scheduler.after(0, () => this.enter(run)),
      settle: (run) => void scheduler.after(0, () => this.enter(run)),
      openDialogue: () => {
        throw new Error('nobody submits in a simulated site');
      },
    });
    served.then(
      () => this.#end(undefined),
      (error: unknown) => this.#end(String(error)),
    );
  }

  /** With the clean-up hook that tells the engine. */
  #end(why: string | undefined): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#backlog.length = 0;
    this.#parts.say(`worker ${this.index} ends: ${why}`);
    this.#parts.witness.tell({ is: 'workerGone', worker: this.index });
    this.#leave();
    this.#parts.scheduler.touch();
    this.#settle(why);
  }
}

/** One end of a message channel; what arrives is heard on its owner's thread. */
class Port implements MessagePortLike {
  owner: ClockOwner | undefined;
  other: Port | undefined;
  readonly #parts: ThreadsParts;
  readonly #early: unknown[] = [];
  #listener: ((message: unknown) => void) | undefined;
  #isClosed = false;
  #lastAt = 0;

  constructor(parts: ThreadsParts) {
    this.#parts = parts;
  }

  postMessage(message: unknown): void {
    const { scheduler, random, pace } = this.#parts;
    if (this.#isClosed) return;
    this.#note(message as ToWorker | FromWorker);
    this.#lastAt = Math.max(this.#lastAt, scheduler.now() + pace.messageMs * random.next());
    scheduler.after(this.#lastAt - scheduler.now(), () => this.other?.arrive(message));
  }

  arrive(message: unknown): void {
    this.owner?.enter(() => {
      if (this.#isClosed) return;
      if (this.#listener === undefined) return void this.#early.push(message);
      if ((message as ToWorker).type === 'table') this.#noteTable(message as ToWorker);
      this.#listener(message);
    });
  }

  on(_event: 'message', listener: (message: unknown) => void): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) this.arrive(message);
  }

  close(): void {
    this.#isClosed = true;
  }

  #note(message: ToWorker | FromWorker): void {
    const worker = (this.owner as Partial<SimThread> | undefined)?.index;
    if (message.type === 'pong' && worker !== undefined)
      this.#parts.witness.tell({ is: 'pong', worker, sessions: message.sessions });
  }

  #noteTable(message: ToWorker): void {
    const worker = (this.owner as Partial<SimThread> | undefined)?.index ?? -1;
    if (message.type === 'table')
      this.#parts.witness.tell({ is: 'tableTold', worker, revision: message.table.revision });
  }
}

function openChannel(parts: ThreadsParts): { near: Port; far: Port } {
  const near = new Port(parts);
  const far = new Port(parts);
  near.other = far;
  far.other = near;
  near.owner = parts.main;
  return { near, far };
}
