/** A clock that stands still until a test moves it; timers fire in order, within `advance`. */
import type { Clock, Moment } from '#lib/clock';

export interface FakeClock extends Clock {
  /** Moves both clocks on, firing what falls due on the way, each at its own moment. */
  advance(ms: number): void;
  /** How many timers wait. */
  timers(): number;
}

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Starts at `startMs` on the monotonic clock; the wall clock stands at a fixed day of 2026. */
export function fakeClock(startMs = 0): FakeClock {
  let now = startMs;
  let order = 0;
  const waiting = new Set<Waiting>();

  return {
    now: () => now as Moment,
    wallMs: () => wallStartMs + now - startMs,
    setTimer(delayMs, fire) {
      const timer = { at: now + Math.max(0, delayMs), order: order++, fire };
      waiting.add(timer);
      return { cancel: () => void waiting.delete(timer) };
    },
    advance(ms) {
      const end = now + ms;
      for (let due = firstDue(waiting, end); due !== undefined; due = firstDue(waiting, end)) {
        waiting.delete(due);
        now = Math.max(now, due.at);
        due.fire();
      }
      now = end;
    },
    timers: () => waiting.size,
  };
}

function firstDue(waiting: ReadonlySet<Waiting>, end: number): Waiting | undefined {
  const due = [...waiting].filter((timer) => timer.at <= end);
  return due.sort((a, b) => a.at - b.at || a.order - b.order)[0];
}

const wallStartMs = Date.UTC(2026, 10, 1);
