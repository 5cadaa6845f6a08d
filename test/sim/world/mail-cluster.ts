/**
 * The truth: which server has which database mounted, and how a database moves. Agents tell of it late and in
 * part, servers serve by it, and the invariants compare the gateway's doings with it.
 */
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Word } from './agent.ts';
import type { MailServer, StoreState } from './mail-server.ts';

export interface MailClusterParts {
  readonly servers: readonly MailServer[];
  readonly databases: readonly string[];
  readonly countsEpochs: boolean;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly say: (text: string) => void;
}

export class MailCluster {
  readonly servers: readonly MailServer[];
  onChange: () => void = () => {};
  readonly #parts: MailClusterParts;
  readonly #active = new Map<string, string>();
  readonly #epochs = new Map<string, number>();
  /** A move that was overtaken by another one does nothing more. */
  readonly #moves = new Map<string, number>();
  /** By agent and database: what it last heard of the other copies, and when it hears anew. */
  readonly #hearsay = new Map<string, { readonly until: number; readonly word: Word }>();

  constructor(parts: MailClusterParts) {
    this.#parts = parts;
    this.servers = parts.servers;
    for (const [index, database] of parts.databases.entries()) {
      const home = this.servers[index % this.servers.length];
      this.#active.set(database, home?.id ?? '');
      this.#epochs.set(database, 1);
      for (const server of this.servers) server.stores.set(database, server === home ? 'mounted' : 'passive');
    }
  }

  /** Who should serve it: the last server that it was brought to. */
  activeOf(database: string): string {
    return this.#active.get(database) ?? '';
  }

  isServed(database: string): boolean {
    return this.servers.some(
      ({ stores, state }) => stores.get(database) === 'mounted' && state === 'running',
    );
  }

  /** Planned: dismounted there, then mounted here. */
  move(database: string, to: string): void {
    const { scheduler, random } = this.#parts;
    const from = this.activeOf(database);
    if (from === to) return;
    this.#put(database, from, 'dismounting');
    const leavingMs = 50 + random.below(800);
    scheduler.after(
      leavingMs,
      () => this.activeOf(database) !== from && this.#put(database, from, 'passive'),
    );
    this.#bring(database, to, leavingMs + random.below(1000));
  }

  /** Another server mounts what the stopped one had. */
  failOver(from: string): void {
    const { databases, random } = this.#parts;
    for (const database of databases) {
      const others = this.servers.filter(({ id, state }) => id !== from && state === 'running');
      if (this.activeOf(database) !== from || others.length === 0) continue;
      this.#bring(database, random.pick(others).id, 500 + random.below(3000));
      // When the machine is back it finds that it was replaced.
      this.#put(database, from, 'passive');
    }
  }

  /** A server believes that it has the database, whatever the others think. */
  claim(database: string, server: string): void {
    this.#put(database, server, 'mounted');
  }

  /** Nobody serves it. */
  dismount(database: string): void {
    this.#put(database, this.activeOf(database), 'dismounted');
  }

  /** The one that should have it has it mounted, the others follow. */
  settle(database: string): void {
    const at = this.activeOf(database);
    this.#moves.set(database, (this.#moves.get(database) ?? 0) + 1);
    for (const { id } of this.servers) if (id !== at) this.#put(database, id, 'passive');
    this.#put(database, at, 'mounted');
  }

  heal(): void {
    for (const database of this.#parts.databases) this.settle(database);
  }

  /** What the agent on this server sees now: its own copies, and the others by hearsay. */
  wordsOf(server: string): Word[] {
    return this.#parts.databases.map((database) => {
      const own = this.servers.find(({ id }) => id === server)?.stores.get(database);
      const { copies, ...word } = this.#heard(server, database);
      const status = statusOf(own);
      return { ...word, copies: copies.map((copy) => (copy.server === server ? { server, status } : copy)) };
    });
  }

  #heard(server: string, database: string): Word {
    const { scheduler, random } = this.#parts;
    const key = `${server} ${database}`;
    const old = this.#hearsay.get(key);
    if (old !== undefined && old.until > scheduler.now()) return old.word;
    const word = this.#truth(database);
    this.#hearsay.set(key, { until: scheduler.now() + random.below(3000), word });
    return word;
  }

  #truth(database: string): Word {
    return {
      database,
      active: this.activeOf(database),
      epoch: this.#parts.countsEpochs ? this.#epochs.get(database) : undefined,
      copies: this.servers.map(({ id, stores, state }) => ({
        server: id,
        status: state === 'stopped' ? 'ServiceDown' : statusOf(stores.get(database)),
      })),
    };
  }

  #bring(database: string, to: string, delayMs: number): void {
    const { scheduler, random } = this.#parts;
    const move = (this.#moves.get(database) ?? 0) + 1;
    this.#moves.set(database, move);
    this.#active.set(database, to);
    this.#epochs.set(database, (this.#epochs.get(database) ?? 1) + 1);
    const isCurrent = (): boolean => this.#moves.get(database) === move;
    scheduler.after(delayMs, () => {
      if (!isCurrent()) return;
      this.#put(database, to, 'mounting');
      scheduler.after(100 + random.below(1500), () => isCurrent() && this.#put(database, to, 'mounted'));
    });
  }

  #put(database: string, server: string, state: StoreState): void {
    const found = this.servers.find(({ id }) => id === server);
    const was = found?.stores.get(database);
    if (found === undefined || was === state) return;
    found.stores.set(database, state);
    this.#parts.say(`truth: ${database} ${state} on ${server}`);
    if (was === 'mounted') found.sendAway(database);
    this.onChange();
  }
}

function statusOf(state: StoreState | undefined): string {
  switch (state) {
    case 'mounted':
      return 'Mounted';
    case 'mounting':
      return 'Mounting';
    case 'dismounting':
      return 'Dismounting';
    case 'dismounted':
      return 'Dismounted';
    case 'passive':
    case undefined:
      return 'Healthy';
  }
}
