/**
 * What crosses between the main thread and a worker over its message port. Small and seldom: tables, not
 * sessions.
 */
import type { LoginProtocol } from '#model/protocol';
import type { RoutingTable } from '#model/routing-table';

/** What a worker is given when it starts. */
export interface WorkerTask {
  /** Its place in the pool, from 0; a replacement gets the place of the worker it replaces. */
  readonly index: number;
  readonly port: MessagePortLike;
  readonly config: WorkerConfig;
  readonly table: RoutingTable;
}

/** Settings that fronts and sessions need, already checked. */
export interface WorkerConfig {
  readonly frontends: readonly FrontendConfig[];
  readonly loginAttemptsMax: number;
  /** How long a login waits for its database before the client gets the temporary failure. */
  readonly holdForMs: number;
  /** How long a server may take to judge a login. */
  readonly loginTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  /** The name in greetings. */
  readonly hostname: string;
}

export interface FrontendConfig {
  readonly name: string;
  readonly protocol: LoginProtocol;
  readonly tls: 'implicit' | 'starttls';
  /** What is offered before the login besides what the front itself gives; upper case. */
  readonly baseline: readonly string[];
}

/** What the main thread tells a worker. */
export type ToWorker =
  | { readonly type: 'table'; readonly table: RoutingTable }
  | { readonly type: 'ping'; readonly at: number }
  | { readonly type: 'stop' };

export type FromWorker =
  | { readonly type: 'up' }
  /** `sessions`: those in their preamble that it holds; what is over is not among them. */
  | { readonly type: 'pong'; readonly at: number; readonly sessions: number }
  /** A worker's log record: it has no logger of its own. */
  | { readonly type: 'log'; readonly level: 'warn' | 'error'; readonly text: string };

/** What we need of a MessagePort; the simulator gives its own. */
export interface MessagePortLike {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  close(): void;
}
