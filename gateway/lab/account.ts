/**
 * What a session of any protocol needs of the server it runs in. The server (host.ts) implements it, tests
 * may as well.
 */
import type { Change } from '#gateway/lab/store/change';
import type { Account, Folder } from '#gateway/lab/store/copy';

export interface MailHost {
  /** `ex1`: greetings and the answer to a good login say it, so that users see where they are. */
  readonly name: string;
  login(user: string, password: string): Promise<LoginVerdict>;
}

export type LoginVerdict =
  | { readonly is: 'in'; readonly account: OpenAccount }
  | { readonly is: 'refused' }
  /** The password may be right, the mailbox can't be opened here: `why` is told to the client. */
  | { readonly is: 'unavailable'; readonly why: string };

/** A mailbox (all folders of one user) that somebody is logged in to. */
export interface OpenAccount {
  readonly user: string;
  /** False when the database is not served here any more; may wait for the active manager's word. */
  ready(): Promise<boolean>;
  account(): Account;
  folder(name: string): Folder | undefined;
  /**
   * Applies the changes at once, then waits until the passive copy has them too where it keeps up.
   * False, and nothing applied, when the database is not served here any more.
   */
  commit(changes: readonly Change[]): Promise<boolean>;
  /**
   * From which UID on messages are recent. `take`: the caller is told of them, so they are nobody's from
   * now on.
   */
  recentFrom(folder: string, take: boolean): number;
  /** Called after each change in the mailbox, whoever made it. Returns the way to stop it. */
  onChange(listener: () => void): () => void;
  /** Called once when the database leaves this server. */
  onGone(listener: (why: string) => void): () => void;
  /** A UIDVALIDITY for a folder made now. */
  newUidValidity(): number;
  now(): number;
}
