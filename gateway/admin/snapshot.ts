/** What the control plane believes at one moment, as the views of the admin API and the metrics read it. */
import type { ClusterState } from '#gateway/cluster/cluster-state';
import type { Moment, ServerId } from '#model/ids';
import type { Protocol } from '#model/protocol';
import type { RoutingTable } from '#model/routing-table';
import type { MailboxFound, Stats } from '#native';
import type { DirectoryRow, ListenerRow, WorkerRow } from './api.ts';

/** Gathered anew for each request: everything in it is cheap to read. */
export interface Snapshot {
  readonly version: string;
  readonly hostname: string;
  readonly isStopping: boolean;
  readonly startedAt: Moment;
  readonly now: Moment;
  readonly cluster: ClusterState;
  readonly table: RoutingTable;
  readonly stats: Stats;
  readonly workers: readonly Pick<WorkerRow, 'state' | 'restarts'>[];
  readonly listeners: readonly ListenerRow[];
  /** What is offered to clients, IMAP first; at least one. */
  readonly protocols: readonly Protocol[];
  readonly directory: DirectoryRow & {
    readonly loadedAt: Moment | undefined;
    /** Names by the engine's index: a mailbox may be in a database that the table lacks. */
    readonly databases: readonly string[];
  };
  /** When each server was last seen by a monitor; undefined before. */
  readonly seenAt: (server: ServerId, protocol: Protocol) => Moment | undefined;
  /** Each source's latest refused document, in words. */
  readonly sourceProblems: ReadonlyMap<string, string>;
  readonly logDropped: number;
}

/** Where a login name leads, as the engine's table says it. */
export type LookupMailbox = (key: string) => MailboxFound;
