/**
 * A stand-in for a load balancer: it puts a PROXY header before the first bytes of each client, in the same
 * write, so that header and TLS hello come to the gateway as one segment.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface LoadBalancerSetup {
  /** The port of 127.0.0.1 that clients are brought to. */
  readonly to: number;
  /** Its own address there. */
  readonly localAddress?: string;
  readonly header: (client: Socket) => Uint8Array;
}

export interface LoadBalancer {
  readonly port: number;
  close(): Promise<void>;
}

export async function startLoadBalancer(setup: LoadBalancerSetup): Promise<LoadBalancer> {
  const { to, header, localAddress = '127.0.0.1' } = setup;
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    const inside = connect({ host: '127.0.0.1', port: to, localAddress });
    for (const [one, other] of [
      [client, inside],
      [inside, client],
    ] as const)
      one.on('error', () => other.destroy()).once('close', () => other.end());
    client.once('data', (first: Uint8Array) => {
      client.pause();
      inside.write(Buffer.concat([header(client), first]));
      client.pipe(inside);
    });
    inside.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      // A test that failed has left its client behind.
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Version 1: from `from` to 203.0.113.5, port 993. */
export function headerV1(from: string, port = 54321): Buffer {
  return Buffer.from(`PROXY TCP4 ${from} 203.0.113.5 ${port} 993\r\n`);
}

/** Version 2 of the same, with an extension that nobody knows. */
export function headerV2(from: string, port = 54321): Buffer {
  const extension = Buffer.from([0xe0, 0, 3, 1, 2, 3]);
  const addresses = Buffer.from([...from.split('.').map(Number), 203, 0, 113, 5, 0, 0, 993 >> 8, 993 & 0xff]);
  addresses.writeUInt16BE(port, 8);
  const head = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0', 'latin1');
  head.writeUInt16BE(addresses.length + extension.length, 14);
  return Buffer.concat([head, addresses, extension]);
}
