/**
 * The directory from a file: has the engine read POSTERN_DIRECTORY_PATH now and after each change.
 *
 * The engine parses (a million lines are no work for JavaScript) and swaps the table in whole; this file
 * decides when, and keeps what came of it. Lookups go to the engine directly.
 */
import type { Clock, Moment } from '#lib/clock';
import { type Files, systemFiles } from '#lib/files';
import { faultWords } from '#lib/keep-going';

export interface FileDirectoryOptions {
  readonly path: string;
  readonly clock: Clock;
  /** The engine's loadMailboxes: rejects with "PATH line N: what is wrong", and the old table stays. */
  readonly load: (path: string) => Promise<MailboxesLoaded>;
  readonly onLoaded: (loaded: MailboxesLoaded) => void;
  readonly onProblem: (words: string) => void;
  /** This machine's disk unless given. */
  readonly files?: Files;
}

/** As the engine tells it. */
export interface MailboxesLoaded {
  readonly mailboxes: number;
  readonly keys: number;
  readonly databases: readonly string[];
  readonly bytes: number;
}

export interface FileDirectory {
  /** Resolves when the file has been read once, well or not. */
  readonly first: Promise<void>;
  status(): DirectoryStatus;
  /** No reading begins after this; one that is under way tells nobody. */
  close(): void;
}

export interface DirectoryStatus {
  /** The last good reading. */
  readonly loaded: MailboxesLoaded | undefined;
  readonly loadedAt: Moment | undefined;
  /** What is wrong with the file as it is now; undefined where the last reading was good. */
  readonly problem: string | undefined;
}

/** Reads the file at once, and after each change, one reading at a time. */
export function startFileDirectory({
  path,
  clock,
  load,
  onLoaded,
  onProblem,
  files = systemFiles(),
}: FileDirectoryOptions): FileDirectory {
  let status: DirectoryStatus = { loaded: undefined, loadedAt: undefined, problem: undefined };
  let isClosed = false;
  let isWanted = false;
  let reading: Promise<void> | undefined;

  function changed(): void {
    isWanted = true;
    if (reading === undefined && !isClosed) reading = readWhileWanted();
  }

  /** A change during a reading asks for one more, not for one each. */
  async function readWhileWanted(): Promise<void> {
    while (isWanted && !isClosed) {
      isWanted = false;
      await readOnce().catch((error: unknown) => onProblem(faultWords(error)));
    }
    // In the same breath as the last look at `isWanted`: a change that comes later begins anew.
    reading = undefined;
  }

  async function readOnce(): Promise<void> {
    const outcome = await load(path).then(good, bad);
    if (isClosed) return;
    if ('problem' in outcome) {
      status = { ...status, problem: outcome.problem };
      return onProblem(outcome.problem);
    }
    status = { loaded: outcome.loaded, loadedAt: clock.now(), problem: undefined };
    onLoaded(outcome.loaded);
  }

  const watch = files.watch({ path, clock, onChange: changed });
  return {
    first: reading ?? Promise.resolve(),
    status: () => status,
    close() {
      isClosed = true;
      watch.close();
    },
  };
}

type Outcome = { readonly loaded: MailboxesLoaded } | { readonly problem: string };

function good(loaded: MailboxesLoaded): Outcome {
  return { loaded };
}

function bad(error: unknown): Outcome {
  return { problem: faultWords(error) };
}
