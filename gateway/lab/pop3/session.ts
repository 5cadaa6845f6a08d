/**
 * One client's connection to a lab server's POP3: greeting, login, the maildrop, the end (RFC 1939). Refusals
 * carry the codes of RFC 2449 and RFC 3206.
 *
 * What is deleted goes into the store at QUIT, and from there to the passive copy as every change does.
 */
import type { Socket } from 'node:net';
import type { MailHost, OpenAccount } from '#gateway/lab/account';
import { withoutLineEnd } from '#gateway/lab/byte-reader';
import { ClientConnection } from '#gateway/lab/client-connection';
import { parsePlain } from '#gateway/lab/sasl';
import { type Command, parseCommand } from './command.ts';
import * as limits from './limits.ts';
import { type Entry, Maildrop } from './maildrop.ts';
import { multiLine, topOf, wireText } from './multi-line.ts';

/** Serves the connection to its end. Never rejects; the socket is closed when it settles. */
export async function runSession(socket: Socket, host: MailHost): Promise<void> {
  const session = new Session(socket, host);
  try {
    await session.run();
  } finally {
    session.close();
  }
}

/** What a session has from its login on. */
interface Opened {
  readonly account: OpenAccount;
  readonly maildrop: Maildrop;
}

class Session {
  readonly #connection: ClientConnection;
  readonly #host: MailHost;
  /** What USER said, until PASS. */
  #user: string | undefined;
  #opened: Opened | undefined;
  #unwatch: () => void = () => undefined;
  #badCommands = 0;

  constructor(socket: Socket, host: MailHost) {
    this.#connection = new ClientConnection(socket, () => this.#bye('no command for too long'));
    this.#host = host;
  }

  async run(): Promise<void> {
    this.#connection.limitSilence(limits.preambleTimeoutMs);
    this.#connection.line(`+OK ${this.#host.name} ready`);
    while (!this.#connection.isOver && this.#badCommands < limits.badCommandsMax) {
      const line = await this.#line();
      if (line === 'ended') return;
      if (line === 'tooLong') return this.#bye('the line is too long');
      await this.#take(line.text);
    }
    this.#bye('too many commands that are none');
  }

  close(): void {
    this.#unwatch();
    this.#connection.close();
  }

