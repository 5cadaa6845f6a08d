/**
 * Who the client is, as XCLIENT tells it to a server that trusts us and has offered it (V18). Never LOGIN:
 * a server must judge the login itself (V23). PURE.
 *
 * The values are our own facts: addresses, ports and our session id. Anything else in them would be a fault
 * of ours, and is left out.
 */
import type { ClientFacts } from './front.ts';

/** `NAME=value` for each attribute that the server takes and that we know, with single spaces. */
export function xclientPairs(client: ClientFacts, attributes: readonly string[]): string {
  const facts: Readonly<Record<string, string>> = {
    PORT: client.clientPort,
    DESTADDR: client.localIp,
    DESTPORT: client.localPort,
    SESSION: client.sessionId,
    // One more gateway in the way would lower it; a server that sends us back to ourselves is cut short.
    TTL: '5',
    // Postfix: a server may act on what it knows as soon as it has the address, so this is the last.
    ADDR: client.clientIp,
  };
  return Object.entries(facts)
    .filter(([name, value]) => attributes.includes(name) && value !== '-')
    .map(([name, value]) => `${name}=${value.replace(/[^0-9A-Za-z.:]/g, '')}`)
    .join(' ');
}
