/**
 * One client's connection to a lab server's submission (RFC 6409): login, messages, the end. The dialogue is
 * smtp-server's; here is who may log in, which recipients there are, and where a message goes.
 *
 * There is no queue: the 250 to a message says that it is in each recipient's INBOX. Where one of several
 * could not be reached, the client gets 451 and sends again, to all.
 */
import type { Socket } from 'node:net';
import {
  type SMTPServerAuthentication,
  type SMTPServerDataStream,
  type SMTPServerOptions,
  type SMTPServerSession,
  SMTPServer,
} from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { MailHost, OpenAccount } from '#gateway/lab/account';
import type { Deliver } from '#gateway/lab/delivery/sender';
import { messageBytesMax } from '#gateway/lab/imap/limits';
import * as limits from './limits.ts';
import { traceFields } from './trace-fields.ts';

/** What submission needs of the server it runs in. */
export interface SubmissionHost extends MailHost {
  hasMailbox(address: string): boolean;
  /** To the active copy of the mailbox, here or elsewhere. */
  readonly send: Deliver;
  readonly now: () => number;
}

/** The function that serves a connection to its end. */
export function openSubmission(host: SubmissionHost): (socket: Socket) => void {
  const submission = new Submission(host);
  return (socket) => submission.attach(socket);
}

class Submission {
  readonly #host: SubmissionHost;
  readonly #server: SMTPServer;
  readonly #open = new Map<string, Session>();

  constructor(host: SubmissionHost) {
    this.#host = host;
    this.#server = new SMTPServer({
      ...options,
      name: `${host.name}.demo.test`,
      banner: `${host.name} ready`,
      onAuth: (auth, session, callback) => void settle(this.#login(auth, session), callback),
      onMailFrom: (_address, session, callback) => void settle(this.#checkServed(session), callback),
      onRcptTo: ({ address }, session, callback) =>
        void settle(this.#checkRecipient(address, session), callback),
      onData: (stream, session, callback) => void settle(this.#take(stream, session), callback),
      onClose: ({ id }) => {
        this.#open.get(id)?.close();
        this.#open.delete(id);
      },
    });
    // A client that breaks the connection is no event of ours.
    this.#server.on('error', () => undefined);
  }

  attach(socket: Socket): void {
    const connection = new SMTPConnection(this.#server, socket, {});
    // The library leaves the end to a socket that closes by itself, which ours, half open, does not.
    socket.setNoDelay(true).once('end', () => connection.close());
    this.#server.connections.add(connection);
    this.#open.set(connection.id, new Session(connection, this.#host.name));
    connection.on('error', () => undefined);
    connection.init();
  }

  async #login(auth: SMTPServerAuthentication, { id }: SMTPServerSession) {
    const [username, password] = [auth.username ?? '', auth.password ?? ''];
    const verdict = await this.#host.login(username, password);
    if (verdict.is === 'refused') throw new Refusal(535, 'no such mailbox or a wrong password');
    // RFC 4954 section 6: 454 is no word about the password.
    if (verdict.is === 'unavailable') throw new Refusal(454, verdict.why);
    this.#open.get(id)?.hold(verdict.account);
    return { user: verdict.account.user };
  }

  async #checkServed({ id }: SMTPServerSession): Promise<void> {
    const isServed = await this.#open.get(id)?.account?.ready();
    if (isServed !== true) throw new Refusal(421, `not served by ${this.#host.name} now`);
  }

  async #checkRecipient(address: string, { envelope }: SMTPServerSession): Promise<void> {
    if (!this.#host.hasMailbox(address)) throw new Refusal(550, 'there is no such mailbox');
    if (envelope.rcptTo.length >= limits.recipientsMax)
      throw new Refusal(452, `a message has ${limits.recipientsMax} recipients at most`);
  }

  async #take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const leave = this.#open.get(session.id)?.stayFor();
    try {
      const body = await bodyOf(stream);
      await this.#checkServed(session);
      if (body === undefined) throw new Refusal(552, `a message has ${messageBytesMax} bytes at most`);
      for (const { address } of session.envelope.rcptTo) await this.#deliver(address, body, session);
      return `${session.envelope.rcptTo.length} delivered`;
    } finally {
      // Behind the answer to the message.
      setImmediate(() => leave?.());
    }
  }

