/**
 * The lab's Active Manager (Exchange's name for it): decides which server has the active copy of each
 * database, and tells the gateway as the agents of the servers would.
 *
 * It starts the servers, hears their beats, carries out switchovers, and takes over what a dead or silent
 * server had. One server alone may serve a database: mounts.ts has the lease that this rests on.
 */
import { join } from 'node:path';
import type { CopyStatus } from '#model/claim';
import type { LoginProtocol } from '#model/protocol';
import { type Candidate, bestCopy } from './best-copy.ts';
import type { Post } from './feed.ts';
import type { Mount } from './mounts.ts';
import type { CopyReport, FromServer, LabAccount, LabPorts, ServerPaths } from './server-messages.ts';
import { ServerProcess } from './server-process.ts';
import { type DatabaseView, topologyDocument } from './topology-document.ts';

export interface LabPlan {
  /** A port of 0, or none: any free one, kept for the lab's life. */
  readonly servers: readonly { readonly id: string; readonly ports?: Partial<LabPorts> }[];
  /** `copies`: the first is active at the start. */
  readonly databases: readonly { readonly id: string; readonly copies: readonly string[] }[];
  readonly accounts: readonly LabAccount[];
}

export interface LabOptions extends LabPlan {
  /** A folder for the links between the servers; its path is short, as Unix sockets need. */
  readonly folder: string;
  readonly post: Post;
  /** What an operator would want to read, a line each. */
  readonly log: (line: string) => void;
}

/** One copy moved: the moment when the gateway had taken the document that says so. */
export interface Claimed {
  readonly database: string;
  readonly server: string;
  readonly epoch: number;
  readonly at: number;
}

export interface ServerStatus {
  readonly server: string;
  readonly ports: LabPorts;
  readonly pid: number;
  readonly state: 'live' | 'frozen' | 'dead';
  readonly sessions: number;
}

export interface LabStatus {
  readonly servers: readonly ServerStatus[];
  readonly databases: readonly DatabaseView[];
}

/**
 * A server is silent beyond this: longer than its lease (mounts.ts), so that it serves nothing any more by
 * then.
 */
export const silentMsMax = 1_500;
const checkEveryMs = 100;
const documentEveryMs = 1_000;
const orderTimeoutMs = 3_000;
/** How long a switchover waits for the copy it goes to. */
const inStepTimeoutMs = 5_000;

interface HeldServer {
  readonly id: string;
  ports: LabPorts;
  process: ServerProcess | undefined;
  state: ServerStatus['state'];
  heardAt: number;
  seq: number;
  sessions: number;
  reports: ReadonlyMap<string, CopyReport>;
}

interface HeldDatabase {
  readonly id: string;
  readonly copies: readonly string[];
  active: string;
  epoch: number;
  status: 'Mounted' | 'Mounting' | 'Dismounted' | 'Dismounting';
}

/** A running lab: two servers or more, and who has the active copies. `start` makes one. */
export class ActiveManager {
  readonly #options: LabOptions;
  readonly #servers: ReadonlyMap<string, HeldServer>;
  readonly #databases: ReadonlyMap<string, HeldDatabase>;
  readonly #claimListeners = new Set<(claimed: Claimed) => void>();
  readonly #timers: NodeJS.Timeout[] = [];
  #checkedAt = performance.now();
  #isStopped = false;

  private constructor(options: LabOptions) {
    this.#options = options;
    this.#servers = new Map(options.servers.map(({ id, ports }) => [id, newServer(id, ports)]));
    this.#databases = new Map(options.databases.map(({ id, copies }) => [id, newDatabase(id, copies)]));
  }

