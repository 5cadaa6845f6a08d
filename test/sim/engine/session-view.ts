/** What is seen of a session of the fake engine, from its splice, from the judges, from who says goodbye. */
import type { FrontendSetup } from '#native';
import type { EndReason } from '#model/end-reason';

/** Where a session is served, or about to be. */
export interface Placement {
  readonly server: number;
  readonly database: number;
  readonly generation: number;
  readonly mailbox: string;
}

export const nowhere: Placement = { server: -1, database: -1, generation: 0, mailbox: '' };

export type Phase = 'handshake' | 'preamble' | 'handoff' | 'spliced' | 'over';

export interface SessionView {
  readonly id: number;
  readonly address: string;
  readonly frontend: FrontendSetup;
  readonly phase: Phase;
  readonly user: string;
  readonly placement: Placement;
  /** As the worker has said of its database. */
  readonly isExclusive: boolean;
  readonly isOver: boolean;
  activeMs: number;
  bytesIn: number;
  bytesOut: number;
  goodbye(farewell: Farewell): void;
}

/** Why sessions are told to go; `windowMs`: how long what is under way may take. */
export interface Farewell {
  readonly reason: EndReason;
  readonly windowMs: number;
}

/** A goodbye to the sessions of a server, rather than to this client. */
export function concernsServer(reason: EndReason): boolean {
  return reason === 'copy_moved' || reason === 'server_down' || reason === 'drained';
}
