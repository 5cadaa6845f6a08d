/** What must outlast a restart: who owned each database, and what the operator wanted of each server. */
import type { DatabaseId, ServerId } from '#model/ids';
import type { AdminState, Owner } from '#model/routing-table';

export interface Kept {
  readonly owners: ReadonlyMap<DatabaseId, KeptOwner>;
  /** Servers that are not `ready`; the others are not listed. */
  readonly admins: ReadonlyMap<ServerId, AdminState>;
}

export interface KeptOwner extends Owner {
  /** The largest epoch that a source has told, so that an older one still loses after a restart. */
  readonly epoch: number | undefined;
}

/** A first start, or one without a state folder. */
export const nothingKept: Kept = { owners: new Map(), admins: new Map() };
