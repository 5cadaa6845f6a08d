/**
 * The mail of one lab server: its copies, who may log in, and what of them is served here now.
 *
 * It ties copies (store/), mounts and replication together for the sessions (account.ts). Who is
 * active is the active manager's word, never its own.
 */
import { randomInt } from 'node:crypto';
import type { LoginVerdict, MailHost, OpenAccount } from './account.ts';
import { type Mount, Mounts } from './mounts.ts';
import type { Frame, Position } from './replication/frames.ts';
import { ReplicationSource, type Served } from './replication/source.ts';
import { seedMailbox } from './seed-mail.ts';
import type { CopyReport, LabAccount } from './server-messages.ts';
import type { Change } from './store/change.ts';
import { Copy } from './store/copy.ts';

/** A write's answer waits so long for the passive copy. */
const shipTimeoutMs = 500;
/**
 * A command waits so long for the active manager's word; a manager that is only slow must not cost
 * sessions.
 */
const leaseWaitMs = 3_000;
/** The gateway is to end the sessions of a database that moves; those that are left then are closed here. */
const goodbyeAfterMs = 1_000;

interface Held {
  readonly id: string;
  copy: Copy;
  position: Position;
  isWhole: boolean;
  /** A whole copy that is still coming in. */
  incoming: Copy | undefined;
  readonly recent: Map<string, number>;
  readonly changeListeners: Set<(user: string) => void>;
  readonly goneListeners: Set<(why: string) => void>;
}

export interface HostOptions {
  readonly server: string;
  readonly accounts: readonly LabAccount[];
  /** Monotonic milliseconds, and milliseconds since 1970. */
  readonly monotonic: () => number;
  readonly now: () => number;
}

