/**
 * The settings once checked: what the rest of the gateway is given. settings/table.ts says where each comes
 * from.
 */
import type { DatabaseId, ServerId } from '#model/ids';
import type { LoginProtocol } from '#model/protocol';
import type { Identity, MovePolicy, UnknownMailboxRule } from '#model/routing-table';

export interface Settings {
  readonly servers: readonly ServerSettings[];
  readonly databases: readonly DatabaseSettings[];
  /** For databases that a source names and the settings don't. */
  readonly movePolicy: MovePolicy;
  readonly unknownMailbox: UnknownMailboxRule;
  readonly frontends: readonly FrontendSettings[];
  /** Addresses and networks of load balancers whose PROXY headers are believed. */
  readonly trustedProxies: readonly string[];
  /** This machine's addresses that servers are dialled from; none: what the system chooses. */
  readonly sourceAddresses: readonly string[];
  readonly tls: { readonly certificates: readonly CertificatePaths[] };
  readonly directoryPath: string | undefined;
  readonly copySources: readonly CopySourceName[];
  readonly copiesPath: string | undefined;
  readonly agent: { readonly listen: ListenAddress | undefined; readonly key: Secret | undefined };
  readonly claimStaleAfterMs: number;
  readonly holdForMs: number;
  readonly serverDownSessions: 'end' | 'keep';
  /** The pace of goodbyes that have time: sessions a second (0: all at once), and the window of each. */
  readonly goodbye: { readonly perSecond: number; readonly windowMs: number };
  readonly monitor: MonitorSettings;
  readonly limits: LimitSettings;
  readonly workers: number;
  readonly ioThreads: number;
  readonly adminSocket: string;
  /** Generations and intents are kept here; undefined: in memory only (the demo). */
  readonly stateDir: string | undefined;
  readonly drainTimeoutMs: number;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly sessions: boolean };
  readonly hostname: string;
}

export interface ServerSettings {
  readonly id: ServerId;
  /** An IP address. */
  readonly address: string;
  /** What its certificate must say; also one of its names in claims. */
  readonly fqdn: string;
  readonly weight: number;
  readonly trust: ServerTrust;
  /** One for each protocol that a frontend offers, and IMAP where probe accounts log in. */
  readonly protocols: Readonly<Partial<Record<LoginProtocol, ServerPort>>>;
}

/** How a server is reached for one protocol. */
export interface ServerPort {
  readonly port: number;
  readonly tls: 'implicit' | 'starttls' | 'off';
  readonly identity: Identity;
}

/** What makes a server's TLS good enough. Unused where `tls` is off. */
export interface ServerTrust {
  readonly profile: TlsProfile;
  /**
   * `ca`: a certificate for the server's full name, signed by an authority of `caPem`. `pin`: a certificate
   * whose SHA-256 is in `pins`. `any`: whatever it shows.
   */
  readonly verify: 'ca' | 'pin' | 'any';
  readonly caPem: string;
  /** SHA-256 of whole certificates (DER), 64 lower-case hexadecimal digits each. */
  readonly pins: readonly string[];
}

/** `modern`: rustls. `compatible`, `legacy`: OpenSSL, where this build has it. */
export type TlsProfile = 'modern' | 'compatible' | 'legacy';

export interface DatabaseSettings {
  readonly id: DatabaseId;
  readonly copies: readonly ServerId[];
  readonly policy: MovePolicy;
}

/** As in POSTERN_PROTOCOLS. */
export type FrontendName = 'imaps' | 'imap' | 'pop3s' | 'pop3' | 'managesieve' | 'submission' | 'submissions';

export interface FrontendSettings {
  readonly name: FrontendName;
  readonly protocol: LoginProtocol;
  readonly tls: 'implicit' | 'starttls';
  readonly tlsProfile: TlsProfile;
  readonly listeners: readonly ListenAddress[];
  /** Each connection must come from a trusted proxy and begin with a PROXY header. */
  readonly isProxied: boolean;
  readonly idleTimeoutMs: number;
  /** Offered before the login besides what the front itself gives. */
  readonly baseline: readonly string[];
}

/** An IP address and a port; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Read by settings/certificates.ts, at the start and again at each reload. */
export type CertificatePaths =
  | { readonly certificatePath: string; readonly keyPath: string }
  /** The key was given by value, or by POSTERN_TLS_KEY_FILE. */
  | { readonly certificatePath: string; readonly key: Secret };

export type CopySourceName = 'agent' | 'file';

export interface MonitorSettings {
  readonly greetingIntervalMs: number;
  readonly loginIntervalMs: number;
  readonly riseCount: number;
  readonly fallCount: number;
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  readonly probeAccounts: readonly ProbeAccount[];
}

/** A mailbox of a database that the login probe may use. */
export interface ProbeAccount {
  readonly database: DatabaseId;
  readonly user: string;
  readonly password: Secret;
}

export interface LimitSettings {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly preambleTimeoutMs: number;
  readonly loginAttemptsMax: number;
  /** 0: the answers to refused logins are not held back. */
  readonly loginDelayMaxMs: number;
  readonly sessionsPerMailboxMax: number;
}

/** A value that must not be printed: `JSON.stringify` and string interpolation show `***`. */
export interface Secret {
  reveal(): string;
  toString(): '***';
  toJSON(): '***';
}
