/** Very many clients that come and go at once: each leaves the record of a session that has ended. */
import { type Socket, connect } from 'node:net';
import { within } from './eventually.ts';
import type { Gateway } from './gateway.ts';

/** Resolves when so many have come to the clear port, heard the greeting, and left. */
export async function comeAndGo(gateway: Gateway, count: number): Promise<void> {
  let left = count;
  const goOn = async (lane: number) => {
    while (left-- > 0) await visit(gateway, lane);
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => goOn(lane)));
}

function visit(gateway: Gateway, lane: number): Promise<void> {
  const { port } = gateway.imap;
  const client: Socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.70.${lane + 1}` });
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.once('data', () => client.resetAndDestroy()).once('error', () => client.destroy());
  return within(20_000, 'a visit', gone);
}

/** As many at a time; by resets, so that their ports are free again at once. */
const lanes = 64;
