/**
 * One mail program: connects, logs in, stays, works a little, leaves, and comes back with growing patience.
 * It judges all that it is told; what a mail program must never see is told to `onSeen`.
 */
import { backoffMs } from '#lib/backoff';
import type { Timer } from '#lib/clock';
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Link, Network, Wire } from './network.ts';
import { type Account, messageBody } from './mail-server.ts';

/** What a client met that somebody should know of. */
export type Seen =
  | { readonly is: 'greeted' | 'greetedTwice'; readonly client: string }
  | { readonly is: 'online'; readonly client: string; readonly server: string; readonly user: string }
  | { readonly is: 'strange' | 'cutOff' | 'wronglyRefused'; readonly client: string; readonly words: string };

export interface MailClientParts {
  readonly name: string;
  readonly account: Account;
  readonly address: string;
  readonly habits: Habits;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Opens a connection to the gateway; false where nobody listens. */
  readonly dial: (client: { address: string; port: number; isImplicit: boolean }, wire: Wire) => boolean;
  readonly onSeen: (seen: Seen) => void;
}

/** How a mail program goes about it. */
export interface Habits {
  readonly isImplicit: boolean;
  /** Sends its login before it has read the greeting, and the SELECT behind it. */
  readonly pipelines: boolean;
  readonly login: 'atoms' | 'quoted' | 'literals' | 'streamed' | 'plain';
  readonly wrongPasswordShare: number;
  readonly leavesShare: number;
  readonly pauseMs: number;
}

type Stage = 'away' | 'dialling' | 'hello' | 'greeting' | 'tls' | 'login' | 'select' | 'online' | 'gone';

interface Visit {
  readonly wire: Wire;
  buffer: string;
  literalLeft: number;
  greetings: number;
  count: number;
  /** Commands without an answer, by tag. */
  readonly asked: Map<string, string>;
  isWrong: boolean;
  isTls: boolean;
  /** What the next `+` invites. */
  readonly invited: string[];
  served: string | undefined;
}

export class MailClient {
  readonly name: string;
  readonly account: Account;
  readonly link: Link;
  readonly #parts: MailClientParts;
  #stage: Stage = 'away';
  #failures = 0;
  #isSettled = false;
  #hasLeft = false;
  #visit: Visit | undefined;
  #timer: Timer | undefined;

  constructor(parts: MailClientParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.account = parts.account;
    this.link = parts.network.linkOf(`client:${parts.name}`);
  }

  start(): void {
    this.#after(this.#parts.random.below(3000), () => this.#dial());
  }

  /** From now on it stays once it is in, and knows its password. */
  settle(): void {
    this.#isSettled = true;
    this.#failures = 0;
    if (this.#stage === 'away') this.start();
  }

  /** The server that answered its last SELECT with OK on the connection that it has now. */
  servedBy(): string | undefined {
    return this.#stage === 'online' ? this.#visit?.served : undefined;
  }

  /** Says goodbye, or just goes, and does not come back. */
  leave(): void {
    this.#hasLeft = true;
    this.#timer?.cancel();
    if (this.#visit !== undefined) this.#goAway(this.#visit);
    this.#stage = 'gone';
  }

  stage(): string {
    return this.#stage;
  }

  #after(delayMs: number, run: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.scheduler.after(delayMs, run);
  }

  #comeBack(): void {
    this.#visit = undefined;
    if (this.#hasLeft) return void (this.#stage = 'gone');
    this.#stage = 'away';
    this.#after(backoffMs(this.#failures++, patience, this.#parts.random.next), () => this.#dial());
  }

  #giveUp(): void {
    this.#visit?.wire.reset();
    if (this.#visit !== undefined) this.#visit.wire.listener = undefined;
    this.#comeBack();
  }

  #dial(): void {
    if (this.#hasLeft) return;
    this.#stage = 'dialling';
    const { near, far } = this.#parts.network.open(this.link);
    const isWrong = !this.#isSettled && this.#parts.random.chance(this.#parts.habits.wrongPasswordShare);
    const mine: Visit = {
      wire: near,
      buffer: '',
      literalLeft: 0,
      greetings: 0,
      count: 0,
      asked: new Map(),
      isWrong,
      isTls: false,
      invited: [],
      served: undefined,
    };
    this.#visit = mine;
    near.listener = {
      onBytes: (text) => mine === this.#visit && this.#hear(mine, text),
      onHello: () => mine === this.#visit && this.#onHello(mine),
      onClose: () => mine === this.#visit && this.#onClosed(mine),
      onReset: () => mine === this.#visit && this.#comeBack(),
    };
    const port = 1024 + this.#parts.random.below(60_000);
    const client = { address: this.#parts.address, port, isImplicit: this.#parts.habits.isImplicit };
    this.#parts.network.deliver(this.link, () => {
      if (!this.#parts.dial(client, far)) return far.reset();
      this.#parts.network.deliver(this.link, () => mine === this.#visit && this.#onConnected(mine));
    });
    this.#after(patienceMs, () => this.#giveUp());
  }

  #onClosed(mine: Visit): void {
    mine.wire.close();
    this.#comeBack();
  }

