/**
 * One mail server as far as a gateway can tell: it greets, judges passwords, opens mailboxes whose store it
 * has, and can be stopped, frozen or lose stores. What it was told is kept for the invariants.
 */
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import { createCommandReader } from './imap-reader.ts';
import type { Wire } from './network.ts';
import type { MovePolicy } from '#model/routing-table';

/** How one copy stands on this server. */
export type StoreState = 'mounted' | 'mounting' | 'dismounting' | 'dismounted' | 'passive';

export interface Account {
  readonly name: string;
  readonly password: string;
  readonly database: string;
}

export interface MailServerParts {
  readonly id: string;
  readonly address: string;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly policyOf: (database: string) => MovePolicy;
  /** True where some server of the site has it mounted: front ends pass on to that one. */
  readonly isServed: (database: string) => boolean;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly capabilities: string;
  /** Whether a handshake comes before the greeting. */
  readonly hasTls: boolean;
  readonly thinkMs: number;
  /** Sends sessions away when their database leaves; else they may stay, and read what is no longer true. */
  readonly kicksOut: boolean;
  /** A login was judged here; `isGood` where the password was right. */
  readonly onLogin: (server: string, user: string, isGood: boolean) => void;
}

interface Visit {
  readonly wire: Wire;
  account: Account | undefined;
  isSelected: boolean;
  isIdling: string | undefined;
  /** What waits while the server is frozen, and behind a command that takes its time. */
  readonly work: (() => void)[];
  isBusy: boolean;
  isOver: boolean;
  sasl: string | undefined;
  /** A message is half said. */
  isWithin: boolean;
}

export class MailServer {
  readonly id: string;
  readonly address: string;
  readonly stores = new Map<string, StoreState>();
  /** Stores that can't be read although they are mounted. */
  readonly failing = new Set<string>();
  state: 'running' | 'stopped' | 'frozen' = 'running';
  /** Not even the machine answers. */
  isHostDown = false;
  readonly #parts: MailServerParts;
  readonly #visits = new Set<Visit>();
  /** Connections of an earlier life on which somebody still speaks. */
  readonly #unheard = new Set<Wire>();
  /** One life of the server: what an earlier one had begun is not finished. */
  #life = 0;

  constructor(parts: MailServerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.address = parts.address;
  }

  /** `isHost`: the machine is gone, nobody is told; else connections are reset. */
  stop(isHost: boolean): void {
    this.state = 'stopped';
    this.isHostDown = isHost;
    this.#life++;
    for (const visit of this.#visits) this.#end(visit, isHost ? 'vanish' : 'reset');
  }

  start(): void {
    this.state = 'running';
    this.isHostDown = false;
    for (const wire of this.#unheard) wire.reset();
    this.#unheard.clear();
    for (const visit of this.#visits) this.#work(visit);
  }

  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }

  thaw(): void {
    if (this.state === 'frozen') this.start();
  }

  /** False: nobody listens, and the caller is told so. */
  connect(wire: Wire): boolean {
    if (this.state === 'stopped') return false;
    this.#visits.add(this.#open(wire));
    return true;
  }

  /** The database has left: whoever has a mailbox of it open is sent away. */
  sendAway(database: string): void {
    const { kicksOut, policyOf } = this.#parts;
    if (!kicksOut || this.state !== 'running' || policyOf(database) !== 'exclusive') return;
    for (const visit of this.#visits) {
      if (visit.account?.database !== database) continue;
      if (!visit.isWithin) visit.wire.send('* BYE the mailbox is dismounted\r\n');
      this.#end(visit, 'close');
    }
  }

  /** One piece of work after the other, each with its time; none while the server is frozen. */
  #work(visit: Visit): void {
    if (visit.isBusy || visit.isOver || this.state !== 'running') return;
    const next = visit.work.shift();
    if (next === undefined) return;
    visit.isBusy = true;
    const life = this.#life;
    this.#parts.scheduler.after(this.#parts.thinkMs * this.#parts.random.next(), () => {
      visit.isBusy = false;
      if (visit.isOver || life !== this.#life) return;
      if (this.state === 'running') next();
      else visit.work.unshift(next);
      this.#work(visit);
    });
  }

