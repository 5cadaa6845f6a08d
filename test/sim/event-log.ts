/** What happened in a run: the last events in words, and a hash over all of them, by which runs compare. */
import { hashText } from './random.ts';

export interface EventLog {
  say(text: string): void;
  /** The last events, oldest first. */
  tail(count: number): string[];
  hash(): string;
  count(): number;
}

/** Enough to see what led to a failure. */
const keptMax = 400;

export function createEventLog(now: () => number): EventLog {
  const kept: string[] = [];
  let hash = 0x811c_9dc5;
  let count = 0;
  return {
    say(text) {
      const line = `${now().toFixed(3)} ${text}`;
      hash = hashText(line, hash);
      kept[count % keptMax] = line;
      count++;
    },
    tail(wanted) {
      const size = Math.min(wanted, count, keptMax);
      return Array.from({ length: size }, (_, at) => kept[(count - size + at) % keptMax] ?? '');
    },
    hash: () => `${count}-${hash.toString(16)}`,
    count: () => count,
  };
}
