/**
 * What a lab server and the active manager say to each other over the process's channel, and how a server
 * is started.
 */
import type { LoginProtocol } from '#model/protocol';
import type { Mount } from './mounts.ts';
import type { Position } from './replication/frames.ts';

/** A server's only argument, as JSON. */
export interface ServerStart {
  readonly server: string;
  /** 0: any free one. */
  readonly ports: LabPorts;
  readonly paths: ServerPaths;
  readonly peers: readonly ServerPaths[];
  readonly accounts: readonly LabAccount[];
}

/** Where a server listens for clients of each protocol. */
export type LabPorts = Readonly<Record<LoginProtocol, number>>;

/** The Unix sockets where the others find a server. */
export interface ServerPaths {
  /** Who follows its copies connects here. */
  readonly link: string;
  /** Mail for its mailboxes comes here. */
  readonly mail: string;
}

export interface LabAccount {
  readonly mailbox: string;
  readonly password: string;
  readonly database: string;
}

export type ToServer =
  /** The answer to a beat: all that is mounted there. */
  | { readonly type: 'mounted'; readonly beat: number; readonly mounts: readonly Mount[] }
  /** `isNew`: nobody has the database; make its first mail. */
  | {
      readonly type: 'mount';
      readonly ask: number;
      readonly database: string;
      readonly epoch: number;
      readonly isNew: boolean;
    }
  /** Stop serving it; the answer comes when the followers have all. */
  | { readonly type: 'dismount'; readonly ask: number; readonly database: string };

export type FromServer =
  | { readonly type: 'up'; readonly ports: LabPorts }
  | {
      readonly type: 'beat';
      readonly beat: number;
      readonly copies: readonly CopyReport[];
      readonly sessions: number;
    }
  | { readonly type: 'done'; readonly ask: number };

/** How one copy stands, in its server's words. */
export interface CopyReport {
  readonly database: string;
  readonly position: Position;
  /** The server holds the whole copy as of its position. */
  readonly isWhole: boolean;
  /** The link to who serves it stands. */
  readonly isLinked: boolean;
}
