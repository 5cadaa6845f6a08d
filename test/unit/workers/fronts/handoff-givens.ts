/** Given to the tests of handoffs: a client, its proofs, a server, the steps of a plan. */
import { expect } from 'vitest';
import type { ServerProtocolRoute } from '#model/routing-table';
import type { ClientFacts, HandoffPlan } from '#workers/fronts/front';
import type { Proof } from '#workers/fronts/sasl';
import { readScript } from '../../../trace/script-reader.ts';

export const timeouts = { greetingTimeoutMs: 7000, loginTimeoutMs: 9000 };

export function clientAt(localPort: number): ClientFacts {
  return {
    clientIp: '2001:db8::7',
    clientPort: '50000',
    localIp: '198.51.100.1',
    localPort: String(localPort),
    tls: undefined,
    sessionId: '00000000000abc',
    isGreeted: false,
  };
}

/** A server that is up; `offered`: its words, one space between. */
export function routeTo(port: number, offered: string): ServerProtocolRoute {
  return {
    endpoint: { address: '127.0.0.11', port, tls: 'implicit', tlsName: 'ex1' },
    health: { is: 'up' },
    offer: { capabilities: offered === '' ? [] : offered.split(' ') },
    identity: 'none',
  };
}

export function scriptOf(planned: HandoffPlan): ReturnType<typeof readScript> {
  return planned.is === 'script'
    ? readScript(planned.script)
    : expect.unreachable(`a plan that is ${planned.is}`);
}

export function password(secret: string): Proof {
  return { by: 'password', user: 'ann', password: secret };
}

export function token(bytes = 20): Proof {
  const response = `user=ann\x01auth=Bearer ${'t'.repeat(bytes)}\x01\x01`;
  return { by: 'token', user: 'ann', mechanism: 'XOAUTH2', response };
}

export function acting(): Proof {
  return { by: 'plain', authzid: 'ann', authcid: 'owner', password: 'x' };
}
