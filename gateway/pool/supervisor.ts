/**
 * Keeps one place of the pool filled: starts a worker, listens to it, ends it when it is stuck, waits a
 * while and starts the next. One loop a place; a place that can't start disturbs no other.
 *
 * It knows neither piscina (worker-thread.ts) nor what a worker does (workers/serve.ts).
 */
import type { Clock } from '#lib/clock';
import { faultWords, keepGoing } from '#lib/keep-going';
import type { Log } from '#lib/log';
import { sleep } from '#lib/sleep';
import type { FromWorker, MessagePortLike, ToWorker, WorkerTask } from '#model/messages';
import type { RoutingTable } from '#model/routing-table';
import { firstBeat, heard, look, troubleOf } from './heart-beat.ts';
import { limits } from './limits.ts';

export interface SupervisorParts {
  readonly index: number;
  readonly threads: Threads;
  readonly config: WorkerTask['config'];
  /** The current table: what a worker that starts now is given. */
  readonly table: () => RoutingTable;
  readonly engine: WorkerEngine;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where workers come from: worker-thread.ts gives real ones. */
export interface Threads {
  /** Starts a thread with the task; the objects of `transfer` move with it. Throws where there is none. */
  start(task: WorkerTask, transfer: readonly object[]): WorkerThread;
  /** The two ends of a way for messages: what is posted at one arrives at the other. */
  openChannel(): { readonly near: MessagePortLike; readonly far: MessagePortLike };
}

export interface WorkerThread {
  /**
   * Resolves when the thread is gone, clean-up hooks included, with why in words; undefined where `serve`
   * returned by itself. Never rejects.
   */
  readonly ended: Promise<string | undefined>;
  /** Ends the thread even if it loops; `ended` then resolves with these words. */
  kill(why: string): void;
}

/** What the pool asks of the engine. */
export interface WorkerEngine {
  /** No new sessions for this worker. */
  suspendWorker(index: number): void;
  /** Age of the oldest event that the worker has not taken; 0 for none, or no worker. */
  oldestEventMs(index: number): number;
}

export interface Supervisor {
  state(): WorkerState;
  post(message: ToWorker): void;
  /** Resolves once the first life is up (undefined) or is over without having been up (why). */
  readonly firstLife: Promise<string | undefined>;
  /** Lets the worker return, ends it if it does not in time; resolves when the thread is gone. */
  stop(): Promise<void>;
}

export interface WorkerState {
  readonly state: 'starting' | 'up' | 'waiting' | 'stopped';
  readonly restarts: number;
}

interface Life {
  readonly thread: WorkerThread;
  post(message: ToWorker): void;
}

export function superviseWorker(parts: SupervisorParts): Supervisor {
  const { index, clock, log } = parts;
  const stopping = new AbortController();
  let current: WorkerState = { state: 'starting', restarts: 0 };
  let life: Life | undefined;
  let settleFirst: (why: string | undefined) => void = () => {};
  const firstLife = new Promise<string | undefined>((resolve) => (settleFirst = resolve));

  async function live(): Promise<string> {
    current = { ...current, state: 'starting' };
    const why = await lifeOf().catch(faultWords);
    life = undefined;
    settleFirst(why);
    return why;
  }

  /** Rejects where no thread could be started. */
  async function lifeOf(): Promise<string> {
    const opened = openLife(parts, () => {
      if (current.restarts > 0) log.info('worker up again', { worker: index });
      current = { ...current, state: 'up' };
      settleFirst(undefined);
    });
    life = opened;
    return (await opened.thread.ended) ?? 'it returned without being told to';
  }

  async function run(): Promise<void> {
    let backOffMs: number = limits.backOffFirstMs;
    while (!stopping.signal.aborted) {
      const startedAt = clock.now();
      const why = await live();
      if (stopping.signal.aborted) break;

      if (clock.now() - startedAt >= limits.goodLifeMs) backOffMs = limits.backOffFirstMs;
      log.error('worker ended', { worker: index, why, againInMs: backOffMs });
      current = { state: 'waiting', restarts: current.restarts + 1 };
      await sleep(clock, backOffMs, stopping.signal);
      backOffMs = Math.min(backOffMs * 2, limits.backOffMaxMs);
    }
    current = { ...current, state: 'stopped' };
  }

  const over = run();
  return {
    state: () => current,
    post: (message) => life?.post(message),
    firstLife,
    stop: async () => {
      stopping.abort();
      life?.post({ type: 'stop' });
      const late = new AbortController();
      void sleep(clock, limits.stopTimeoutMs, late.signal).then(() => life?.thread.kill('told to stop'));
      await over;
      late.abort();
    },
  };
}

/** Starts one worker and its heart-beat; both end with the thread. */
function openLife(parts: SupervisorParts, onUp: () => void): Life {
  const { index, threads, clock, log } = parts;
  const { near, far } = threads.openChannel();
  const task = { index, port: far, config: parts.config, table: parts.table() } satisfies WorkerTask;
  const thread = threads.start(task, [far]);
  let beat = firstBeat;

  near.on('message', (given) => {
    const message = given as FromWorker;
    if (message.type === 'log') return log[message.level](message.text, { worker: index });
    if (message.type === 'up') onUp();
    beat = heard(beat);
  });
  const lookOnce = (): void => {
    timer = clock.setTimer(limits.pingIntervalMs, lookOnce);
    keepGoing(log, 'the look after a worker', () => {
      beat = look(beat, parts.engine.oldestEventMs(index));
      const trouble = troubleOf(beat);
      if (trouble === undefined) near.postMessage({ type: 'ping', at: clock.now() } satisfies ToWorker);
      else endStuck(parts, thread, trouble);
    });
  };
  let timer = clock.setTimer(limits.pingIntervalMs, lookOnce);
  const over = (): void => {
    timer.cancel();
    near.close();
  };
  void thread.ended.then(over, over);
  return { thread, post: (message) => near.postMessage(message) };
}

/** The engine gives it nothing more before its thread is ended, which takes a moment. */
function endStuck({ index, engine, log }: SupervisorParts, thread: WorkerThread, trouble: string): void {
  keepGoing(log, 'suspending a worker', () => engine.suspendWorker(index));
  thread.kill(trouble);
}
