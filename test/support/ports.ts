/** Ports that nobody listens on at this moment. */
import { once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';

/** As many different free ports of 127.0.0.1; all are held until the last is found, so none comes twice. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(close));
  return ports;
}

/** One free port. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
