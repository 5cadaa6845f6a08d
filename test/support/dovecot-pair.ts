/**
 * Two real Dovecot servers, ex1 and ex2, whose databases have a copy on both: replication by dsync, one
 * active copy each, moved on command. The stand-in for a cluster that Postern follows; it tells Postern
 * nothing.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, makeAuthority } from './certificates.ts';
import { portNames, portsOf } from './dovecot-config.ts';
import { DovecotServer, type Mailbox } from './dovecot-server.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import { makeTempFolder, removeTempFolder } from './temp-folder.ts';

export type ServerName = 'ex1' | 'ex2';

export interface DovecotPair {
  /** Everything of both lies here. */
  readonly folder: string;
  readonly ex1: DovecotServer;
  readonly ex2: DovecotServer;
  readonly authority: Authority;
  readonly mailboxes: readonly Mailbox[];
  /** Where the database's active copy is. */
  activeOf(database: string): ServerName;
  server(name: ServerName): DovecotServer;
  other(name: ServerName): ServerName;
  /** A switch-over: the old server refuses and kicks, the copies are made equal, the new one mounts. */
  move(database: string, to: ServerName): Promise<void>;
  /** A fail-over: the new one mounts, the old one is not asked. */
  forceMove(database: string, to: ServerName): Promise<void>;
  /** Whatever a test did: both servers up, every database mounted where it is active and nowhere else. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export interface PairOptions {
  /** Where mail of their users is sent on to; without one they take none. */
  readonly relayPort?: number;
  /** Both write to one log, whose order of lines is that of time. */
  readonly sharesLog?: boolean;
}

const domain = 'pair.test';
const probePassword = 'probe-secret';

/** ann is in db1 and bob in db2; cid is in db3, beside a probe account for each database. */
export const pairMailboxes: readonly Mailbox[] = [
  ...['ann:db1', 'bob:db2', 'cid:db3'].map((pair) => mailboxOf(pair, 'secret')),
  ...['probe1:db1', 'probe2:db2', 'probe3:db3'].map((pair) => mailboxOf(pair, probePassword)),
];

const homes: Readonly<Record<string, ServerName>> = { db1: 'ex1', db2: 'ex2', db3: 'ex1' };

/** Starts both; each database is mounted on its first server. */
export async function startDovecotPair(options: PairOptions = {}): Promise<DovecotPair> {
  const { relayPort, sharesLog = false } = options;
  const folder = await makeTempFolder('dove');
  await chmod(folder, 0o755); // Mail is another user's.
  const authority = await makeAuthority(folder);
  const ports = await freePorts(2 * portNames.length);
  const [ex1, ex2] = [await makeServer('ex1', ports), await makeServer('ex2', ports.slice(portNames.length))];
  await Promise.all([ex1.prepare(ex2.ports.doveadm), ex2.prepare(ex1.ports.doveadm)]);
  const pair = new Pair({ ex1, ex2, authority, folder });
  await pair.heal();
  return pair;

  async function makeServer(name: ServerName, ports: readonly number[]): Promise<DovecotServer> {
    const { certificatePath, keyPath } = await authority.issue(name, [`${name}.test`, '127.0.0.1']);
    const setup = {
      name,
      folder: join(folder, name),
      ports: portsOf(ports),
      certificatePath,
      keyPath,
      ...(relayPort === undefined ? {} : { relayPort }),
      ...(sharesLog ? { logPath: join(folder, 'both.log') } : {}),
    };
    await mkdir(setup.folder);
    return new DovecotServer({ ...setup, databases: Object.keys(homes) }, pairMailboxes);
  }
}

class Pair implements DovecotPair {
  readonly ex1: DovecotServer;
  readonly ex2: DovecotServer;
  readonly authority: Authority;
  readonly mailboxes = pairMailboxes;
  readonly folder: string;
  private readonly active = new Map<string, ServerName>(Object.entries(homes));

  constructor(parts: { ex1: DovecotServer; ex2: DovecotServer; authority: Authority; folder: string }) {
    this.ex1 = parts.ex1;
    this.ex2 = parts.ex2;
    this.authority = parts.authority;
    this.folder = parts.folder;
  }

  activeOf(database: string): ServerName {
    const name = this.active.get(database);
    if (name === undefined) throw new Error(`no database ${database}`);
    return name;
  }

  server(name: ServerName): DovecotServer {
    return name === 'ex1' ? this.ex1 : this.ex2;
  }

  other(name: ServerName): ServerName {
    return name === 'ex1' ? 'ex2' : 'ex1';
  }

  async move(database: string, to: ServerName): Promise<void> {
    const [from, users] = [this.server(this.other(to)), this.usersOf(database)];
    await from.dismount(database);
    await eventually(
      `${from.name} refuses ${database}`,
      async () => !(await from.accepts(this.someoneOf(database))),
    );
    await from.kick(users);
    await from.syncWith(this.server(to).ports.doveadm, users);
    await this.forceMove(database, to);
  }

  async forceMove(database: string, to: ServerName): Promise<void> {
    const server = this.server(to);
    await server.mount(database);
    await eventually(`${to} accepts ${database}`, () => server.accepts(this.someoneOf(database)));
    this.active.set(database, to);
  }

  async heal(): Promise<void> {
    for (const [database, active] of this.active) {
      // The file first, then the process: a server that comes back must not serve what has moved away.
      await this.server(this.other(active)).dismount(database);
      await this.server(active).mount(database);
    }
    await Promise.all([this.ex1.heal(), this.ex2.heal()]);
    for (const [database, active] of this.active) {
      const [here, there] = [this.server(active), this.server(this.other(active))];
      await eventually(`${database} on ${active} alone`, async () => {
        const someone = this.someoneOf(database);
        return (await here.accepts(someone)) && !(await there.accepts(someone));
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.ex1.kill(), this.ex2.kill()]);
    removeTempFolder(this.folder);
  }

  private usersOf(database: string): string[] {
    return this.mailboxes.filter((mailbox) => mailbox.database === database).map(({ user }) => user);
  }

  private someoneOf(database: string): Mailbox {
    const found = this.mailboxes.find((mailbox) => mailbox.database === database);
    if (found === undefined) throw new Error(`nobody in ${database}`);
    return found;
  }
}

function mailboxOf(pair: string, password: string): Mailbox {
  const [name = '', database = ''] = pair.split(':');
  return { user: `${name}@${domain}`, password, database };
}