  #end(visit: Visit, how: 'close' | 'reset' | 'vanish'): void {
    if (visit.isOver) return;
    visit.isOver = true;
    this.#visits.delete(visit);
    if (how === 'close') visit.wire.close();
    if (how === 'reset') visit.wire.reset();
  }

  #open(wire: Wire): Visit {
    const visit = newVisit(wire);
    const queue = (run: () => void): void => {
      visit.work.push(run);
      this.#work(visit);
    };
    const reader = createCommandReader(
      (command) => this.#obey(visit, command),
      () => wire.send('+ go on\r\n'),
    );
    const greet = (): void => wire.send(`* OK ${this.id} ready\r\n`);
    wire.listener = {
      onBytes: (text) => (visit.isOver ? this.#disown(wire) : queue(() => reader.take(text))),
      onHello: () => {
        queue(() => {
          wire.hello();
          greet();
        });
      },
      onClose: () => (visit.isOver ? this.#disown(wire) : queue(() => this.#end(visit, 'close'))),
      onReset: () => this.#end(visit, 'vanish'),
    };
    if (!this.#parts.hasTls) queue(greet);
    return visit;
  }

  /** A machine that was started again knows nothing of the connection; what was sent to it comes again. */
  #disown(wire: Wire): void {
    if (this.state === 'running') wire.reset();
    else this.#unheard.add(wire);
  }

  #obey(visit: Visit, command: string): void {
    const { sasl, isIdling } = visit;
    [visit.sasl, visit.isIdling] = [undefined, undefined];
    if (sasl !== undefined) return this.#judgePlain(visit, sasl, command);
    if (isIdling !== undefined) return visit.wire.send(`${isIdling} OK IDLE completed\r\n`);
    const [tag = '*', name = '', ...rest] = command.split(' ');
    this.#answer(visit, tag, [name.toUpperCase(), ...rest]);
  }

  #answer(visit: Visit, tag: string, [name, first = '', second = '']: readonly string[]): void {
    const { wire } = visit;
    switch (name) {
      case 'CAPABILITY':
        return wire.send(`* CAPABILITY ${this.#parts.capabilities}\r\n${tag} OK done\r\n`);
      case 'LOGIN':
        return this.#judge(visit, tag, { user: unquoted(first), password: unquoted(second) });
      case 'AUTHENTICATE':
        if (second !== '') return this.#judgePlain(visit, tag, second);
        visit.sasl = tag;
        return wire.send('+ \r\n');
      case 'SELECT':
      case 'EXAMINE':
        return this.#select(visit, tag);
      case 'IDLE':
        visit.isIdling = tag;
        return wire.send('+ idling\r\n');
      case 'FETCH':
        return fetchMessage(visit, tag);
      case 'NOOP':
        return wire.send(`${tag} OK NOOP completed\r\n`);
      case 'LOGOUT':
        wire.send(`* BYE ${this.id} logging out\r\n${tag} OK LOGOUT completed\r\n`);
        return this.#end(visit, 'close');
      default:
        return wire.send(`${tag} BAD unknown command\r\n`);
    }
  }

  #judgePlain(visit: Visit, tag: string, message: string): void {
    const [, user = '', password = ''] = Buffer.from(message, 'base64').toString('latin1').split('\0');
    this.#judge(visit, tag, { user, password });
  }

  #judge(visit: Visit, tag: string, { user, password }: { user: string; password: string }): void {
    const { accounts, random, capabilities, onLogin } = this.#parts;
    const account = accounts.get(user);
    const isGood = account !== undefined && account.password === password;
    onLogin(this.id, user, isGood);
    if (!isGood) return visit.wire.send(`${tag} NO [AUTHENTICATIONFAILED] wrong\r\n`);
    const isLost = this.failing.has(account.database) && random.chance(0.5);
    if (isLost) return visit.wire.send(`${tag} NO [UNAVAILABLE] no store\r\n`);
    visit.account = account;
    visit.wire.send(`${tag} OK [CAPABILITY ${capabilities}] ${user} on ${this.id}\r\n`);
  }

  #select(visit: Visit, tag: string): void {
    const { account, wire } = visit;
    if (account === undefined) return wire.send(`${tag} BAD log in first\r\n`);
    const { database } = account;
    const isHere = this.stores.get(database) === 'mounted';
    const isThere = this.#parts.policyOf(database) !== 'exclusive' && this.#parts.isServed(database);
    if (this.failing.has(database) || !(isHere || isThere))
      return wire.send(`${tag} NO [UNAVAILABLE] ${database} is not open here\r\n`);
    visit.isSelected = true;
    wire.send(`* 3 EXISTS\r\n${tag} OK [READ-WRITE] ${account.name} on ${this.id}\r\n`);
  }
}

/** A message in two pieces, with a pause between them: so that a goodbye can meet the middle of it. */
function fetchMessage(visit: Visit, tag: string): void {
  const { wire } = visit;
  if (!visit.isSelected) return wire.send(`${tag} BAD nothing selected\r\n`);
  const half = messageBody.length / 2;
  wire.send(`* 1 FETCH (BODY[] {${messageBody.length}}\r\n${messageBody.slice(0, half)}`);
  visit.isWithin = true;
  visit.work.unshift(() => {
    visit.isWithin = false;
    wire.send(`${messageBody.slice(half)})\r\n${tag} OK FETCH completed\r\n`);
  });
}

function newVisit(wire: Wire): Visit {
  return {
    wire,
    account: undefined,
    isSelected: false,
    isIdling: undefined,
    work: [],
    isBusy: false,
    isOver: false,
    sasl: undefined,
    isWithin: false,
  };
}

/** The only message there is; it reads like an answer in its middle. */
export const messageBody = 'Subject: a\r\n\r\na1 OK done\r\n* BYE so\r\nand more\r\n';

function unquoted(text: string): string {
  return text.replace(/^"(.*)"$/, '$1');
}
