/**
 * A connection that says exactly the bytes it is told, over TCP or TLS: for what no well-behaved client or
 * server would send. Tests hold the client's end; stub-server.ts holds the other.
 *
 * It knows lines and nothing of IMAP. Everything received is kept until it is taken.
 */
import { once } from 'node:events';
import { type Socket, connect as connectTcp } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type ConnectionOptions, type TLSSocket, connect as connectTls } from 'node:tls';
import { within } from './eventually.ts';

export interface RawAddress {
  readonly host?: string;
  readonly port: number;
  /** The client's own address: any of 127.0.0.0/8. */
  readonly localAddress?: string;
  /** Given: TLS from the first byte. Certificates are checked against `ca` where that is given. */
  readonly tls?: ConnectionOptions;
}

export interface RawConnection {
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The TLS layer, where there is one: for its protocol, its ALPN. */
  tls(): TLSSocket | undefined;
  /** Strings are written as latin-1, one byte a character. */
  send(data: string | Uint8Array): void;
  /** Sends in pieces of that many bytes, each a segment of its own. */
  sendSliced(data: string, bytes: number): Promise<void>;
  /** The next line without its CRLF. Rejects at the end of the stream, or when none comes in time. */
  line(withinMs?: number): Promise<string>;
  /** Lines up to the first that the expression fits, that one included. */
  linesUntil(last: RegExp, withinMs?: number): Promise<string[]>;
  /** Exactly so many bytes. */
  bytes(count: number, withinMs?: number): Promise<Buffer>;
  /** All that comes until the other side closes. Resolves on a reset too. */
  rest(withinMs?: number): Promise<string>;
  isOpen(): boolean;
  /** Does the TLS handshake on the open connection. */
  startTls(options: ConnectionOptions): Promise<void>;
  /** Resolves when all that was sent is with the kernel. */
  flushed(): Promise<void>;
  /** Takes nothing from the kernel any more, until `resume`. */
  pause(): void;
  resume(): void;
  /** Half-closes: the other side sees the end, and may go on sending. */
  finish(): void;
  destroy(): void;
}

const usualMs = 10_000;

/** Connects; where `tls` is given, the handshake is done. */
export async function connectRaw(address: RawAddress): Promise<RawConnection> {
  const { host = '127.0.0.1', port, localAddress, tls } = address;
  const socket = connectTcp({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
  socket.setNoDelay(true);
  await within(usualMs, `a connection to ${host}:${port}`, once(socket, 'connect'));
  const client = new LineConnection(socket);
  if (tls !== undefined) await client.startTls(tls);
  return client;
}

/** The same for a connection that a server has accepted. */
export function rawConnectionOf(socket: Socket): RawConnection {
  return new LineConnection(socket);
}

/** The same connection with another way to send, for a script that speaks through it. */
export function sendingBy(connection: RawConnection, send: (data: string) => void): RawConnection {
  const fieldOf = (of: RawConnection, name: string | symbol): unknown => {
    if (name === 'send') return send;
    const field: unknown = Reflect.get(of, name);
    return typeof field === 'function' ? (field.bind(of) as unknown) : field;
  };
  return new Proxy(connection, { get: fieldOf });
}

class LineConnection implements RawConnection {
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  private plain: Socket;
  private secured: TLSSocket | undefined;
  private chunks: Buffer[] = [];
  private isEnded = false;
  private written: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private readonly onData = (chunk: Buffer) => {
    this.chunks.push(chunk);
    this.wake();
  };
  private readonly onEnd = () => {
    this.isEnded = true;
    this.wake();
  };

  constructor(socket: Socket) {
    this.plain = socket;
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    this.listen(socket);
  }

  tls(): TLSSocket | undefined {
    return this.secured;
  }

  send(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    this.written = new Promise((resolve) => this.socket().write(bytes, () => resolve()));
  }

  async sendSliced(data: string, bytes: number): Promise<void> {
    for (let from = 0; from < data.length; from += bytes) {
      this.send(data.slice(from, from + bytes));
      // One turn of the loop lets the kernel send the segment by itself: Nagle is off.
      await pause(0);
    }
  }

  async line(withinMs = usualMs): Promise<string> {
    const end = await this.until('a line', withinMs, () => this.received().indexOf('\n'));
    const text = this.take(end + 1).toString('latin1');
    return text.replace(/\r?\n$/, '');
  }

  async linesUntil(last: RegExp, withinMs = usualMs): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line(withinMs).catch((error: Error) => {
        throw new Error(`${error.message}; waiting for ${last} after ${JSON.stringify(lines.slice(-5))}`);
      });
      lines.push(line);
      if (last.test(line)) return lines;
    }
  }

  async bytes(count: number, withinMs = usualMs): Promise<Buffer> {
    await this.until(`${count} bytes`, withinMs, () => (this.count() >= count ? 0 : -1));
    return this.take(count);
  }

  async rest(withinMs = usualMs): Promise<string> {
    await this.until('the end of the stream', withinMs, () => (this.isEnded ? 0 : -1));
    return this.take(this.count()).toString('latin1');
  }

  isOpen(): boolean {
    return !this.isEnded;
  }

  async startTls(options: ConnectionOptions): Promise<void> {
    this.plain.off('data', this.onData);
    const secured = connectTls({
      rejectUnauthorized: options.ca !== undefined,
      ...options,
      socket: this.plain,
    });
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve).once('error', reject);
      secured.once('close', () => reject(new Error('closed during the TLS handshake')));
    });
    this.secured = secured;
    this.listen(secured);
  }

  async flushed(): Promise<void> {
    await this.written;
  }

  pause(): void {
    this.socket().pause();
  }

  resume(): void {
    this.socket().resume();
  }

  finish(): void {
    this.socket().end();
  }

  destroy(): void {
    this.socket().destroy();
    this.plain.destroy();
  }

  private socket(): Socket {
    return this.secured ?? this.plain;
  }

  private listen(socket: Socket): void {
    socket.on('data', this.onData).on('end', this.onEnd).on('close', this.onEnd).on('error', this.onEnd);
  }

  /** In one piece: joined only when somebody looks, since a body of 20 MiB comes in thousands of chunks. */
  private received(): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] ?? Buffer.alloc(0);
  }

  private count(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  private take(count: number): Buffer {
    const received = this.received();
    this.chunks = count < received.length ? [received.subarray(count)] : [];
    return received.subarray(0, count);
  }

  private async until(what: string, withinMs: number, find: () => number): Promise<number> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = find();
      if (found >= 0) return found;
      if (this.isEnded) throw new Error(`closed while waiting for ${what}${this.leftOver()}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`not within ${withinMs} ms: ${what}`);
      await this.nextEvent(left);
    }
  }

  private leftOver(): string {
    const text = this.received().toString('latin1', 0, 200);
    return text === '' ? '' : `; received ${JSON.stringify(text)}`;
  }

  private async nextEvent(withinMs: number): Promise<void> {
    const cancel = new AbortController();
    const event = new Promise<void>((resolve) => (this.wake = resolve));
    const late = pause(withinMs, undefined, { signal: cancel.signal }).catch(() => undefined);
    await Promise.race([event, late]);
    cancel.abort();
  }
}
