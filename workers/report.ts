/**
 * What a worker tells the operator, over its port: it has no logger of its own. Bounded, and free of
 * secrets.
 */
import type { Clock } from '#lib/clock';
import { safeText } from '#lib/safe-text';
import type { FromWorker, MessagePortLike } from '#model/messages';

export interface Report {
  warn(this: void, text: string): void;
  /** A fault of our own code; `where` says in what. */
  fault(this: void, where: string, error: unknown): void;
  /** The main thread lives: it has read what was told before. */
  heard(this: void): void;
}

/**
 * Reports beyond `reportsPerSecondMax`, or beyond `reportsUnheardMax` that nobody seems to read, are left
 * out, and their number is told with the next one.
 */
export function createReport(port: MessagePortLike, clock: Clock): Report {
  let second = -Infinity;
  let told = 0;
  let unheard = 0;
  let leftOut = 0;

  function tell(level: 'warn' | 'error', text: string): void {
    const now = clock.now();
    if (now - second >= 1000) [second, told] = [now, 0];
    if (told === reportsPerSecondMax || unheard === reportsUnheardMax) return void leftOut++;
    const left = leftOut > 0 ? ` (${leftOut} reports before it were left out)` : '';
    [told, unheard, leftOut] = [told + 1, unheard + 1, 0];
    port.postMessage({
      type: 'log',
      level,
      text: safeText(text, reportBytesMax) + left,
    } satisfies FromWorker);
  }

  return {
    heard: () => void (unheard = 0),
    warn: (text) => tell('warn', text),
    fault: (where, error) => tell('error', `fault in ${where}: ${traceOf(error)}`),
  };
}

/** An error's name and where it arose. Its message stays out: it could quote what a client sent (V53). */
function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return [error.name, ...frames.slice(0, framesMax).map((line) => line.trim())].join(' ');
}

/** A client that finds a fault of ours can repeat it; the log must not drown. */
export const reportsPerSecondMax = 10;
/** A port has no bound of its own: a main thread that stands still (F27) must not fill the memory. */
export const reportsUnheardMax = 100;
const reportBytesMax = 1024;
const framesMax = 6;
