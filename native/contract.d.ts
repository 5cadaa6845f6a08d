/** DRAFT of what the build generates into native/index.d.ts. Each Promise rejects with an Error in words. */

export interface EngineConfig {
  ioThreads: number;
  workers: number;
  limits: EngineLimits;
  frontends: FrontendSetup[];
  /** The first is the default for clients that name no server (SNI), or an unknown one. */
  certificates: CertificatePair[];
}
export interface EngineLimits {
  connectionsMax: number;
  connectionsPerAddressMax: number;
  lineBytesMax: number;
  literalBytesMax: number;
  preambleBytesMax: number;
  preambleTimeoutMs: number;
  tlsTimeoutMs: number;
  connectTimeoutMs: number;
  loginAttemptsMax: number;
}
export interface FrontendSetup {
  name: string;
  protocol: number;
  /** "127.0.0.1:2993", "[::1]:2993". Port 0 takes a free one: see Started. */
  listeners: string[];
  tls: 'implicit' | 'starttls';
  alpn: string[];
  idleTimeoutMs: number;
  /** What the client gets when the engine itself ends the session: by code of the end reason; 0 is for all others. */
  words: Words[];
}
export interface Words { reason: number; text: string }
export interface CertificatePair { certificatePem: string; keyPem: string }

/** The addresses that were bound, in the order of frontends and listeners. */
export interface Started { listeners: BoundListener[] }
export interface BoundListener { frontend: string; address: string }

/** Once a process. Throws in words: an address in use (also by another process), a certificate and key that don't match. */
export function start(config: EngineConfig): Started;
export function setCertificates(certificates: CertificatePair[]): void;

/** Gives each database name its index; a name keeps it for the life of the process. */
export function databaseIndexes(names: string[]): number[];
export function serverIndexes(names: string[]): number[];

export interface EngineTable { revision: number; servers: EngineServer[]; databases: EngineDatabase[] }
export interface EngineServer {
  index: number;
  /** Share of the hash ring; 0 keeps the server out of it. */
  weight: number;
  endpoints: EngineEndpoint[];
}
export interface EngineEndpoint {
  protocol: number;
  address: string;
  port: number;
  tls: 'implicit' | 'starttls' | 'off';
  tlsName: string;
  /** Certificates that may sign the server's, PEM. */
  caPem: string;
}
/** `server` -1: nobody. */
export interface EngineDatabase { index: number; server: number; generation: number }
/** Swaps the whole table in. Throws when the table is malformed; the old one stays. */
export function publish(table: EngineTable): void;

/** Reads the mailboxes file on a thread of its own and swaps the table in. Rejects with "PATH line N: what is wrong"; the old table stays. */
export function loadMailboxes(path: string): Promise<MailboxesLoaded>;
export interface MailboxesLoaded { mailboxes: number; keys: number; databases: string[]; bytes: number }
export function lookupMailbox(key: string): MailboxFound;
/** `id` is the mailbox's identity in 16 hexadecimal digits; `database` -1: not in the directory. */
export interface MailboxFound { id: string; database: number; pinnedServer: number }

export interface ProbeRequest { endpoint: EngineEndpoint; script: Uint8Array; connectTimeoutMs: number }
/** `reason` 0: every step was accepted. Never rejects. */
export interface ProbeOutcome { reason: number; detail: string; lines: string[]; elapsedMs: number }
export function probe(request: ProbeRequest): Promise<ProbeOutcome>;

/** Sessions that match all that is given. */
export interface Selection {
  sessionIds?: number[];
  mailboxId?: string;
  database?: number;
  server?: number;
  /** With database: only those NOT on this server. */
  exceptServer?: number;
}
export interface SessionRow {
  id: number; frontend: string; phase: string; clientAddress: string; user: string; mailboxId: string;
  database: number; server: number; generation: number; localPort: number;
  ageMs: number; idleMs: number; bytesIn: number; bytesOut: number;
}
export function sessions(selection: Selection, limit: number): Promise<SessionRow[]>;
/**
 * Ends the matching sessions. Idle ones at a line's end get the words; the rest are closed plainly.
 * Resolves with how many were told.
 */
export function goodbye(selection: Selection, reason: number, words: string): Promise<number>;

export interface EndRecord {
  id: number; frontend: string; reason: number; clientAddress: string; user: string; mailboxId: string;
  database: number; server: number; generation: number; localPort: number;
  tls: string; preambleMs: number; totalMs: number; bytesIn: number; bytesOut: number; detail: string;
}
/** `wake` is called when end records wait; `takeEnds` gives up to max of them. Records beyond 16,384 are counted in Stats.endsDropped. */
export function onEnds(wake: () => void): void;
export function takeEnds(max: number): EndRecord[];

export interface Stats {
  open: number; opened: number; spliced: number; handshakes: number; resumed: number;
  bytesIn: number; bytesOut: number; endsDropped: number; panics: number;
  /** Counts by code of the end reason. */
  ends: number[];
  workers: WorkerStats[];
  revision: number; mailboxKeys: number; pins: number;
}
export interface WorkerStats { joined: boolean; sessions: number; queued: number; oldestMs: number }
export function stats(): Stats;
/** No new sessions for this worker, e.g. because it is stuck; its hook calls it when it goes. */
export function suspendWorker(index: number): void;
/** Stops accepting; sessions go on. */
export function stopAccepting(): void;
/** Ends everything and joins the threads. */
export function stop(): void;
/** The engine's table, "code name" each, for the test that compares it. */
export function endReasonNames(): string[];

export class Joined {
  drain(heads: Uint32Array, bytes: Uint8Array): number;
  submit(heads: Uint32Array, count: number, bytes: Uint8Array): void;
  lookup(key: string, out: Uint32Array): boolean;
  pinOf(low: number, high: number): number;
  hashServer(low: number, high: number): number;
  leave(): void;
}
/** `wake` holds nothing alive and carries nothing: drain until it is empty. */
export function join(index: number, wake: () => void): Joined;
