/**
 * Runs what must not take the process with it: a fault of ours in one part of the gateway is a line in the
 * log, and the sessions go on. Not for what the world can do: that is a value, told by whoever meets it.
 */
import type { Log } from './log.ts';

/** Runs it; what it throws, or rejects with, is logged. `what`: "saving the state". */
export function keepGoing(log: Log, what: string, run: () => Promise<void> | void): void {
  const tell = (error: unknown): void => log.error(`${what} failed`, { why: faultWords(error) });
  try {
    void run()?.catch(tell);
  } catch (error) {
    tell(error);
  }
}

/** What was thrown, in words. */
export function faultWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
