/** A disk in memory, for what outlasts a gateway: the kept state, the copies file, the mailboxes file. */
import type { Files } from '#lib/files';
import type { Scheduler } from './scheduler.ts';

export interface Disk {
  filesOf(enter: (run: () => void) => void): Files;
  put(path: string, text: string): void;
  read(path: string): string | undefined;
}

export function createDisk(scheduler: Scheduler): Disk {
  const texts = new Map<string, string>();
  const watches = new Map<string, Set<() => void>>();

  function put(path: string, text: string): void {
    texts.set(path, text);
    for (const tell of watches.get(path) ?? []) scheduler.after(settleMs, tell);
  }

  return {
    put,
    read: (path) => texts.get(path),
    filesOf: (enter) => ({
      watch({ path, onChange }) {
        let isClosed = false;
        const tell = (): void => {
          if (isClosed) return;
          scheduler.touch();
          enter(onChange);
        };
        const told = watches.get(path) ?? new Set();
        watches.set(path, told.add(tell));
        onChange();
        return {
          close: () => {
            isClosed = true;
            told.delete(tell);
          },
        };
      },
      read(path, bytesMax) {
        const text = texts.get(path);
        if (text === undefined) return { trouble: `${path} does not exist` };
        return text.length > bytesMax ? { trouble: `${path} is larger than ${bytesMax} bytes` } : { text };
      },
      write(path, text) {
        texts.set(path, text);
        return Promise.resolve();
      },
      rename(from, to) {
        texts.set(to, texts.get(from) ?? '');
        texts.delete(from);
        return Promise.resolve();
      },
    }),
  };
}

/** As lib/watch-file.ts waits for a file to come to rest. */
const settleMs = 100;