  #onConnected({ wire }: Visit): void {
    if (this.#stage !== 'dialling') return;
    this.#stage = this.#parts.habits.isImplicit ? 'hello' : 'greeting';
    if (this.#parts.habits.isImplicit) wire.hello();
    this.#after(patienceMs, () => this.#giveUp());
  }

  #onHello(mine: Visit): void {
    mine.isTls = true;
    if (this.#stage === 'tls') return this.#logIn(mine);
    this.#stage = 'greeting';
    if (this.#parts.habits.pipelines) this.#logIn(mine);
  }

  #ask(mine: Visit, command: string): void {
    const tag = `a${mine.count++}`;
    mine.asked.set(tag, command.split(' ')[0] ?? '');
    mine.wire.send(`${tag} ${command}\r\n`);
  }

  #logIn(mine: Visit): void {
    this.#stage = 'login';
    const password = mine.isWrong ? 'wrong' : this.#parts.account.password;
    this.#sayLogin(mine, this.#parts.account.name, password);
    if (this.#parts.habits.pipelines) this.#ask(mine, 'SELECT INBOX');
    this.#after(loginPatienceMs, () => this.#giveUp());
  }

  #sayLogin(mine: Visit, user: string, password: string): void {
    switch (this.#parts.habits.login) {
      case 'atoms':
        return this.#ask(mine, `LOGIN ${user} ${password}`);
      case 'quoted':
        return this.#ask(mine, `LOGIN "${user}" "${password}"`);
      case 'streamed':
        return this.#ask(mine, `LOGIN {${user.length}+}\r\n${user} {${password.length}+}\r\n${password}`);
      case 'literals':
        mine.invited.push(`${user} {${password.length}}\r\n`, `${password}\r\n`);
        return this.#ask(mine, `LOGIN {${user.length}}`);
      case 'plain':
        mine.invited.push(`${Buffer.from(`\0${user}\0${password}`).toString('base64')}\r\n`);
        return this.#ask(mine, 'AUTHENTICATE PLAIN');
    }
  }