  async #line(): Promise<{ text: string } | 'ended' | 'tooLong'> {
    const line = await this.#connection.bytes.line(limits.lineBytesMax);
    return typeof line === 'string' ? line : { text: withoutLineEnd(line).toString('latin1') };
  }

  async #take(line: string): Promise<void> {
    const parsed = parseCommand(line);
    if (parsed.is === 'bad') return this.#refuse(parsed.why);
    if (this.#opened !== undefined && !(await this.#opened.account.ready()))
      return this.#bye(`not served by ${this.#host.name} now`);
    const { command } = parsed;
    if (command.name === 'QUIT') return this.#quit();
    const answer =
      this.#opened === undefined ? await this.#beforeLogin(command) : this.#afterLogin(this.#opened, command);
    if (this.#connection.isOver || answer === undefined) return;
    // In one piece: the goodbye of a mailbox that moves away never stands in the middle of it.
    await this.#connection.pieces([Buffer.from(`${answer}\r\n`, 'latin1')]);
  }

  /** Undefined where the answer has been given. */
  async #beforeLogin(command: Command): Promise<string | undefined> {
    switch (command.name) {
      case 'CAPA':
        return capabilities;
      case 'USER':
        this.#user = command.user;
        return '+OK and the password';
      case 'PASS':
        return this.#user === undefined ? '-ERR USER first' : this.#login(this.#user, command.password);
      case 'AUTH':
        return this.#authenticate(command.mechanism, command.initial);
      default:
        this.#refuse('log in first');
        return undefined;
    }
  }

  #afterLogin({ maildrop }: Opened, command: Command): string | undefined {
    this.#badCommands = 0;
    switch (command.name) {
      case 'CAPA':
        return capabilities;
      case 'NOOP':
        return '+OK';
      case 'STAT':
        return `+OK ${maildrop.entries().length} ${maildrop.size()}`;
      case 'LIST':
        return listed(maildrop, command.message, ({ size }) => String(size));
      case 'UIDL':
        return listed(maildrop, command.message, ({ uniqueId }) => uniqueId);
      case 'RSET':
        maildrop.unmarkAll();
        return `+OK ${maildrop.entries().length} messages`;
      case 'RETR':
      case 'TOP':
      case 'DELE':
        return this.#withMessage(maildrop, command);
      default:
        this.#refuse('logged in already');
        return undefined;
    }
  }

  #withMessage(
    maildrop: Maildrop,
    command: Extract<Command, { name: 'RETR' | 'TOP' | 'DELE' }>,
  ): string | undefined {
    const entry = maildrop.entry(command.message);
    if (entry === undefined) return noSuchMessage;
    switch (command.name) {
      case 'RETR':
        return `+OK ${entry.size} octets\r\n${multiLine(wireText(entry.bytes))}`;
      case 'TOP':
        return `+OK\r\n${multiLine(topOf(wireText(entry.bytes), command.lines))}`;
      case 'DELE':
        maildrop.mark(entry);
        return `+OK message ${entry.number} goes at QUIT`;
    }
  }

  async #login(user: string, password: string): Promise<string> {
    this.#user = undefined;
    const verdict = await this.#host.login(user, password);
    if (verdict.is === 'refused') {
      this.#badCommands += 1;
      return '-ERR [AUTH] no such mailbox or a wrong password';
    }
    if (verdict.is === 'unavailable') return `-ERR [SYS/TEMP] ${verdict.why}`;
    const { account } = verdict;
    const inbox = account.folder('INBOX');
    if (inbox === undefined) return '-ERR [SYS/PERM] there is no INBOX';
    this.#opened = { account, maildrop: new Maildrop(inbox) };
    this.#unwatch = account.onGone((why) => this.#bye(why));
    this.#badCommands = 0;
    this.#connection.limitSilence(limits.idleTimeoutMs);
    return `+OK ${account.user} logged in on ${this.#host.name}`;
  }

  /** RFC 5034. */
  async #authenticate(mechanism: string, initial: string | undefined): Promise<string> {
    if (mechanism === '') return '+OK\r\nPLAIN\r\n.';
    if (mechanism !== 'PLAIN') return '-ERR no such mechanism';
    const response = initial ?? (await this.#saslResponse());
    if (response === undefined || response === '*') return '-ERR AUTH given up';
    const plain = parsePlain(response === '=' ? '' : response);
    if (plain.is === 'bad') return '-ERR that is no PLAIN response';
    if (plain.is === 'actsForAnother') return '-ERR [AUTH] nobody acts for another here';
    return this.#login(plain.user, plain.password);
  }

  async #saslResponse(): Promise<string | undefined> {
    this.#connection.line('+ ');
    const line = await this.#line();
    if (typeof line !== 'string') return line.text;
    this.#connection.isOver = true;
    return undefined;
  }

  /** RFC 1939 section 6: marked messages go now, and only now. */
  async #quit(): Promise<void> {
    const goodbye = `+OK ${this.#host.name} says goodbye`;
    const isDone = this.#opened === undefined || (await expunge(this.#opened));
    this.#connection.line(isDone ? goodbye : '-ERR [SYS/TEMP] deleted messages are not removed');
    this.#connection.isOver = true;
  }

  #refuse(why: string): void {
    this.#badCommands += 1;
    this.#connection.line(`-ERR ${why}`);
  }

  #bye(why: string): void {
    this.#unwatch();
    this.#connection.bye(`-ERR [SYS/TEMP] ${why}`);
  }
}

/** Messages that others have removed meanwhile are gone already. False: nothing is done. */
async function expunge({ account, maildrop }: Opened): Promise<boolean> {
  const marked = new Set(maildrop.markedUids());
  const uids = account.folder('INBOX')?.messages.flatMap(({ uid }) => (marked.has(uid) ? [uid] : [])) ?? [];
  if (uids.length === 0) return true;
  return account.commit([{ kind: 'expunge', user: account.user, folder: 'INBOX', uids }]);
}

function listed(maildrop: Maildrop, number: number | undefined, shown: (entry: Entry) => string): string {
  const row = (entry: Entry) => `${entry.number} ${shown(entry)}`;
  if (number === undefined) {
    const entries = maildrop.entries();
    return [`+OK ${entries.length} messages`, ...entries.map(row), '.'].join('\r\n');
  }
  const entry = maildrop.entry(number);
  return entry === undefined ? noSuchMessage : `+OK ${row(entry)}`;
}

const noSuchMessage = '-ERR no such message';

const capabilities = [
  '+OK what this server can',
  'TOP',
  'UIDL',
  'USER',
  'SASL PLAIN',
  'RESP-CODES',
  'AUTH-RESP-CODE',
  'PIPELINING',
  'IMPLEMENTATION Postern-lab',
  '.',
].join('\r\n');
