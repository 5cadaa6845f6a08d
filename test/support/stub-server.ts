/**
 * A scripted IMAP server: polite by default, or as rude as a test's own script makes it.
 *
 * It remembers what it was told. It is no mail server: there is one mailbox and no mail in it.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Issued } from './certificates.ts';
import { type RawConnection, rawConnectionOf } from './raw-connection.ts';

export interface StubSetup {
  readonly name: string;
  /** Given: TLS from the first byte with this certificate. Else plain TCP. */
  readonly certificate?: Issued;
  readonly port?: number;
  /** What one connection is told; `politeTalk` unless given. */
  readonly talk?: (connection: RawConnection, stub: StubServer) => Promise<void>;
}

export interface StubServer {
  readonly name: string;
  readonly port: number;
  /**
   * The logins that were tried and by what password, in order. Probes are not among them: they don't log in.
   */
  readonly logins: StubLogin[];
  /** Every line of every client, in order, literals in their place. */
  readonly heard: string[];
  openConnections(): number;
  /** To every client there is. */
  sayToAll(words: string): void;
  /** From now on new connections are told this. */
  setTalk(talk: (connection: RawConnection, stub: StubServer) => Promise<void>): void;
  /** Ends what is open, by resets as a dead machine's kernel would, and stops listening. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

export interface StubLogin {
  readonly user: string;
  readonly password: string;
  readonly clientPort: number;
}

export const stubCapabilities = 'IMAP4rev1 LITERAL+ SASL-IR ID IDLE AUTH=PLAIN';

/** Starts one on a free port of 127.0.0.1. */
export async function startStubServer(setup: StubSetup): Promise<StubServer> {
  const sockets = new Set<Socket>();
  const beneath = new Set<Socket>();
  let talk = setup.talk ?? politeTalk;
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
    const connection = rawConnectionOf(socket);
    talk(connection, stub).catch(() => connection.destroy());
  };
  const server = listenerOf(setup, onSocket);
  // Below TLS there is the TCP socket: only that one can be reset.
  server.on('connection', (socket: Socket) =>
    beneath.add(socket.once('close', () => beneath.delete(socket))),
  );
  server.listen(setup.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const stub: StubServer = {
    name: setup.name,
    port: (server.address() as AddressInfo).port,
    logins: [],
    heard: [],
    openConnections: () => sockets.size,
    sayToAll: (words) => sockets.forEach((socket) => socket.write(words)),
    setTalk: (next) => void (talk = next),
    crash: () => closeAll(server, beneath, (socket) => socket.resetAndDestroy()),
    close: () => closeAll(server, sockets, (socket) => socket.end()),
  };
  return stub;
}

/** A plain, well-behaved IMAP session: greeting, commands, BYE. */
export async function politeTalk(connection: RawConnection, stub: StubServer): Promise<void> {
  connection.send(`* OK [CAPABILITY ${stubCapabilities}] ${stub.name} ready\r\n`);
  for (;;) {
    const words = await readCommand(connection, stub);
    if (words === undefined) return;
    const [tag = '*', verb = ''] = words;
    if (verb.toUpperCase() === 'LOGOUT') {
      connection.send(`* BYE ${stub.name} says goodbye\r\n${tag} OK LOGOUT\r\n`);
      connection.finish();
      return;
    }
    await answer(connection, stub, words);
  }
}

/** One command as its words: quotes and literals taken off. Undefined at the end of the stream. */
export async function readCommand(
  connection: RawConnection,
  stub: StubServer,
): Promise<string[] | undefined> {
  const words: string[] = [];
  for (;;) {
    const line = await connection.line(600_000).catch(() => undefined);
    if (line === undefined) return undefined;
    stub.heard.push(line);
    const literal = /\{(\d+)(\+?)\}$/.exec(line);
    words.push(...wordsOf(literal ? line.slice(0, literal.index) : line));
    if (!literal) return words;
    if (literal[2] === '') connection.send('+ go on\r\n');
    const text = (await connection.bytes(Number(literal[1]))).toString('latin1');
    stub.heard.push(text);
    words.push(text);
  }
}

async function answer(
  connection: RawConnection,
  stub: StubServer,
  [tag, verb = '', ...rest]: string[],
): Promise<void> {
  const say = (text: string) => connection.send(text);
  switch (verb.toUpperCase()) {
    case 'LOGIN':
      return judge(connection, stub, { tag, user: rest[0] ?? '', password: rest[1] ?? '' });
    case 'AUTHENTICATE':
      return authenticate(connection, stub, { tag, initial: rest[1] });
    case 'CAPABILITY':
      return say(`* CAPABILITY ${stubCapabilities}\r\n${tag} OK CAPABILITY\r\n`);
    case 'ID':
      return say(`* ID ("name" "${stub.name}")\r\n${tag} OK ID\r\n`);
    case 'SELECT':
    case 'EXAMINE':
      return say(`* FLAGS ()\r\n* 0 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n${tag} OK [READ-WRITE] ${verb}\r\n`);
    case 'IDLE':
      say('+ idling\r\n');
      await connection.line(600_000);
      return say(`${tag} OK IDLE\r\n`);
    case 'NOOP':
      return say(`${tag} OK NOOP at ${stub.name}\r\n`);
    default:
      return say(`${tag} BAD ${stub.name} does not know ${verb}\r\n`);
  }
}

async function authenticate(
  connection: RawConnection,
  stub: StubServer,
  { tag, initial }: { tag: string | undefined; initial: string | undefined },
): Promise<void> {
  if (initial === undefined) connection.send('+ \r\n');
  const response = initial ?? (await connection.line());
  const [, user = '', password = ''] = Buffer.from(response, 'base64').toString('latin1').split('\0');
  judge(connection, stub, { tag, user, password });
}

/** Every password is right but "wrong". */
function judge(
  connection: RawConnection,
  stub: StubServer,
  { tag, user, password }: { tag: string | undefined; user: string; password: string },
): void {
  stub.logins.push({ user, password, clientPort: connection.remotePort });
  const isRight = password !== 'wrong';
  const text = isRight
    ? `OK [CAPABILITY ${stubCapabilities} UIDPLUS] ${stub.name} logged in`
    : 'NO [AUTHENTICATIONFAILED] no';
  connection.send(`${tag} ${text}\r\n`);
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, atom]) => quoted?.replace(/\\(.)/g, '$1') ?? atom ?? '',
  );
}

function listenerOf({ certificate }: StubSetup, onSocket: (socket: Socket) => void): Server {
  if (certificate === undefined) return createTcpServer({ noDelay: true, allowHalfOpen: true }, onSocket);
  const [cert, key] = [readFileSync(certificate.certificatePath), readFileSync(certificate.keyPath)];
  return createTlsServer({ cert, key, noDelay: true }, onSocket).on('tlsClientError', () => undefined);
}

async function closeAll(
  server: Server,
  sockets: ReadonlySet<Socket>,
  end: (socket: Socket) => void,
): Promise<void> {
  for (const socket of sockets) end(socket);
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
}
