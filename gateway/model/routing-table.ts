/**
 * What the control plane publishes: for every database where it is served, for every server how to reach it.
 *
 * The workers route by it (workers/route.ts), the engine dials by it. A table is whole and immutable; a
 * change is a new table with the next revision.
 */
import type { DatabaseId, Generation, Revision, ServerId } from '#model/ids';
import type { Protocol } from '#model/protocol';

/** What a move of the active copy does to sessions: see docs/architecture.md, "Routing policy". */
export type MovePolicy = 'exclusive' | 'sticky' | 'free';

/** What the operator wants of a server; never mixed with what we observe of it. */
export type AdminState = 'ready' | 'drain' | 'maintenance';

export type Health =
  | { readonly is: 'unknown' }
  | { readonly is: 'up' }
  /** `why` names what is wrong, e.g. "no greeting within 5s" or "offers no STARTTLS". */
  | { readonly is: 'down'; readonly why: string };

/** How a server is reached for one protocol. */
export interface Endpoint {
  /** An IP address: names are resolved by the control plane. */
  readonly address: string;
  readonly port: number;
  readonly tls: 'implicit' | 'starttls' | 'off';
  /** The name that the server's certificate must carry, also sent as SNI. Unused where `tls` is off. */
  readonly tlsName: string;
}

/**
 * How a server is told who the client is. PROXY is the engine's, as it dials; IMAP ID and XCLIENT are the
 * handoff's. One of them, never two: a server judges the second by what the first says.
 */
export type Identity = 'none' | 'id' | 'xclient' | 'proxy-v1' | 'proxy-v2';

/** What a front must know of a server to write a handoff script; learned by the monitors. */
export interface ServerOffer {
  /** Upper case, as announced before the login and, where TLS is used, inside it. */
  readonly capabilities: readonly string[];
}

export interface ServerRoute {
  readonly id: ServerId;
  /** The position in the engine's table; stable for the life of the process. */
  readonly index: number;
  readonly admin: AdminState;
  /** Share of the mailboxes that have no database of their own; 0 to 65,535, 100 is usual. */
  readonly weight: number;
  readonly protocols: Readonly<Partial<Record<Protocol, ServerProtocolRoute>>>;
}

/** How a server is reached for one protocol, and what is known of it there. */
export interface ServerProtocolRoute {
  readonly endpoint: Endpoint;
  readonly health: Health;
  readonly offer: ServerOffer;
  readonly identity: Identity;
}

/** Where a database is served, and how we know. Every state carries only what it knows. */
export type DatabaseState =
  | { readonly at: 'unclaimed' }
  | { readonly at: 'served'; readonly owner: Owner }
  /** The copy is active but its store is not mounted: a temporary failure, never another server. */
  | { readonly at: 'dismounted'; readonly owner: Owner }
  /** Moving: mounting or dismounting. New sessions are held. */
  | { readonly at: 'moving'; readonly owner: Owner }
  /** No fresh claim: the last owner is kept (fail static). */
  | { readonly at: 'remembered'; readonly owner: Owner }
  /** Two servers claim it: nobody new is let in, the last owner is remembered. */
  | { readonly at: 'disputed'; readonly owner: Owner | undefined; readonly claimants: readonly ServerId[] };

/** The server with the active copy, and since which move. */
export interface Owner {
  readonly server: ServerId;
  readonly generation: Generation;
}

export interface DatabaseRoute {
  readonly id: DatabaseId;
  /** The position in the engine's table; stable for the life of the process. */
  readonly index: number;
  readonly policy: MovePolicy;
  readonly state: DatabaseState;
  /** Servers with a copy, the preferred first. */
  readonly copies: readonly ServerId[];
  /** Databases whose store fails on a server that is up: why, from the login probe. */
  readonly fault?: string;
}

export interface RoutingTable {
  readonly revision: Revision;
  readonly servers: readonly ServerRoute[];
  readonly databases: readonly DatabaseRoute[];
  /** For databases that the directory names, and neither the settings nor a source: they have no row. */
  readonly unnamedDatabasePolicy: MovePolicy;
  /** For mailboxes that the directory lacks. */
  readonly unknownMailbox: UnknownMailboxRule;
}

export type UnknownMailboxRule =
  | { readonly then: 'database'; readonly database: DatabaseId }
  /** Spread over the servers that are up, by a hash of the mailbox (sticky, free). */
  | { readonly then: 'hash' }
  /** A temporary failure (exclusive). */
  | { readonly then: 'refuse' };