  /** Settles when the servers run and every database is mounted. */
  static async start(options: LabOptions): Promise<ActiveManager> {
    const lab = new ActiveManager(options);
    try {
      await Promise.all([...lab.#servers.values()].map((server) => lab.#startServer(server)));
      await Promise.all(
        [...lab.#databases.values()].map((database) => lab.#mount(database, database.active, true)),
      );
    } catch (error) {
      lab.stop();
      throw error;
    }
    lab.#timers.push(setInterval(() => lab.#check(), checkEveryMs));
    lab.#timers.push(setInterval(() => void lab.publish(), documentEveryMs));
    return lab;
  }

  portOf(server: string, protocol: LoginProtocol): number {
    return this.#server(server).ports[protocol];
  }

  status(): LabStatus {
    const servers = [...this.#servers.values()].map(({ id, ports, process, state, sessions }) => {
      return { server: id, ports, pid: process?.pid ?? 0, state, sessions };
    });
    return { servers, databases: this.#views() };
  }

  onClaimed(listener: (claimed: Claimed) => void): () => void {
    this.#claimListeners.add(listener);
    return () => this.#claimListeners.delete(listener);
  }

  /**
   * A switchover: nothing is lost, and one server at most serves at any moment. Rejects with what stands
   * against it.
   */
  async move(databaseId: string, to: string): Promise<void> {
    const database = this.#database(databaseId);
    if (!database.copies.includes(to)) throw new LabRefusal(`${to} has no copy of ${databaseId}`);
    const [from, other] = [this.#server(database.active), this.#server(to)];
    if (database.active === to && database.status === 'Mounted')
      throw new LabRefusal(`${databaseId} is active on ${to} already`);
    if (database.status !== 'Mounted')
      throw new LabRefusal(`${databaseId} is ${database.status.toLowerCase()}`);
    if (other.state !== 'live') throw new LabRefusal(`${to} is ${other.state}`);

    database.status = 'Dismounting';
    this.#options.log(`${databaseId} goes from ${from.id} to ${to}`);
    void this.publish();
    const isDismounted = await from.process?.order(
      { type: 'dismount', database: databaseId },
      orderTimeoutMs,
    );
    // A server that died meanwhile has lost the database to the best copy, or soon will.
    if (database.active !== from.id || from.state !== 'live')
      throw new LabRefusal(`${from.id} went away meanwhile`);
    if (isDismounted !== true || !(await this.#inStep(database, from.id, to))) {
      await this.#mount(database, from.id, false);
      throw new LabRefusal(`the copy of ${databaseId} on ${to} did not catch up; it stays on ${from.id}`);
    }
    await this.#mount(database, to, false);
  }

  /** kill -9. */
  crash(id: string): void {
    const server = this.#server(id);
    if (server.state === 'dead') throw new LabRefusal(`${id} is dead already`);
    server.process?.signal('SIGKILL');
  }

  /** SIGSTOP: it answers nothing, and its connections stay open. */
  freeze(id: string): void {
    const server = this.#server(id);
    if (server.state !== 'live') throw new LabRefusal(`${id} is ${server.state}`);
    server.process?.signal('SIGSTOP');
  }

  /**
   * Starts a dead server or thaws a frozen one; settles when its copies are in step. It comes back passive.
   */
  async heal(id: string): Promise<void> {
    const server = this.#server(id);
    if (server.state === 'dead') await this.#startServer(server);
    else server.process?.signal('SIGCONT');
    const isBack = await until(
      inStepTimeoutMs,
      () => server.state === 'live' && this.#isServerInStep(server),
    );
    if (!isBack) throw new LabRefusal(`${id} runs, but not all its copies are in step`);
  }

  /** Sends a document for each live server now. A gateway that is not there gets the next one. */
  async publish(): Promise<void> {
    const live = [...this.#servers.values()].filter(({ state }) => state === 'live');
    const posted = live.map((server) => {
      // Not below the last run's, should a gateway outlive the lab.
      server.seq = Math.max(server.seq + 1, Date.now());
      const document = topologyDocument(server.id, this.#views(), { seq: server.seq, now: Date.now() });
      return this.#options.post(document).catch(() => undefined);
    });
    await Promise.all(posted);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const { process } of this.#servers.values()) process?.signal('SIGKILL');
  }

  async #startServer(server: HeldServer): Promise<void> {
    const { folder, accounts } = this.#options;
    const pathsOf = (id: string): ServerPaths => {
      return { link: join(folder, `${id}.link`), mail: join(folder, `${id}.mail`) };
    };
    const peers = [...this.#servers.keys()].filter((id) => id !== server.id).map(pathsOf);
    server.reports = new Map();
    const start = { server: server.id, ports: server.ports, paths: pathsOf(server.id), peers, accounts };
    const started: ServerProcess = await ServerProcess.start(start, {
      onBeat: (beat) => this.#heard(server, beat),
      onExit: () => void (server.process === started && this.#died(server)),
    });
    server.process = started;
    server.ports = started.ports;
    server.state = 'live';
    server.heardAt = performance.now();
    if (this.#isStopped) started.signal('SIGKILL');
  }

  #heard(server: HeldServer, beat: Extract<FromServer, { type: 'beat' }>): void {
    server.heardAt = performance.now();
    server.sessions = beat.sessions;
    server.reports = new Map(beat.copies.map((report) => [report.database, report]));
    // What moved while it was silent is not in the answer: with that it is fenced off.
    server.process?.tell({ type: 'mounted', beat: beat.beat, mounts: this.#mountsOf(server.id) });
    if (server.state !== 'frozen') return;
    server.state = 'live';
    this.#options.log(`${server.id} is back`);
    this.#takeOver();
  }

  #died(server: HeldServer): void {
    if (this.#isStopped) return;
    server.state = 'dead';
    server.process = undefined;
    server.sessions = 0;
    this.#options.log(`${server.id} is dead`);
    this.#takeOver();
  }

  #check(): void {
    const now = performance.now();
    const ownPauseMs = now - this.#checkedAt - checkEveryMs;
    this.#checkedAt = now;
    for (const server of this.#servers.values()) {
      // Beats that came while this process was held up wait to be read: its own pause is nobody's silence.
      if (ownPauseMs > checkEveryMs) server.heardAt = Math.min(now, server.heardAt + ownPauseMs);
      if (server.state !== 'live' || now - server.heardAt <= silentMsMax) continue;
      server.state = 'frozen';
      this.#options.log(`${server.id} is silent`);
    }
    this.#takeOver();
  }

  /** Gives each database whose server is not live to the best copy that there is. */
  #takeOver(): void {
    for (const database of this.#databases.values()) {
      if (this.#server(database.active).state === 'live' && database.status !== 'Dismounted') continue;
      const choice = bestCopy(
        database.epoch,
        database.copies.map((id) => this.#candidate(database.id, id)),
      );
      if (choice.is === 'wait') database.status = 'Dismounted';
      else void this.#mount(database, choice.server, choice.is === 'new');
    }
  }

  async #mount(database: HeldDatabase, to: string, isNew: boolean): Promise<void> {
    database.active = to;
    database.epoch += 1;
    database.status = 'Mounting';
    const { id, epoch } = database;
    void this.publish();
    const isMounted = await this.#server(to).process?.order(
      { type: 'mount', database: id, epoch, isNew },
      orderTimeoutMs,
    );
    if (database.epoch !== epoch) return;
    database.status = isMounted === true ? 'Mounted' : 'Dismounted';
    this.#options.log(`${id} is ${database.status.toLowerCase()} on ${to}`);
    await this.publish();
    if (isMounted !== true) return;
    for (const listener of this.#claimListeners)
      listener({ database: id, server: to, epoch, at: performance.now() });
  }

  /** The copy on `to` has all that the one on `from` has; both have spoken since the dismount. */
  #inStep({ id }: HeldDatabase, from: string, to: string): Promise<boolean> {
    return until(inStepTimeoutMs, () => {
      const [old, next] = [this.#server(from).reports.get(id), this.#server(to).reports.get(id)];
      if (old === undefined || next?.isWhole !== true) return false;
      return next.position.epoch === old.position.epoch && next.position.seq >= old.position.seq;
    });
  }

  #isServerInStep(server: HeldServer): boolean {
    return [...this.#databases.values()].every((database) => {
      const report = server.reports.get(database.id);
      if (!database.copies.includes(server.id)) return true;
      return report?.isWhole === true && report.position.epoch === database.epoch;
    });
  }

  #candidate(database: string, id: string): Candidate {
    const { state, reports } = this.#server(id);
    return { server: id, state, report: state === 'dead' ? undefined : reports.get(database) };
  }

  /** What the server may serve. A database that is being dismounted is not in it any more. */
  #mountsOf(server: string): Mount[] {
    return [...this.#databases.values()]
      .filter(({ active, status }) => active === server && (status === 'Mounted' || status === 'Mounting'))
      .map(({ id, epoch }) => ({ database: id, epoch }));
  }

  #views(): DatabaseView[] {
    return [...this.#databases.values()].map((database) => {
      const { id, active, epoch, status, copies } = database;
      const shown = copies.map((server) => ({ server, status: this.#copyStatus(database, server) }));
      return { id, activeServer: active, isMounted: status === 'Mounted', epoch, copies: shown };
    });
  }

  #copyStatus(database: HeldDatabase, id: string): CopyStatus {
    const { state, reports } = this.#server(id);
    if (state !== 'live') return 'ServiceDown';
    if (database.active === id) return database.status;
    const report = reports.get(database.id);
    const isInStep = report?.isWhole === true && report.position.epoch === database.epoch;
    if (!isInStep) return report?.isLinked === false ? 'Initializing' : 'Resynchronizing';
    return report.isLinked ? 'Healthy' : 'DisconnectedAndHealthy';
  }

  #server(id: string): HeldServer {
    const server = this.#servers.get(id);
    if (server === undefined)
      throw new LabRefusal(`there is no server ${id}: ${[...this.#servers.keys()].join(', ')}`);
    return server;
  }

  #database(id: string): HeldDatabase {
    const database = this.#databases.get(id);
    if (database === undefined) {
      throw new LabRefusal(`there is no database ${id}: ${[...this.#databases.keys()].join(', ')}`);
    }
    return database;
  }
}

/** An order that can't be carried out, in words for who gave it. */
export class LabRefusal extends Error {}

function newServer(id: string, given: Partial<LabPorts> = {}): HeldServer {
  const ports = { imap: 0, pop3: 0, sieve: 0, submission: 0, ...given };
  return {
    id,
    ports,
    process: undefined,
    state: 'dead',
    heardAt: 0,
    seq: 0,
    sessions: 0,
    reports: new Map(),
  };
}

function newDatabase(id: string, copies: readonly string[]): HeldDatabase {
  return { id, copies, active: copies[0] ?? '', epoch: 0, status: 'Dismounted' };
}

/** Asks again until it is so; false when the time is over. */
async function until(withinMs: number, isSo: () => boolean): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return true;
}

const pollMs = 20;
