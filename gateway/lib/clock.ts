/**
 * Time as an argument: a monotonic clock with timers. Tests pass a clock that they move themselves
 * (test/support/fake-clock.ts). It does not schedule anything by itself.
 */

/**
 * Milliseconds on the monotonic clock, comparable within one process. The same shape as `Moment` of
 * model/ids.
 */
export type Moment = number & { readonly is: 'Moment' };

export interface Clock {
  now(): Moment;
  /** Milliseconds since 1970. For what people read and for a first generation only: it may jump. */
  wallMs(): number;
  setTimer(delayMs: number, fire: () => void): Timer;
}

export interface Timer {
  /** A timer that has fired may be cancelled too; nothing happens. */
  cancel(): void;
}

/** The machine's clock. */
export function systemClock(): Clock {
  return {
    now: () => performance.now() as Moment,
    wallMs: () => Date.now(),
    setTimer(delayMs, fire) {
      const timeout = setTimeout(fire, delayMs);
      return { cancel: () => clearTimeout(timeout) };
    },
  };
}
