/** The names of things, each a type of its own: a server can't be passed where a database is meant. */

/** A mail host as the settings name it: lower case, `[a-z0-9-]`, e.g. `ex1`. */
export type ServerId = string & { readonly is: 'ServerId' };

/** A set of mailboxes that moves as one: lower case; an Exchange database's name or GUID, or a free name. */
export type DatabaseId = string & { readonly is: 'DatabaseId' };

/** A frontend's name: `imaps`, `imap`. */
export type FrontendId = string & { readonly is: 'FrontendId' };

/** One session, as the engine numbers it: below 2^53, never used twice within the life of a process. */
export type SessionId = number & { readonly is: 'SessionId' };

/**
 * How often the active copy of a database moved. It only grows: the larger of the last one + 1 and the
 * source's own epoch. Below 2^53.
 */
export type Generation = number & { readonly is: 'Generation' };

/** The number of a published routing table, from 1. */
export type Revision = number & { readonly is: 'Revision' };

/** A moment on the monotonic clock, in milliseconds; comparable within one process only. */
export type Moment = number & { readonly is: 'Moment' };

/** A session's id as logs and commands show it: 14 hexadecimal digits. */
export function formatSessionId(id: SessionId): string {
  return id.toString(16).padStart(14, '0');
}
