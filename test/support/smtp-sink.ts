/**
 * Where test servers relay mail to: takes every message whole and keeps it, byte by byte. It is the outside
 * world of an end-to-end test, so it is written apart from everything it might help to test.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';

export interface SunkMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it stood behind DATA: dots unstuffed, without the dot that ends it; latin-1. */
  readonly data: string;
}

export interface SmtpSink {
  readonly port: number;
  readonly mails: readonly SunkMail[];
  close(): Promise<void>;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startSmtpSink(): Promise<SmtpSink> {
  const mails: SunkMail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)).on('error', () => undefined));
    takeMail(socket, (mail) => mails.push(mail));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}

function takeMail(socket: Socket, keep: (mail: SunkMail) => void): void {
  let unread = '';
  let [from, to, data]: [string, string[], string | undefined] = ['', [], undefined];
  const say = (text: string) => void socket.write(`${text}\r\n`);
  const onLine = (line: string): void => {
    if (data !== undefined && line === '.') {
      keep({ from, to, data });
      [to, data] = [[], undefined];
      return say('250 2.0.0 sunk');
    }
    if (data !== undefined) return void (data += `${line.replace(/^\./, '')}\r\n`);
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return say(offer);
      case 'MAIL':
        from = addressIn(line);
        return say('250 2.1.0 Ok');
      case 'RCPT':
        to = [...to, addressIn(line)];
        return say('250 2.1.5 Ok');
      case 'DATA':
        data = '';
        return say('354 Go on');
      case 'QUIT':
        say('221 2.0.0 Bye');
        return void socket.end();
      default:
        return say('250 2.0.0 Ok');
    }
  };
  say('220 sink.test ESMTP');
  socket.setEncoding('latin1').on('data', (text: string) => {
    const lines = (unread + text).split('\r\n');
    unread = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

function addressIn(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? '';
}

const offer = '250-sink.test\r\n250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME';
