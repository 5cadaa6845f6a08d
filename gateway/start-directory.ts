/** Starts the directory that the settings name; without one every mailbox is unknown. */
import type { MailboxesLoaded } from '#native';
import type { DirectoryRow } from '#gateway/admin/api';
import { startFileDirectory } from '#gateway/directory/file-directory';
import type { Clock } from '#lib/clock';
import type { Files } from '#lib/files';
import type { Log } from '#lib/log';
import type { DatabaseId, Moment } from '#model/ids';

export interface DirectoryParts {
  readonly path: string | undefined;
  /** The engine's: it reads the file on a thread of its own. */
  readonly load: (path: string) => Promise<MailboxesLoaded>;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningDirectory {
  /** Resolves when the file has been read once, well or not. */
  readonly first: Promise<void>;
  /** Whether a mailbox of the directory is in this database. */
  hasDatabase(id: DatabaseId): boolean;
  /** `databases`: names by the engine's index, also those that neither the settings nor a source know. */
  row(): DirectoryRow & { readonly loadedAt: Moment | undefined; readonly databases: readonly string[] };
  close(): void;
}

export function startDirectory({ path, load, files, clock, log }: DirectoryParts): RunningDirectory {
  if (path === undefined) return noDirectory;
  let databases = new Set<string>();
  const directory = startFileDirectory({
    path,
    files,
    clock,
    load,
    onLoaded: (loaded) => {
      databases = new Set(loaded.databases);
      log.info('directory loaded', {
        path,
        mailboxes: loaded.mailboxes,
        keys: loaded.keys,
        bytes: loaded.bytes,
      });
    },
    onProblem: (words) => log.error(`directory refused, the last good one stays: ${words}`, { path }),
  });
  return {
    first: directory.first,
    hasDatabase: (id) => databases.has(id),
    row: () => {
      const { loaded, loadedAt, problem = '' } = directory.status();
      const { mailboxes = 0, keys = 0, databases: names = [] } = loaded ?? {};
      return { path, mailboxes, keys, problem, loadedAt, databases: names };
    },
    close: () => directory.close(),
  };
}

const noDirectory: RunningDirectory = {
  first: Promise.resolve(),
  hasDatabase: () => false,
  row: () => ({ path: null, mailboxes: 0, keys: 0, problem: '', loadedAt: undefined, databases: [] }),
  close: () => {},
};