export class LabHost implements MailHost {
  readonly name: string;
  readonly mounts = new Mounts();
  readonly source = new ReplicationSource(() => this.#served());
  readonly #options: HostOptions;
  readonly #held = new Map<string, Held>();
  readonly #leaseWaiters = new Set<() => void>();

  constructor(options: HostOptions) {
    this.name = options.server;
    this.#options = options;
    for (const { database } of options.accounts) this.#held.set(database, newHeld(database));
  }

  /** The answer to a beat: the lease goes on, and what is not ours any more ends at once. */
  heard(beat: number, mounts: readonly Mount[]): void {
    for (const database of this.mounts.renew(beat, mounts)) this.#leave(database, 0);
    if (!this.mounts.isLeased(this.#options.monotonic())) return;
    for (const wake of this.#leaseWaiters) wake();
  }

  mount(mount: Mount, isNew: boolean): void {
    const held = this.#held.get(mount.database);
    if (held === undefined) return;
    held.position = { epoch: mount.epoch, seq: held.position.seq };
    held.isWhole = true;
    held.incoming = undefined;
    if (isNew) this.#seed(held);
    this.mounts.mount(mount);
    this.source.tellWhole(servedOf(held));
  }

  /** Stops serving the database; settles when the follower has all of it, or can't be waited for. */
  async dismount(database: string): Promise<void> {
    const held = this.#held.get(database);
    if (held === undefined || !this.mounts.dismount(database)) return;
    await this.source.settled(database, held.position, shipTimeoutMs);
    this.#leave(database, goodbyeAfterMs);
  }

  /** A frame from a server that we follow. Gives the position reached, when it is to be acknowledged. */
  follow(frame: Frame): Position | undefined {
    if (frame.type === 'follow' || frame.type === 'ack') return undefined;
    const held = this.#held.get(frame.database);
    if (held === undefined || frame.epoch < held.position.epoch) return undefined;
    const own = this.mounts.epochOf(frame.database);
    // Who serves the same epoch is us; a later epoch elsewhere fences us off.
    if (own !== undefined && frame.epoch <= own) return undefined;
    if (own !== undefined && this.mounts.dismount(frame.database)) this.#leave(frame.database, 0);
    return takeFrame(held, frame);
  }

  reports(isLinked: boolean): CopyReport[] {
    return [...this.#held.values()].map(({ id, position, isWhole }) => ({
      database: id,
      position,
      isWhole,
      isLinked,
    }));
  }

  hasMailbox(address: string): boolean {
    return this.#accountOf(address) !== undefined;
  }

  /** Puts a message into a mailbox's INBOX; false, and nothing done, when the mailbox is not served here. */
  async deliver(mailbox: string, bytes: Buffer): Promise<boolean> {
    const known = this.#accountOf(mailbox);
    const held = known && this.#held.get(known.database);
    if (known === undefined || held === undefined || !(await this.#mayServe(held.id))) return false;
    const at = { user: known.mailbox, folder: 'INBOX' };
    const inbox = held.copy.folderOf(at.user, at.folder);
    if (inbox === undefined) return false;
    const internalDate = this.#options.now();
    return this.#commit(held, [
      { kind: 'append', ...at, uid: inbox.uidNext, flags: [], internalDate, bytes },
    ]);
  }

  async login(user: string, password: string): Promise<LoginVerdict> {
    const known = this.#accountOf(user);
    if (known === undefined || known.password !== password) return { is: 'refused' };
    const held = this.#held.get(known.database);
    if (held === undefined || !(await this.#mayServe(known.database))) {
      return { is: 'unavailable', why: `the active copy of ${known.database} is not here` };
    }
    return { is: 'in', account: this.#open(held, known.mailbox) };
  }

  #accountOf(address: string): LabAccount | undefined {
    return this.#options.accounts.find((account) => account.mailbox === address.toLowerCase());
  }

  #open(held: Held, user: string): OpenAccount {
    return {
      user,
      ready: () => this.#mayServe(held.id),
      account: () => held.copy.accountOf(user),
      folder: (name) => held.copy.folderOf(user, name),
      commit: (changes) => this.#commit(held, changes),
      recentFrom: (folder, take) => recentFrom(held, { user, folder, take }),
      onChange: (listener) => {
        const mine = (changed: string) => void (changed === user && listener());
        held.changeListeners.add(mine);
        return () => held.changeListeners.delete(mine);
      },
      onGone: (listener) => {
        held.goneListeners.add(listener);
        return () => held.goneListeners.delete(listener);
      },
      newUidValidity: () => Math.floor(this.#options.now() / 1_000) + randomInt(1_000),
      now: () => this.#options.now(),
    };
  }

  async #commit(held: Held, changes: readonly Change[]): Promise<boolean> {
    if (!this.mounts.mayServe(held.id, this.#options.monotonic())) return false;
    for (const change of changes) {
      held.copy.apply(change);
      held.position = { epoch: held.position.epoch, seq: held.position.seq + 1 };
      this.source.ship(held.id, held.position, change);
    }
    for (const user of new Set(changes.map((change) => change.user))) {
      for (const listener of held.changeListeners) listener(user);
    }
    if (changes.length > 0) await this.source.settled(held.id, held.position, shipTimeoutMs);
    return true;
  }

  async #mayServe(database: string): Promise<boolean> {
    if (!this.mounts.isLeased(this.#options.monotonic())) await this.#leased();
    return this.mounts.mayServe(database, this.#options.monotonic());
  }

  #leased(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#leaseWaiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, leaseWaitMs);
      this.#leaseWaiters.add(wake);
    });
  }

  #leave(database: string, afterMs: number): void {
    const held = this.#held.get(database);
    if (held === undefined) return;
    this.source.forget(database);
    const leaving = [...held.goneListeners];
    const close = () => {
      for (const gone of leaving)
        if (held.goneListeners.has(gone)) gone(`the active copy of ${database} is not here any more`);
    };
    if (afterMs === 0) close();
    else setTimeout(close, afterMs).unref();
  }

  #seed(held: Held): void {
    const users = this.#options.accounts.filter(({ database }) => database === held.id);
    for (const { mailbox } of users) {
      for (const change of seedMailbox(mailbox, this.#options.now())) held.copy.apply(change);
    }
  }

  *#served(): Generator<Served> {
    for (const held of this.#held.values()) {
      if (this.mounts.epochOf(held.id) !== undefined) yield servedOf(held);
    }
  }
}

function newHeld(id: string): Held {
  return {
    id,
    copy: new Copy(),
    position: { epoch: 0, seq: 0 },
    isWhole: false,
    incoming: undefined,
    recent: new Map(),
    changeListeners: new Set(),
    goneListeners: new Set(),
  };
}

function servedOf(held: Held): Served {
  return { database: held.id, position: held.position, told: () => held.copy.told() };
}

/** Throws on a gap: the link starts again, and with it comes the whole copy. */
function takeFrame(held: Held, frame: Exclude<Frame, { type: 'follow' | 'ack' }>): Position | undefined {
  switch (frame.type) {
    case 'whole':
      held.incoming = new Copy();
      return undefined;
    case 'part':
      held.incoming?.apply(frame.change);
      return undefined;
    case 'inStep':
      if (held.incoming === undefined) throw new Error('a copy ended that never began');
      held.copy = held.incoming;
      held.incoming = undefined;
      break;
    case 'change':
      if (frame.epoch !== held.position.epoch || frame.seq !== held.position.seq + 1)
        throw new Error('a change is missing');
      held.copy.apply(frame.change);
      break;
  }
  held.isWhole = true;
  held.position = { epoch: frame.epoch, seq: frame.seq };
  return held.position;
}

function recentFrom(
  held: Held,
  { user, folder, take }: { user: string; folder: string; take: boolean },
): number {
  const key = `${user}\0${folder}`;
  const from = held.recent.get(key) ?? 1;
  if (take) held.recent.set(key, held.copy.folderOf(user, folder)?.uidNext ?? from);
  return from;
}
