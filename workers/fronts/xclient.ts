/**
 * Who the client is, as XCLIENT tells it to a server that trusts us and has offered it (V18). Never LOGIN:
 * a server must judge the login itself (V23). PURE.
 *
 * The values are our own facts: addresses, ports and our session id. Anything else in them would be a fault
 * of ours, and is left out.
 */
import type { ServerProtocolRoute } from '#model/routing-table';
import type { ClientFacts } from './front.ts';
import { valuesOf } from './offer.ts';

/**
 * What stands behind XCLIENT for POP3 and ManageSieve, where only Dovecot has it: `NAME=value` for each
 * attribute that the server takes and that we know. Undefined where the server is not to be told.
 */
export function xclientArguments(server: ServerProtocolRoute, client: ClientFacts): string | undefined {
  const { capabilities } = server.offer;
  const named = valuesOf(capabilities, 'XCLIENT');
  if (server.identity !== 'xclient' || (named.length === 0 && !capabilities.includes('XCLIENT'))) {
    return undefined;
  }
  return xclientPairs(client, named.length > 0 ? named : usualAttributes) || undefined;
}

/** `NAME=value` with single spaces; empty where the server takes nothing that we know. */
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

/** What every Dovecot takes; it says XCLIENT without a list. */
const usualAttributes = ['ADDR', 'PORT', 'SESSION', 'TTL'];
