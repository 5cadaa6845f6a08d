/**
 * A server whose TLS is `openssl s_server` limited to one version and suite, and that speaks IMAP behind it.
 *
 * s_server serves one connection and speaks no protocol: each connection gets a process of its own, whose
 * standard input and output are one end of the stub's talk.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import type { Issued } from './certificates.ts';
import { spawnPiped } from './child.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { rawConnectionOf } from './raw-connection.ts';
import { type StubServer, politeTalk } from './stub-server.ts';

export interface OldServer {
  readonly name: string;
  readonly port: number;
  /** What it was told, as a stub server has it. */
  readonly stub: Pick<StubServer, 'logins' | 'heard'>;
  close(): Promise<void>;
}

/** `limits`: what s_server is told, such as `-tls1 -cipher AES128-SHA:@SECLEVEL=0`. */
export async function startOldServer(
  name: string,
  { certificatePath, keyPath }: Issued,
  limits: readonly string[],
): Promise<OldServer> {
  const stub = { name, logins: [], heard: [] } as unknown as StubServer;
  const ends = new Set<() => void>();
  const args = ['s_server', '-quiet', '-naccept', '1', '-cert', certificatePath, '-key', keyPath, ...limits];
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    void serve(socket, args, ends)
      .then((inside) => politeTalk(rawConnectionOf(inside as Socket), stub))
      .catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    name,
    port: (server.address() as AddressInfo).port,
    stub,
    async close() {
      for (const end of ends) end();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Joins the connection to an s_server of its own; gives what that one hears and says in clear. */
async function serve(outside: Socket, args: readonly string[], ends: Set<() => void>): Promise<Duplex> {
  const port = await freePort();
  const child = spawnPiped('openssl', [...args, '-accept', `127.0.0.1:${port}`]);
  const through = await eventually('s_server listens', () => connected(port), { everyMs: 5 });
  const end = (): void => {
    ends.delete(end);
    child.kill('SIGKILL');
    outside.destroy();
    through.destroy();
  };
  ends.add(end);
  for (const socket of [outside, through]) socket.on('error', end).on('close', end);
  child.once('exit', end);
  outside.pipe(through).pipe(outside);
  return Duplex.from({ readable: child.stdout, writable: child.stdin }).on('error', end);
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
