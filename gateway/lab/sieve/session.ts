/**
 * One client's connection to a lab server's ManageSieve: capabilities, login, scripts, the end (RFC 5804).
 *
 * What the commands do with scripts is scripts.ts.
 */
import type { Socket } from 'node:net';
import type { MailHost, OpenAccount } from '#gateway/lab/account';
import { ClientConnection } from '#gateway/lab/client-connection';
import { CommandReader, type ReadLimits } from '#gateway/lab/command-reader';
import { parsePlain } from '#gateway/lab/sasl';
import type { Command } from './command.ts';
import { parseCommand, parseString } from './grammar.ts';
import * as limits from './limits.ts';
import {
  checkText,
  deleteScript,
  getScript,
  haveSpace,
  listScripts,
  putScript,
  renameScript,
  setActive,
} from './scripts.ts';
import { no, ok, string } from './words.ts';

/** Serves the connection to its end. Never rejects; the socket is closed when it settles. */
export async function runSession(socket: Socket, host: MailHost): Promise<void> {
  const session = new Session(socket, host);
  try {
    await session.run();
  } finally {
    session.close();
  }
}

class Session {
  readonly #connection: ClientConnection;
  readonly #host: MailHost;
  readonly #reader: CommandReader;
  #account: OpenAccount | undefined;
  #unwatch: () => void = () => undefined;
  #badCommands = 0;

  constructor(socket: Socket, host: MailHost) {
    this.#connection = new ClientConnection(socket, () => this.#bye('no command for too long'));
    this.#host = host;
    // RFC 5804 section 4: a client's literal waits for no invitation.
    this.#reader = new CommandReader(this.#connection.bytes, () => undefined);
  }

  async run(): Promise<void> {
    this.#connection.limitSilence(limits.preambleTimeoutMs);
    await this.#say(`${capabilities}\r\n${ok(`${this.#host.name} ready`)}`);
    while (!this.#connection.isOver && this.#badCommands < limits.badCommandsMax) {
      const reading = await this.#reader.read(this.#readLimits());
      if (reading.is === 'ended') return;
      if (reading.is !== 'command') return this.#bye('the command is too long');
      await this.#take(reading.bytes);
    }
    this.#bye('too many commands that are none');
  }

  close(): void {
    this.#unwatch();
    this.#connection.close();
  }

  async #take(bytes: Buffer): Promise<void> {
    const parsed = parseCommand(bytes);
    if (parsed.is === 'bad') {
      this.#badCommands += 1;
      return this.#say(no(parsed.why));
    }
    if (this.#account !== undefined && !(await this.#account.ready()))
      return this.#bye(`not served by ${this.#host.name} now`);
    const answer = await this.#answer(parsed.command);
    if (this.#connection.isOver) return;
    await this.#say(answer);
    if (parsed.command.name === 'LOGOUT') this.#connection.isOver = true;
  }

  async #answer(command: Command): Promise<string> {
    switch (command.name) {
      case 'CAPABILITY':
        return `${capabilities}\r\n${ok('CAPABILITY completed')}`;
      case 'NOOP':
        return command.tag === undefined ? ok('done') : ok('done', `TAG ${string(command.tag)}`);
      case 'LOGOUT':
        return ok(`${this.#host.name} says goodbye`);
      case 'STARTTLS':
        return no('there is no TLS here');
      case 'AUTHENTICATE':
        return this.#authenticate(command.mechanism, command.initial);
      default:
        return this.#account === undefined ? this.#outOfPlace() : withAccount(this.#account, command);
    }
  }

  #outOfPlace(): string {
    this.#badCommands += 1;
    return no('log in first');
  }

  async #authenticate(mechanism: string, initial: string | undefined): Promise<string> {
    if (this.#account !== undefined) return no('logged in already');
    if (mechanism !== 'PLAIN') return no('no such mechanism');
    const response = initial ?? (await this.#saslResponse());
    if (response === undefined || response === '*') return no('AUTHENTICATE given up');
    const plain = parsePlain(response);
    if (plain.is === 'bad') return no('that is no PLAIN response');
    if (plain.is === 'actsForAnother') return no('nobody acts for another here');
    return this.#login(plain.user, plain.password);
  }

  /** RFC 5804 section 2.1: an empty challenge, and a string on a line of its own. */
  async #saslResponse(): Promise<string | undefined> {
    await this.#say('""');
    const reading = await this.#reader.read(this.#readLimits());
    if (reading.is === 'command') return parseString(reading.bytes) ?? '*';
    this.#connection.isOver = true;
    return undefined;
  }

  async #login(user: string, password: string): Promise<string> {
    const verdict = await this.#host.login(user, password);
    if (verdict.is === 'refused') {
      this.#badCommands += 1;
      return no('no such mailbox or a wrong password');
    }
    if (verdict.is === 'unavailable') return no(verdict.why, 'TRYLATER');
    this.#account = verdict.account;
    this.#badCommands = 0;
    this.#unwatch = verdict.account.onGone((why) => this.#bye(why));
    this.#connection.limitSilence(limits.idleTimeoutMs);
    return ok(`${verdict.account.user} logged in on ${this.#host.name}`);
  }

  #readLimits(): ReadLimits {
    const { lineBytesMax, loginLiteralBytesMax, literalBytesMax, commandBytesMax } = limits;
    if (this.#account !== undefined) return { lineBytesMax, literalBytesMax, commandBytesMax };
    const bytesMax = lineBytesMax + 2 * loginLiteralBytesMax;
    return { lineBytesMax, literalBytesMax: loginLiteralBytesMax, commandBytesMax: bytesMax };
  }

  /** In one piece: the goodbye of a mailbox that moves away never stands in the middle of it. */
  async #say(text: string): Promise<void> {
    await this.#connection.pieces([Buffer.from(`${text}\r\n`, 'utf8')]);
  }

  #bye(why: string): void {
    this.#unwatch();
    this.#connection.bye(`BYE (TRYLATER) ${string(why)}`);
  }
}

type ScriptCommand = Exclude<
  Command,
  { name: 'CAPABILITY' | 'NOOP' | 'LOGOUT' | 'STARTTLS' | 'AUTHENTICATE' }
>;

async function withAccount(account: OpenAccount, command: ScriptCommand): Promise<string> {
  switch (command.name) {
    case 'LISTSCRIPTS':
      return listScripts(account);
    case 'GETSCRIPT':
      return getScript(account, command.script);
    case 'PUTSCRIPT':
      return putScript(account, command.script, command.text);
    case 'CHECKSCRIPT':
      return checkText(command.text);
    case 'HAVESPACE':
      return haveSpace(account, command.script, command.size);
    case 'SETACTIVE':
      return setActive(account, command.script);
    case 'DELETESCRIPT':
      return deleteScript(account, command.script);
    case 'RENAMESCRIPT':
      return renameScript(account, command.script, command.to);
  }
}

/** No extension is claimed: nothing runs scripts. */
const capabilities = [
  '"IMPLEMENTATION" "Postern lab"',
  '"SASL" "PLAIN"',
  '"SIEVE" ""',
  '"VERSION" "1.0"',
].join('\r\n');
