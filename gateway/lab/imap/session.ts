/**
 * One client's connection to a lab server: greeting, login, a selected folder, the end (RFC 3501 section
 * 3).
 *
 * Reads a command, has it carried out (folder-commands.ts, message-commands.ts), tells what else changed,
 * answers. Where the mail is and whether it is served here is the host's matter (account.ts).
 */
import type { Socket } from 'node:net';
import type { MailHost, OpenAccount } from '#gateway/lab/account';
import { ClientConnection } from '#gateway/lab/client-connection';
import { CommandReader, type ReadLimits } from '#gateway/lab/command-reader';
import { parsePlain } from '#gateway/lab/sasl';
import type { Command } from './command.ts';
import { append, create, list, noSuchFolder, remove, rename, status, subscribe } from './folder-commands.ts';
import { parseCommand } from './grammar.ts';
import * as limits from './limits.ts';
import { copy, expunge, fetch, search, store } from './message-commands.ts';
import { bad, capabilities, no, ok } from './replies.ts';
import { FolderView } from './view.ts';
import { string } from './words.ts';

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
  #view: FolderView | undefined;
  #unwatch: () => void = () => undefined;
  #badCommands = 0;

  constructor(socket: Socket, host: MailHost) {
    this.#connection = new ClientConnection(socket, () => this.#bye('no command for too long'));
    this.#host = host;
    this.#reader = new CommandReader(this.#connection.bytes, () => this.#line('+ go on'));
  }

  async run(): Promise<void> {
    this.#connection.limitSilence(limits.preambleTimeoutMs);
    this.#line(`* OK [CAPABILITY ${capabilities}] ${this.#host.name} ready`);
    while (!this.#connection.isOver && this.#badCommands < limits.badCommandsMax) {
      const reading = await this.#reader.read(this.#readLimits());
      if (reading.is === 'ended') return;
      if (reading.is === 'command') await this.#take(reading.bytes);
      else if (reading.is === 'literalRefused')
        this.#line(`${reading.tag} ${no('the literal is too long', 'TOOBIG')}`);
      else return this.#bye('the command is too long');
    }
    if (!this.#connection.isOver) this.#bye('too many commands that are none');
  }

  close(): void {
    this.#unwatch();
    this.#connection.close();
  }

  async #take(bytes: Buffer): Promise<void> {
    const parsed = parseCommand(bytes);
    if (parsed.is === 'bad') {
      this.#badCommands += 1;
      return this.#line(`${parsed.tag} ${bad(parsed.why)}`);
    }
    this.#badCommands = 0;
    if (this.#account !== undefined && !(await this.#account.ready()))
      return this.#bye(`not served by ${this.#host.name} now`);
    const answer = await this.#answer(parsed.tag, parsed.command);
    if (this.#connection.isOver && parsed.command.name !== 'LOGOUT') return;
    this.#tellChanges(mayExpungeAfter(parsed.command));
    this.#line(`${parsed.tag} ${answer}`);
  }

  /** The tagged answer. A fault of ours ends the command, not the server. */
  async #answer(tag: string, command: Command): Promise<string> {
    try {
      const anyState = await this.#inAnyState(tag, command);
      if (anyState !== undefined) return anyState;
      if (this.#account === undefined) return bad('log in first');
      return (
        (await this.#withAccount(this.#account, command)) ?? (await this.#withFolder(this.#account, command))
      );
    } catch (error) {
      return no(`a fault of the server: ${error instanceof Error ? error.message : 'unknown'}`, 'SERVERBUG');
    }
  }

  async #inAnyState(tag: string, command: Command): Promise<string | undefined> {
    switch (command.name) {
      case 'CAPABILITY':
        this.#line(`* CAPABILITY ${capabilities}`);
        return ok('CAPABILITY completed');
      case 'NOOP':
        return ok('NOOP completed');
      case 'ID':
        this.#line(`* ID ("name" "Postern lab" "server" ${string(this.#host.name)})`);
        return ok('ID completed');
      case 'LOGOUT':
        this.#line('* BYE see you');
        this.#connection.isOver = true;
        return ok('LOGOUT completed');
      case 'LOGIN':
        return this.#login(command.user, command.password);
      case 'AUTHENTICATE':
        return this.#authenticate(tag, command.mechanism, command.initial);
      default:
        return undefined;
    }
  }

  async #withAccount(account: OpenAccount, command: Command): Promise<string | undefined> {
    const write = (line: string) => this.#line(line);
    switch (command.name) {
      case 'NAMESPACE':
        this.#line('* NAMESPACE (("" "/")) NIL NIL');
        return ok('NAMESPACE completed');
      case 'LIST':
      case 'LSUB':
        return list(account, write, command);
      case 'STATUS':
        return status(account, write, command.folder, command.items);
      case 'SELECT':
      case 'EXAMINE':
        return this.#select(account, command.folder, command.name === 'EXAMINE');
      case 'CREATE':
        return create(account, command.folder);
      case 'DELETE':
        return remove(account, command.folder);
      case 'RENAME':
        return rename(account, command.folder, command.to);
      case 'SUBSCRIBE':
      case 'UNSUBSCRIBE':
        return subscribe(account, command.folder, command.name === 'SUBSCRIBE');
      case 'APPEND':
        return append(account, command);
      case 'IDLE':
        return this.#idle(account);
      default:
        return undefined;
    }
  }

  async #withFolder(account: OpenAccount, command: Command): Promise<string> {
    const view = this.#view;
    if (view === undefined) return bad('select a folder first');
    const folder = account.folder(view.name);
    if (folder?.uidValidity !== view.uidValidity) return no('the folder is gone', 'NONEXISTENT');
    const selected = {
      account,
      view,
      // What a command finds after a wait is the folder as it is then.
      get folder() {
        return account.folder(view.name) ?? folder;
      },
      write: (pieces: readonly Buffer[]) => this.#connection.pieces(pieces),
    };
    switch (command.name) {
      case 'FETCH':
        return fetch(selected, command);
      case 'STORE':
        return store(selected, command);
      case 'COPY':
      case 'MOVE':
        return copy(selected, command);
      case 'SEARCH':
        return search(selected, command);
      case 'EXPUNGE':
        return expunge(selected);
      case 'UID EXPUNGE':
        return expunge(selected, command.set);
      case 'CHECK':
        return ok('CHECK completed');
      case 'CLOSE':
        // RFC 3501 section 6.4.2: messages go without being named.
        if (!view.isReadOnly) await expunge(selected);
        this.#view = undefined;
        return ok('CLOSE completed');
      case 'UNSELECT':
        this.#view = undefined;
        return ok('UNSELECT completed');
      default:
        return bad('not now');
    }
  }

  async #login(user: string, password: string): Promise<string> {
    if (this.#account !== undefined) return bad('logged in already');
    const verdict = await this.#host.login(user, password);
    if (verdict.is === 'refused') {
      this.#badCommands += 1;
      return no('no such mailbox or a wrong password', 'AUTHENTICATIONFAILED');
    }
    if (verdict.is === 'unavailable') return no(verdict.why, 'UNAVAILABLE');
    this.#account = verdict.account;
    this.#unwatch = verdict.account.onGone((why) => this.#bye(why));
    this.#connection.limitSilence(limits.idleTimeoutMs);
    return ok(`${verdict.account.user} logged in on ${this.#host.name}`, `CAPABILITY ${capabilities}`);
  }

  async #authenticate(tag: string, mechanism: string, initial: string | undefined): Promise<string> {
    if (this.#account !== undefined) return bad('logged in already');
    if (mechanism !== 'PLAIN') return no('no such mechanism', 'CANNOT');
    let response = initial;
    if (response === undefined) {
      this.#line('+ ');
      const reading = await this.#reader.read(this.#readLimits());
      if (reading.is !== 'command') return this.#unreadable(reading.is === 'ended' ? '*' : tag);
      response = reading.bytes.toString('latin1');
      if (response === '*') return bad('AUTHENTICATE given up');
    }
    const plain = parsePlain(response);
    if (plain.is === 'bad') return bad('that is no PLAIN response');
    if (plain.is === 'actsForAnother') return no('nobody acts for another here', 'AUTHORIZATIONFAILED');
    return this.#login(plain.user, plain.password);
  }

  #select(account: OpenAccount, name: string, isReadOnly: boolean): string {
    this.#view = undefined;
    const folder = account.folder(name);
    if (folder === undefined) return noSuchFolder();
    const view = new FolderView(folder, isReadOnly);
    view.markRecent(account.recentFrom(name, !isReadOnly));
    this.#view = view;
    const keywords = new Set(
      folder.messages.flatMap(({ flags }) => [...flags].filter((flag) => !flag.startsWith('\\'))),
    );
    const flags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft', ...keywords].join(' ');
    this.#line(`* FLAGS (${flags})`);
    this.#line(`* OK [PERMANENTFLAGS (${isReadOnly ? '' : `${flags} \\*`})] flags that stay`);
    this.#line(`* ${view.count} EXISTS`);
    this.#line(`* ${view.recentCount} RECENT`);
    const unseen = view.firstUnseen();
    if (unseen !== undefined) this.#line(`* OK [UNSEEN ${unseen}] first unread`);
    this.#line(`* OK [UIDVALIDITY ${folder.uidValidity}] UIDs are valid`);
    this.#line(`* OK [UIDNEXT ${folder.uidNext}] the next UID`);
    return isReadOnly ? ok('EXAMINE completed', 'READ-ONLY') : ok('SELECT completed', 'READ-WRITE');
  }

  /** RFC 2177: changes are told as they come, until DONE. */
  async #idle(account: OpenAccount): Promise<string> {
    this.#tellChanges(true);
    this.#line('+ idling');
    const unwatch = account.onChange(() => this.#tellChanges(true));
    try {
      const reading = await this.#reader.read(this.#readLimits());
      if (reading.is !== 'command') return this.#unreadable('*');
      const isDone = reading.bytes.toString('latin1').toUpperCase() === 'DONE';
      return isDone ? ok('IDLE completed') : bad('expected DONE');
    } finally {
      unwatch();
    }
  }

  #unreadable(tag: string): string {
    if (tag === '*') this.#connection.isOver = true;
    return bad('that can not be read');
  }

  #tellChanges(mayExpunge: boolean): void {
    const folder = this.#view === undefined ? undefined : this.#account?.folder(this.#view.name);
    if (this.#view === undefined || folder === undefined || folder.uidValidity !== this.#view.uidValidity)
      return;
    const recentFrom = this.#account?.recentFrom(folder.name, !this.#view.isReadOnly) ?? folder.uidNext;
    for (const line of this.#view.update(folder, { mayExpunge, recentFrom })) this.#line(line);
  }

  #readLimits(): ReadLimits {
    const { lineBytesMax, loginLiteralBytesMax, messageBytesMax, commandBytesMax } = limits;
    if (this.#account !== undefined)
      return { lineBytesMax, literalBytesMax: messageBytesMax, commandBytesMax };
    const bytesMax = lineBytesMax + 2 * loginLiteralBytesMax;
    return { lineBytesMax, literalBytesMax: loginLiteralBytesMax, commandBytesMax: bytesMax };
  }

  #bye(why: string): void {
    this.#unwatch();
    this.#connection.bye(`* BYE [UNAVAILABLE] ${why}`);
  }

  #line(text: string): void {
    this.#connection.line(text);
  }
}

/** RFC 3501 section 7.4.1: while these are answered, message numbers must not shift. */
function mayExpungeAfter(command: Command): boolean {
  const isFixed = command.name === 'FETCH' || command.name === 'STORE' || command.name === 'SEARCH';
  return !(isFixed && !command.isUid);
}
