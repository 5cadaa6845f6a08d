/** Whose login it is, in a real Dovecot's own log: told by PROXY headers, with HAProxy before the gateway. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DovecotPair } from '../support/dovecot-pair.ts';
import { type DovecotSite, ann, bob, hasDovecot, startDovecotSite } from '../support/dovecot-site.ts';
import { eventually } from '../support/eventually.ts';
import { trusting } from '../support/gateway.ts';
import { type Haproxy, hasHaproxy, startHaproxy } from '../support/haproxy.ts';
import { type Account, logIn } from '../support/imap-talk.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { healthOf, sessionsOf } from '../support/watching.ts';

let site: DovecotSite;

const identityTest = test.skipIf(!hasDovecot);
const haproxyTest = test.skipIf(!hasDovecot || !hasHaproxy);

/** The servers' ports for PROXY: ex1's with STARTTLS or TLS at once, ex2's with TLS at once. */
function proxied(first: 'starttls' | 'implicit', identity: [string, string]) {
  return ({ ex1, ex2 }: DovecotPair) => ({
    POSTERN_SERVER_EX1_TLS: first,
    POSTERN_SERVER_EX1_IMAP_PORT: String(
      first === 'starttls' ? ex1.ports.proxiedImap : ex1.ports.proxiedImaps,
    ),
    POSTERN_SERVER_EX2_IMAP_PORT: String(ex2.ports.proxiedImaps),
    POSTERN_SERVER_EX1_IDENTITY: identity[0],
    POSTERN_SERVER_EX2_IDENTITY: identity[1],
  });
}

/** The line of Dovecot's log for the login of this client. */
async function loginLine(server: 'ex1' | 'ex2', client: RawConnection): Promise<string> {
  return eventually(`the login from port ${client.localPort} in the log of ${server}`, async () =>
    (await site.pair[server].log())
      .split('\n')
      .find((line) => line.includes('Login: ') && line.includes(`rport=${client.localPort},`)),
  );
}

async function logInFrom(localAddress: string, account: Account, port?: number): Promise<RawConnection> {
  const address = port === undefined ? site.gateway.imaps : { port, tls: trusting(site.gateway.authority) };
  return logIn({ ...address, localAddress }, account);
}

describe('version 2 ahead of STARTTLS and of TLS', () => {
  beforeAll(async () => {
    if (hasDovecot) site = await startDovecotSite(proxied('starttls', ['imap:proxy', 'imap:proxy']));
  });

  afterAll(async () => {
    await site?.close();
  });

  identityTest('a login is the client in the log of each server, whatever TLS it has there', async () => {
    for (const [account, server, from] of [
      [ann, 'ex1', '127.0.0.5'],
      [bob, 'ex2', '127.0.0.6'],
    ] as const) {
      const client = await logInFrom(from, account);
      const line = await loginLine(server, client);
      expect(line).toContain(`rip=${from},`);
      // Of the client's own TLS ex2 is told, ahead of its own; ex1 is not: STARTTLS comes after the header.
      expect(line).toMatch(server === 'ex1' ? /TLSv1\.3 with cipher/ : /TLS, \(proxied\)/);
      client.destroy();
    }
  });

  identityTest('both servers are up: a probe has no client to name', async () => {
    // A server goes up with its second good probe; logins go there before.
    expect(await healthOf(site.gateway, 'ex1', 'up')).toBe('');
    expect(await healthOf(site.gateway, 'ex2', 'up')).toBe('');
  });
});

describe('version 1 and source addresses, with HAProxy before the gateway', () => {
  let haproxy: Haproxy;

  beforeAll(async () => {
    if (!hasDovecot || !hasHaproxy) return;
    site = await startDovecotSite((pair) => ({
      ...proxied('implicit', ['imap:proxy-v1', 'none'])(pair),
      POSTERN_SERVER_EX2_IMAP_PORT: String(pair.ex2.ports.imaps),
      POSTERN_SOURCE_ADDRESSES: '127.0.0.2,127.0.0.3',
      POSTERN_PROXY_PROTOCOL: 'imaps',
      POSTERN_TRUSTED_PROXIES: '127.0.0.1',
    }));
    haproxy = await startHaproxy(site.gateway.imaps.port);
  });

  afterAll(async () => {
    await haproxy?.close();
    await site?.close();
  });

  haproxyTest.each(['send-proxy', 'send-proxy-v2'] as const)(
    "the client's address goes through both, from HAProxy's %s to Dovecot's log",
    async (word) => {
      const client = await logInFrom('127.0.0.7', ann, haproxy.ports[word]);
      const line = await loginLine('ex1', client);
      expect(line).toContain('rip=127.0.0.7,');
      const rows = await sessionsOf(site.gateway);
      expect(rows.map(({ clientAddress }) => clientAddress)).toContain(`127.0.0.7:${client.localPort}`);
      client.destroy();
    },
  );

  haproxyTest(
    'where a server is told nothing its log shows the addresses dialled from, in turn',
    async () => {
      const seen = new Set<string>();
      const clients: RawConnection[] = [];
      for (let count = 0; count < 4; count++)
        clients.push(await logInFrom('127.0.0.7', bob, haproxy.ports['send-proxy']));
      for (const row of await sessionsOf(site.gateway)) {
        const line = await eventually(`the login from port ${row.localPort}`, async () =>
          (await site.pair.ex2.log()).split('\n').find((text) => text.includes(`rport=${row.localPort},`)),
        );
        expect(line).toContain(`rip=${row.localAddress},`);
        seen.add(row.localAddress ?? '');
      }
      expect([...seen].sort()).toEqual(['127.0.0.2', '127.0.0.3']);
      clients.forEach((client) => client.destroy());
    },
  );

  haproxyTest("HAProxy's checks of the port are nobody's fault", async () => {
    const checks = () => site.gateway.ends().filter(({ user }) => user === undefined);
    await eventually('a few checks', () => checks().length >= 3);
    // HAProxy resets its checks, before the gateway has read their header or after it.
    expect(checks().filter(({ reason }) => String(reason).startsWith('proxy_'))).toEqual([]);
  });
});
