/**
 * One real Dovecot 2.3 on free ports of 127.0.0.1: started, killed, frozen, healed; databases mounted and
 * dismounted on it. Which server holds the active copy is for dovecot-pair.ts.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, familyOf, isAlive, runChild, signalAll, startChild } from './child.ts';
import { type DovecotPorts, type DovecotSetup, dovecotConfig, mailUid } from './dovecot-config.ts';
import { eventually } from './eventually.ts';
import { connectRaw } from './raw-connection.ts';

export interface Mailbox {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export class DovecotServer {
  readonly name: string;
  readonly ports: DovecotPorts;
  private readonly setup: DovecotSetup;
  private readonly mailboxes: readonly Mailbox[];
  private child: Child | undefined;
  /** Processes stopped by freeze, which a kill in between may have ended. */
  private frozen: readonly number[] = [];

  constructor(setup: DovecotSetup, mailboxes: readonly Mailbox[]) {
    this.name = setup.name;
    this.ports = setup.ports;
    this.setup = setup;
    this.mailboxes = mailboxes;
  }

  /** Writes configuration, users and folders. `replicaPort`: the other server's doveadm. */
  async prepare(replicaPort: number): Promise<void> {
    const { folder, databases } = this.setup;
    for (const name of ['run', 'mounted', 'live', 'db']) await mkdir(join(folder, name), { recursive: true });
    for (const database of databases) {
      const path = join(folder, 'db', database);
      await mkdir(path, { recursive: true });
      await chown(path, mailUid, mailUid);
      await this.dismount(database);
    }
    for (const mailbox of this.mailboxes) await this.makeInbox(mailbox);
    const replica = `userdb_mail_replica=tcp:127.0.0.1:${replicaPort}`;
    await writeFile(join(folder, 'users'), this.userLines(this.mailboxes, replica));
    await writeFile(this.path('dovecot.conf'), dovecotConfig(this.setup));
  }

  /**
   * Both copies of an INBOX are one mailbox from the start, by one GUID. Left to make their own, two servers
   * make two, and dsync may never settle which one is meant.
   */
  private async makeInbox({ user, database }: Mailbox): Promise<void> {
    const home = this.path(`db/${database}/${user.split('@')[0]}`);
    const folders = ['', '/Maildir', '/Maildir/cur', '/Maildir/new', '/Maildir/tmp'].map(
      (name) => home + name,
    );
    for (const folder of folders) await mkdir(folder, { recursive: true });
    const guid = createHash('md5').update(user).digest('hex');
    const uidList = `${home}/Maildir/dovecot-uidlist`;
    await writeFile(uidList, `3 V1700000000 N1 G${guid}\n`);
    for (const path of [...folders, uidList]) await chown(path, mailUid, mailUid);
  }

  /** Starts it and waits for its greeting. */
  async start(): Promise<void> {
    // Sockets of an earlier life cost the first client seconds.
    await rm(this.path('run'), { recursive: true, force: true });
    await mkdir(this.path('run'));
    const child = await startChild('dovecot', ['-F', '-c', this.path('dovecot.conf')]);
    this.child = child;
    await eventually(`greeting of ${this.name}`, async () => {
      if (!child.isRunning()) throw new Error(`dovecot ended: ${child.stderr()}`);
      return this.greets();
    });
  }

  /** kill -9 of every process: ports refuse, sessions break. */
  async kill(): Promise<void> {
    if (this.child === undefined) return;
    const { pid, ended } = this.child;
    // The master forks no more while the family is counted.
    signalAll([pid], 'SIGSTOP');
    const family = familyOf(pid);
    signalAll(family, 'SIGKILL');
    await ended;
    await eventually(`end of all processes of ${this.name}`, () => !family.some(isAlive));
    this.child = undefined;
    this.frozen = [];
  }

  /** SIGTERM: clients get Dovecot's own BYE. */
  async stop(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    await child?.stop(15_000);
  }

  /**
   * SIGSTOP of every process, or of those of one service, such as `pop3-login`: the kernel still accepts,
   * nothing answers.
   */
  freeze(service = ''): void {
    if (this.child === undefined) throw new Error(`${this.name} does not run`);
    const isOfIt = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(service);
    this.frozen = familyOf(this.child.pid).filter((pid) => service === '' || isOfIt(pid));
    signalAll(this.frozen, 'SIGSTOP');
  }

  thaw(): void {
    signalAll(this.frozen, 'SIGCONT');
    this.frozen = [];
  }

  /** Whatever was done to it: running again. */
  async heal(): Promise<void> {
    this.thaw();
    if (this.child === undefined) await this.start();
  }

  /** Logins of the database's users are accepted, and find their mail. */
  async mount(database: string): Promise<void> {
    await this.attachStore(database);
    const users = this.mailboxes.filter((mailbox) => mailbox.database === database);
    await this.replaceFile(`mounted/${database}`, this.userLines(users));
  }

  /** Logins of the database's users are refused. */
  async dismount(database: string): Promise<void> {
    await this.detachStore(database);
    await this.replaceFile(`mounted/${database}`, '');
  }

  /** The store fails while the server is up: logins are accepted, SELECT is not. */
  async detachStore(database: string): Promise<void> {
    await rm(this.path(`live/${database}`), { force: true });
  }

  async attachStore(database: string): Promise<void> {
    await rm(this.path(`live/${database}`), { force: true });
    await symlink(`../db/${database}`, this.path(`live/${database}`));
  }

  /** Ends the sessions of these users. */
  async kick(users: readonly string[]): Promise<void> {
    // doveadm ends with 68 where the user has no session.
    for (const user of users) await this.doveadm(['kick', user]);
  }

  /** True once a login works: the auth process reads a changed file again at most once a second. */
  async accepts({ user, password }: Mailbox): Promise<boolean> {
    const { status } = await this.doveadm(['auth', 'test', '-x', 'service=imap', user, password]);
    return status === 0;
  }

  /** The copies of these users' mail are made equal with the other server's. */
  async syncWith(doveadmPort: number, users: readonly string[]): Promise<void> {
    for (const user of users) {
      const args = ['sync', '-u', user, '-N', '-l', '30', `tcp:127.0.0.1:${doveadmPort}`];
      // What changes meanwhile, as by the replicator, is settled in a second round: dsync says so, and ends
      // with 2.
      await eventually(
        `the copies of ${user} are equal`,
        async () => (await this.doveadm(args)).status === 0,
      );
    }
  }

  /** Its log so far: logins with the port they came from, ends of sessions, errors. */
  async log(): Promise<string> {
    return readFile(this.setup.logPath ?? this.path('dovecot.log'), 'utf8').catch(() => '');
  }

  /** How many logins of the user its log shows. */
  async loginsOf(user: string): Promise<number> {
    const isLogin = (line: string) => line.includes('Login: ') && line.includes(`user=<${user}>`);
    return (await this.log()).split('\n').filter(isLogin).length;
  }

  /** The lines of its log about logins by this service, `pop3` or `managesieve`. */
  async loginLines(service: string, user: string): Promise<string[]> {
    const lines = (await this.log()).split('\n');
    return lines.filter((line) => line.includes(`${service}-login: Info: Login: user=<${user}>`));
  }

  private async greets(): Promise<boolean> {
    const client = await connectRaw({ port: this.ports.imap });
    try {
      return (await client.line(2_000)).startsWith('* OK');
    } finally {
      client.destroy();
    }
  }

  private doveadm(args: readonly string[]) {
    return runChild('doveadm', ['-c', this.path('dovecot.conf'), ...args]);
  }

  /** By rename: the auth process must never read half a file. */
  private async replaceFile(name: string, text: string): Promise<void> {
    await writeFile(this.path(`${name}.new`), text);
    await rename(this.path(`${name}.new`), this.path(name));
  }

  private userLines(mailboxes: readonly Mailbox[], extra = ''): string {
    const line = ({ user, password, database }: Mailbox) => {
      const home = this.path(`db/${database}/${user.split('@')[0]}`);
      const ids = `${mailUid}:${mailUid}`;
      return `${user}:{PLAIN}${password}:${ids}::${home}::userdb_database=${database} ${extra}\n`;
    };
    return mailboxes.map(line).join('');
  }

  private path(name: string): string {
    return join(this.setup.folder, name);
  }
}
