/**
 * The documents of the admin API, version 1: what the server answers, the client reads and `--json` prints.
 *
 * Only their shapes; admin/views.ts builds them, admin/routes.ts serves them. Fields are added, never
 * renamed: scripts of operators read these.
 */
import type { AdminState, MovePolicy } from '#model/routing-table';

export interface StatusDocument {
  readonly version: string;
  readonly hostname: string;
  /** `stopping` from SIGTERM on. */
  readonly state: 'running' | 'stopping';
  readonly uptimeMs: number;
  readonly revision: number;
  readonly listeners: readonly ListenerRow[];
  readonly servers: readonly ServerRow[];
  readonly databases: readonly DatabaseRow[];
  readonly workers: readonly WorkerRow[];
  readonly sources: readonly SourceRow[];
  readonly sessions: SessionCounts;
  readonly directory: DirectoryRow;
  /** What an operator would want to mend, each one sentence. */
  readonly problems: readonly string[];
}

export interface ListenerRow {
  readonly frontend: string;
  readonly address: string;
}

export interface ServerRow {
  readonly server: string;
  readonly admin: AdminState;
  readonly weight: number;
  readonly protocols: readonly ServerProtocolRow[];
}

export interface ServerProtocolRow {
  readonly protocol: string;
  readonly address: string;
  readonly health: 'unknown' | 'up' | 'down';
  /** Why it is down, in words; empty else. */
  readonly why: string;
}

export interface DatabaseRow {
  readonly database: string;
  readonly state: string;
  readonly server: string | null;
  readonly generation: number | null;
  readonly policy: MovePolicy;
  readonly copies: readonly string[];
  /** Why its store fails, from the login probe; empty else. */
  readonly fault: string;
}

export interface WorkerRow {
  readonly index: number;
  readonly state: 'starting' | 'up' | 'waiting' | 'stopped';
  readonly restarts: number;
  readonly sessions: number;
  readonly queued: number;
  readonly oldestMs: number;
}

export interface SourceRow {
  readonly source: string;
  /** Since its latest document; null for a source that never spoke. */
  readonly ageMs: number | null;
  readonly isStale: boolean;
  /** Its latest refusal; empty when there was none since the last good document. */
  readonly problem: string;
}

export interface SessionCounts {
  readonly open: number;
  readonly opened: number;
  readonly spliced: number;
}

export interface DirectoryRow {
  readonly path: string | null;
  readonly mailboxes: number;
  readonly keys: number;
  /** Why the latest file was refused, with its line; empty when it was not. */
  readonly problem: string;
}

export interface WhereisDocument {
  /** The mailbox that the login name opens. */
  readonly mailbox: string;
  /** Null where the directory does not know the mailbox, and no rule gives it a database. */
  readonly database: string | null;
  /** The server that a login would be sent to now; null when it would get the temporary failure. */
  readonly server: string | null;
  readonly generation: number | null;
  readonly reason: string;
  readonly facts: readonly Fact[];
  /** What would be chosen if that server went down now. */
  readonly ifItDied: string;
  /**
   * The answer for each protocol that is offered: they differ where a server is down for one of them. Above
   * is the first one's.
   */
  readonly protocols: readonly ProtocolAnswer[];
}

/** Where a login by one protocol would go; fields as in the document around it. */
export interface ProtocolAnswer {
  readonly protocol: string;
  readonly server: string | null;
  readonly reason: string;
  readonly ifItDied: string;
}

/** One thing that a decision rests on. */
export interface Fact {
  readonly what: string;
  /** Who said so: `agent:ex1`, `file`, `monitor`, `operator`, `directory`, `sessions`. */
  readonly source: string;
  /** Null where age means nothing, as with a file. */
  readonly ageMs: number | null;
}

export interface WhoDocument {
  readonly sessions: readonly WhoRow[];
  /** True where there were more sessions than asked for. */
  readonly isCut: boolean;
}

export interface WhoRow {
  /** 14 hexadecimal digits, as in the log. */
  readonly session: string;
  readonly frontend: string;
  readonly phase: string;
  readonly clientAddress: string;
  /** The load balancer that it came by. */
  readonly proxyAddress: string | null;
  readonly user: string;
  readonly database: string | null;
  readonly server: string | null;
  readonly generation: number | null;
  /** The gateway's local port towards the server, 0 before there is one. */
  readonly localPort: number;
  /** Its local address there, where POSTERN_SOURCE_ADDRESSES gives several to dial from. */
  readonly localAddress: string | null;
  readonly ageMs: number;
  readonly idleMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** All that is given must match. */
export interface WhoFilter {
  readonly user?: string;
  readonly server?: string;
  readonly database?: string;
  readonly limit?: number;
}

/** What a kick did: `ended` counts the sessions that were told, `mailbox` is the one that the name opens. */
export interface KickDocument {
  readonly mailbox: string;
  readonly ended: number;
}

export interface AdminStateDocument {
  readonly server: string;
  readonly admin: AdminState;
  /** Sessions on it when the order came. */
  readonly sessions: number;
}

/** Every refusal. */
export interface ErrorDocument {
  readonly error: string;
}