  async #deliver(recipient: string, body: Buffer, session: SMTPServerSession): Promise<void> {
    const { mailFrom } = session.envelope;
    const fields = traceFields({
      sender: mailFrom === false ? '' : mailFrom.address,
      recipient,
      clientName: String(session.hostNameAppearsAs),
      clientAddress: session.remoteAddress ?? '',
      server: `${this.#host.name}.demo.test`,
      id: session.id,
      now: this.#host.now(),
    });
    const isDelivered = await this.#host.send(recipient, Buffer.concat([Buffer.from(fields), body]));
    if (!isDelivered) throw new Refusal(451, `the active copy of ${recipient} is not reached now`);
  }
}

/** What is known of one connection beside smtp-server's own. */
class Session {
  account: OpenAccount | undefined;
  readonly #connection: SMTPConnection;
  readonly #timer: NodeJS.Timeout;
  #unwatch: () => void = () => undefined;
  /** A message is being taken. */
  #isTaking = false;
  /** The mailbox has moved away meanwhile: why. */
  #goneWhy: string | undefined;

  constructor(connection: SMTPConnection, serverName: string) {
    this.#connection = connection;
    const bye = () => this.#bye('no login for too long');
    this.#timer = setTimeout(bye, limits.preambleTimeoutMs).unref();
    const send = connection.send.bind(connection);
    // The text of the 235 is the library's own, and says nothing.
    connection.send = (code, data, kind) => {
      const isLogin = code === 235 && this.account !== undefined;
      send(code, isLogin ? `${this.account?.user} logged in on ${serverName}` : data, kind);
    };
  }

  hold(account: OpenAccount): void {
    this.close();
    this.account = account;
    this.#unwatch = account.onGone((why) => {
      this.#goneWhy = why;
      if (!this.#isTaking) this.#bye(why);
    });
  }

  /** No goodbye before the answer to a message, whose recipients may be elsewhere. Gives the way out. */
  stayFor(): () => void {
    this.#isTaking = true;
    return () => {
      this.#isTaking = false;
      if (this.#goneWhy !== undefined) this.#bye(this.#goneWhy);
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#unwatch();
  }

  /** RFC 3463 section 3.4: the system takes no messages now. */
  #bye(why: string): void {
    this.#connection.send(421, `4.3.2 ${why}`, false);
  }
}

/** What a client is told: a code, and words behind the enhanced code that belongs to it. */
class Refusal extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, words: string) {
    super(words);
    this.responseCode = responseCode;
  }
}

/** smtp-server asks by callback. */
async function settle<Answer>(
  promise: Promise<Answer>,
  callback: (error?: Error | null, answer?: Answer) => void,
): Promise<void> {
  let answer: Answer;
  try {
    answer = await promise;
  } catch (error) {
    callback(error instanceof Error ? error : new Refusal(451, 'a fault of the server'));
    return;
  }
  callback(null, answer);
}

/** Undefined when it is longer than it may be; the rest is read all the same, so that the answer is heard. */
async function bodyOf(stream: SMTPServerDataStream): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= messageBytesMax) chunks.push(chunk);
  }
  return size <= messageBytesMax ? Buffer.concat(chunks) : undefined;
}

/** Between the gateway and its servers on 127.0.0.1 there is no TLS, as for the lab's other protocols. */
const options: SMTPServerOptions = {
  logger: false,
  disableReverseLookup: true,
  hideSTARTTLS: true,
  disabledCommands: ['STARTTLS', 'XCLIENT', 'XFORWARD'],
  hideENHANCEDSTATUSCODES: false,
  authMethods: ['PLAIN', 'LOGIN'],
  allowInsecureAuth: true,
  size: messageBytesMax,
  socketTimeout: limits.idleTimeoutMs,
};
