/**
 * Says when a file has changed, however it was replaced: written in place, renamed over, or (as Kubernetes
 * does with mounted files) reached through a symbolic link that was swapped.
 *
 * The folder is watched, not the file, since a watch on a file dies with the rename over it. Beside it a slow
 * poll finds what no event tells: network file systems, a folder that is made later. It reads no content.
 */
import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from './clock.ts';

export interface WatchOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Called once at the start, and after each change that has come to rest. */
  readonly onChange: () => void;
  /** A file must be left alone for so long before it counts as changed: editors write in several steps. */
  readonly debounceMs?: number;
  readonly pollMs?: number;
}

/** A watch that is under way; after `close` nothing is told any more. */
export interface Watch {
  close(): void;
}

/** Watches until closed. A file that is missing counts as one state like any other. */
export function watchFile(options: WatchOptions): Watch {
  const { path, clock, onChange, debounceMs = 100, pollMs = 2000 } = options;
  let seen = signatureOf(path);
  let settling: Timer | undefined;
  let poll: Timer | undefined;
  let folder = watchFolder(path, look);

  function look(): void {
    const now = signatureOf(path);
    if (settling === undefined && now !== seen) settle(now, settleRoundsMax);
  }

  function settle(before: string, rounds: number): void {
    settling = clock.setTimer(debounceMs, () => {
      settling = undefined;
      const now = signatureOf(path);
      if (now !== before && rounds > 0) return settle(now, rounds - 1);
      if (now === seen) return;
      seen = now;
      onChange();
    });
  }

  function pollAgain(): void {
    poll = clock.setTimer(pollMs, () => {
      folder ??= watchFolder(path, look);
      look();
      pollAgain();
    });
  }

  pollAgain();
  onChange();
  return {
    close() {
      folder?.close();
      folder = undefined;
      settling?.cancel();
      poll?.cancel();
    },
  };
}

/**
 * Undefined where the folder can't be watched (it is missing, or the system's watches are used up): the
 * poll does.
 */
function watchFolder(path: string, look: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(path), { persistent: false }, look);
    // The folder was removed under the watch; the poll goes on.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** What differs whenever the file's content may. Follows symbolic links. */
function signatureOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return 'unreachable';
  }
}

/**
 * A file that is written without a pause is read all the same after so many rounds: the reader judges what
 * it finds.
 */
const settleRoundsMax = 20;
