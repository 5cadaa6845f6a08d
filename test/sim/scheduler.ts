/**
 * Virtual time: events in the order of their moments, and of their making where those are equal. Between two
 * events every promise that is due has run, so nothing depends on how fast the machine is.
 *
 * Promises are drained by a turn of the real event loop, and only behind events that may have touched one
 * (`touch`): the fake engine, network and servers use callbacks, only the planes use promises.
 */
import type { Clock, Moment, Timer } from '#lib/clock';

/** Whose clock it is: a dead one's timers do not fire, a stalled one's wait (`enter` decides). */
export interface ClockOwner {
  readonly skewMs: number;
  enter(run: () => void): void;
  timers: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class Scheduler {
  steps = 0;
  readonly #heap: Event[] = [];
  #now = 0;
  #order = 0;
  #isTouched = false;

  now = (): number => this.#now;

  /** Runs it `delayMs` from now, not before what was to run at that moment already. */
  after(delayMs: number, run: () => void): Timer {
    const event: Event = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    push(this.#heap, event);
    return { cancel: () => (event.run = undefined) };
  }

  /** Promises may have been settled by the present event: they run before the next one. */
  touch(): void {
    this.#isTouched = true;
  }

  /** A clock that starts at 0 now, and whose timers can be silenced for good; wall time is `skewMs` off. */
  clockOf(owner: ClockOwner): Clock {
    const startedAt = this.#now;
    return {
      now: () => (this.#now - startedAt) as Moment,
      wallMs: () => Math.floor(wallStartMs + this.#now + owner.skewMs),
      setTimer: (delayMs, fire) => this.#setTimer(owner, delayMs, fire),
    };
  }

  /** Runs events until the moment, or until `isOver`; `onStep` is called behind each. */
  async run(untilMs: number, onStep: () => void, isOver: () => boolean): Promise<void> {
    if (this.#isTouched) await this.#flush();
    while (!isOver()) {
      const event = this.#heap[0];
      if (event === undefined || event.at > untilMs) {
        this.#now = Math.max(this.#now, untilMs);
        return;
      }
      pop(this.#heap);
      if (event.run === undefined) continue;
      this.#now = event.at;
      this.steps++;
      event.run();
      if (this.#isTouched) await this.#flush();
      onStep();
    }
  }

  /** Every promise that is due, and what follows from it: they all run before the loop's next turn. */
  #flush(): Promise<void> {
    this.#isTouched = false;
    return new Promise((resolve) => setImmediate(resolve));
  }

  #setTimer(owner: ClockOwner, delayMs: number, fire: () => void): Timer {
    owner.timers++;
    let isWaiting = true;
    const leave = (): boolean => {
      const was = isWaiting;
      if (was) owner.timers--;
      isWaiting = false;
      return was;
    };
    const run = (): void => {
      if (!leave()) return;
      this.#isTouched = true;
      fire();
    };
    // As setTimeout: no timer is shorter than a millisecond.
    const timer = this.after(Math.max(1, delayMs), () => owner.enter(run));
    return {
      cancel: () => {
        leave();
        timer.cancel();
      },
    };
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** A binary heap: the first event at index 0, the children of i at 2i + 1 and 2i + 2. */
function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    if (left === undefined) break;
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
}

/** A day of 2026: generations of owners without an epoch begin here. */
const wallStartMs = Date.UTC(2026, 10, 1);
