/**
 * What can happen to a database, as values: the only way that a copy changes, on the server that serves it
 * and on the one that follows. A copy is the sum of its changes; copy.ts adds them up, replication ships
 * them.
 */

export type Change = FolderChange | ScriptChange;

export type FolderChange =
  /** `uidNext` is above 1 where a copy is told whole and its last messages are gone. */
  | {
      readonly kind: 'create';
      readonly user: string;
      readonly folder: string;
      readonly uidValidity: number;
      readonly uidNext: number;
    }
  | { readonly kind: 'delete'; readonly user: string; readonly folder: string }
  | { readonly kind: 'rename'; readonly user: string; readonly folder: string; readonly to: string }
  | {
      readonly kind: 'subscribe';
      readonly user: string;
      readonly folder: string;
      readonly isSubscribed: boolean;
    }
  | AppendChange
  | {
      readonly kind: 'flags';
      readonly user: string;
      readonly folder: string;
      readonly uid: number;
      readonly flags: readonly string[];
    }
  | {
      readonly kind: 'expunge';
      readonly user: string;
      readonly folder: string;
      readonly uids: readonly number[];
    };

export interface AppendChange {
  readonly kind: 'append';
  readonly user: string;
  readonly folder: string;
  readonly uid: number;
  readonly flags: readonly string[];
  /** Milliseconds since 1970. */
  readonly internalDate: number;
  readonly bytes: Buffer;
}

/** What ManageSieve changes. A script is kept as it was sent; nothing runs it. */
export type ScriptChange =
  | { readonly kind: 'putScript'; readonly user: string; readonly script: string; readonly text: string }
  | { readonly kind: 'deleteScript'; readonly user: string; readonly script: string }
  | { readonly kind: 'renameScript'; readonly user: string; readonly script: string; readonly to: string }
  /** The empty name: none is active any more. */
  | { readonly kind: 'activateScript'; readonly user: string; readonly script: string };
