/**
 * Whether a running worker still lives: has it come up, does it answer pings, does it take its events.
 *
 * PURE: one `look` at each tick of the supervisor's clock, one `heard` at each message. All is counted in
 * looks, not measured in time: when the whole process slept (F24) or the main thread was stuck (F27), the
 * first look afterwards must not find every worker guilty of our own silence.
 */
import { limits } from './limits.ts';

export interface HeartBeat {
  readonly isUp: boolean;
  readonly looksBeforeUp: number;
  readonly missedPings: number;
  readonly oldEventLooks: number;
}

export const firstBeat: HeartBeat = { isUp: false, looksBeforeUp: 0, missedPings: 0, oldEventLooks: 0 };

/** The beat after the worker said `up` or `pong`. */
export function heard(beat: HeartBeat): HeartBeat {
  return { ...beat, isUp: true, missedPings: 0 };
}

/**
 * The beat after one look, at which a new ping goes out; `oldestMs` is the age of its oldest untaken event.
 */
export function look(beat: HeartBeat, oldestMs: number): HeartBeat {
  if (!beat.isUp) return { ...beat, looksBeforeUp: beat.looksBeforeUp + 1 };
  const oldEventLooks = oldestMs > limits.oldestEventMs ? beat.oldEventLooks + 1 : 0;
  return { ...beat, missedPings: beat.missedPings + 1, oldEventLooks };
}

/** Why the worker must be ended, in words; undefined while it lives. */
export function troubleOf(beat: HeartBeat): string | undefined {
  if (beat.looksBeforeUp * limits.pingIntervalMs >= limits.upTimeoutMs) {
    return `not up within ${limits.upTimeoutMs / 1000}s`;
  }
  // The ping that this look sends is unanswered by nature: only those above the bound count.
  if (beat.missedPings > limits.missedPingsMax) {
    return `no answer to pings for ${(limits.missedPingsMax * limits.pingIntervalMs) / 1000}s`;
  }
  if (beat.oldEventLooks >= limits.oldEventLooksMax) {
    return `its oldest event waited over ${limits.oldestEventMs / 1000}s`;
  }
  return undefined;
}