  #hear(mine: Visit, text: string): void {
    mine.buffer += text;
    while (this.#visit === mine) {
      if (mine.literalLeft > 0) {
        const body = mine.buffer.slice(0, mine.literalLeft);
        if (!messageBody.startsWith(body)) return this.#cutOff(body);
        if (body.length < mine.literalLeft) return;
        mine.buffer = mine.buffer.slice(mine.literalLeft);
        mine.literalLeft = 0;
      }
      const end = mine.buffer.indexOf('\r\n');
      if (end < 0) return;
      const line = mine.buffer.slice(0, end);
      mine.buffer = mine.buffer.slice(end + 2);
      const literal = /\{(\d+)\}$/.exec(line);
      if (literal !== null) mine.literalLeft = Number(literal[1]);
      this.#onLine(mine, line);
    }
  }

  #onLine(mine: Visit, line: string): void {
    if (/^\* OK \[CAPABILITY .*ready$/.test(line)) return this.#onGreeting(mine);
    if (line.startsWith('+')) return this.#invited(mine);
    if (line.startsWith('* ') || line.endsWith(')')) return;
    const [tag = '', status = ''] = line.split(' ');
    const command = mine.asked.get(tag);
    if (command === undefined) return this.#strange(`an answer to nothing: ${line}`);
    mine.asked.delete(tag);
    if (status === 'OK') this.#onOk(mine, command, line);
    else this.#onRefused(mine, command, line);
  }

  #onGreeting(mine: Visit): void {
    mine.greetings++;
    this.#parts.onSeen({ is: mine.greetings > 1 ? 'greetedTwice' : 'greeted', client: this.name });
    if (this.#stage !== 'greeting') return;
    if (this.#parts.habits.isImplicit || mine.isTls) return this.#logIn(mine);
    this.#stage = 'tls';
    this.#ask(mine, 'STARTTLS');
  }

  #invited(mine: Visit): void {
    const next = mine.invited.shift();
    if (next !== undefined) mine.wire.send(next);
  }

  #onOk(mine: Visit, command: string, line: string): void {
    if (command === 'STARTTLS') return mine.wire.hello();
    if (command === 'LOGIN' || command === 'AUTHENTICATE') return this.#onLoggedIn(mine, line);
    if (command === 'SELECT') return this.#onSelected(mine, line);
    if (command === 'LOGOUT') return;
    if (this.#stage === 'online') this.#pauseOrAct(mine);
  }

  #onLoggedIn(mine: Visit, line: string): void {
    const [, user, server] = /(\S+) on (\S+)$/.exec(line) ?? [];
    if (user !== this.#parts.account.name) return this.#strange(`logged in as somebody else: ${line}`);
    if (mine.isWrong) return this.#strange(`a wrong password was taken: ${line}`);
    this.#parts.onSeen({ is: 'online', client: this.name, server: server ?? '', user });
    this.#stage = 'select';
    if (!this.#parts.habits.pipelines) this.#ask(mine, 'SELECT INBOX');
    this.#after(patienceMs, () => this.#giveUp());
  }

  #onSelected(mine: Visit, line: string): void {
    mine.served = / on (\S+)$/.exec(line)?.[1];
    this.#stage = 'online';
    this.#failures = 0;
    this.#pauseOrAct(mine);
  }

  #onRefused(mine: Visit, command: string, line: string): void {
    const isLogin = command === 'LOGIN' || command === 'AUTHENTICATE';
    if (isLogin && mine.isWrong) {
      // The user types it again, rightly; what was sent behind the wrong one is answered with BAD.
      mine.isWrong = false;
      return this.#after(50 + this.#parts.random.below(500), () => this.#logIn(mine));
    }
    if (isLogin) this.#parts.onSeen({ is: 'wronglyRefused', client: this.name, words: line });
    if (command === 'SELECT' && this.#stage !== 'select') return;
    // The store is away; a mail program tries again later.
    mine.wire.send('z LOGOUT\r\n');
    mine.asked.set('z', 'LOGOUT');
    this.#giveUp();
  }

  /** The life of a session: a pause, then a command or the end. */
  #pauseOrAct(mine: Visit): void {
    this.#after(this.#parts.habits.pauseMs * (0.5 + this.#parts.random.next()), () => {
      if (mine !== this.#visit || this.#stage !== 'online') return;
      if (!this.#isSettled && this.#parts.random.chance(this.#parts.habits.leavesShare))
        return this.#goAway(mine);
      this.#ask(mine, this.#parts.random.pick(['NOOP', 'SELECT INBOX', 'FETCH 1 BODY[]']));
      this.#timer = this.#parts.scheduler.after(patienceMs, () => this.#giveUp());
    });
  }

  #goAway(mine: Visit): void {
    if (this.#parts.random.chance(0.5)) this.#ask(mine, 'LOGOUT');
    this.#failures = 0;
    mine.wire.close();
    mine.wire.listener = undefined;
    this.#comeBack();
  }

  #cutOff(body: string): void {
    this.#parts.onSeen({ is: 'cutOff', client: this.name, words: `a literal reads ${body}` });
  }

  #strange(words: string): void {
    this.#parts.onSeen({ is: 'strange', client: this.name, words });
  }
}

/** A mail program's own patience: longer than a hold of the gateway's, shorter than a user's. */
const patienceMs = 20_000;
const loginPatienceMs = 30_000;
const patience = { firstMs: 200, maxMs: 4_000 };
