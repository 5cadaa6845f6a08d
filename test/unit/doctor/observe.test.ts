import { expect, test } from 'vitest';
import type { GreetingProbe } from '#gateway/doctor/look';
import { type ObserveParts, observeServers } from '#gateway/doctor/observe';
import { portsAtOnceMax } from '#gateway/doctor/limits';
import { probeImap } from '#gateway/monitors/imap-probe';
import type { ServerSettings } from '#gateway/settings/settings';
import { systemClock } from '#lib/clock';
import { codeOf } from '#model/end-reason';
import type { ServerId } from '#model/ids';
import type { EngineEndpoint, ProbeOutcome, ProbeRequest } from '#native';

const standing = { localAddress: '10.1.0.21', tlsVersion: 'TLSv1.3', cipherSuite: 'X' };
const good: ProbeOutcome = {
  reason: 0,
  detail: '',
  lines: ['* OK', '* CAPABILITY IMAP4REV1 IDLE', 'c OK'],
  elapsedMs: 3,
  standing,
};
const untrusted: ProbeOutcome = {
  reason: codeOf('server_tls_failed'),
  detail: "the server's certificate has expired",
  lines: [],
  elapsedMs: 3,
};

test('a good server is asked once, and judged item by item without asking again', async () => {
  const { seen, asked } = await look([good], ['IDLE', 'MOVE', 'SORT']);
  expect(seen).toMatchObject({
    is: 'usable',
    lacks: ['offers no MOVE', 'offers no SORT'],
    distrust: undefined,
  });
  expect(asked).toHaveLength(1);
});

test('a server whose certificate is not believed is looked at without that check', async () => {
  const { seen, asked } = await look([untrusted, good]);
  expect(seen).toMatchObject({
    is: 'usable',
    distrust: "TLS failed: the server's certificate has expired",
    standing: { localAddress: '10.1.0.21' },
  });
  expect(asked.map((endpoint) => Object.entries(endpoint).find(([name]) => name === 'verify')?.[1])).toEqual([
    'ca',
    'any',
  ]);
});

test("the addresses that sessions come from are those of the server's family", async () => {
  const [server] = await observeServers({
    ...parts([serverOf('ex1')], []),
    probeOf: () => () => Promise.resolve(good),
  });
  expect(server?.sources).toEqual(['10.1.0.21']);
});

test('where TLS fails all the same it is TLS that fails', async () => {
  const { seen } = await look([untrusted, { ...untrusted, detail: 'something else' }]);
  expect(seen).toMatchObject({ is: 'unusable', reason: 'server_tls_failed' });
});

test('a server that is silent does not hold the others up, nor the end', async () => {
  const silent = (): Promise<ProbeOutcome> => new Promise(() => undefined);
  let turn = 0;
  const probe = (): Promise<ProbeOutcome> => (turn++ === 0 ? silent() : Promise.resolve(good));
  const servers = [serverOf('ex1'), serverOf('ex2')];
  const observed = await observeServers({ ...parts(servers, []), probeOf: () => probe, visitTimeoutMs: 50 });
  expect(observed.map(({ ports }) => ports[0]?.seen.is)).toEqual(['unfinished', 'usable']);
});

test('a large site is asked a few ports at a time', async () => {
  let [open, most] = [0, 0];
  const probe = async (): Promise<ProbeOutcome> => {
    most = Math.max(most, (open += 1));
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return good;
  };
  const servers = Array.from({ length: 100 }, (_, index) => serverOf(`ex${index}`));
  const observed = await observeServers({ ...parts(servers, []), probeOf: () => probe });
  expect([observed.length, most]).toEqual([100, portsAtOnceMax]);
});

async function look(outcomes: ProbeOutcome[], baseline: string[] = []) {
  const asked: EngineEndpoint[] = [];
  const rest = [...outcomes];
  const probe = ({ endpoint }: ProbeRequest): Promise<ProbeOutcome> => {
    asked.push(endpoint);
    const next = rest.shift();
    return next === undefined ? Promise.reject(new Error('asked too often')) : Promise.resolve(next);
  };
  const [server] = await observeServers({ ...parts([serverOf('ex1')], baseline), probeOf: () => probe });
  return { seen: server?.ports[0]?.seen, asked };
}

function parts(servers: ServerSettings[], baseline: string[]): Omit<ObserveParts, 'probeOf'> {
  const imap: GreetingProbe = probeImap;
  return {
    servers,
    frontends: [
      {
        name: 'imaps',
        protocol: 'imap',
        tls: 'implicit',
        tlsProfile: 'modern',
        listeners: [],
        isProxied: false,
        idleTimeoutMs: 1,
        baseline,
      },
    ],
    accounts: [],
    copiesOf: () => [],
    greetingProbes: { imap, pop3: imap, sieve: imap, submission: imap },
    endpointOf: (server, protocol) => (protocol === 'imap' ? endpointOf(server) : undefined),
    timeouts: { connectTimeoutMs: 1, greetingTimeoutMs: 1, answerTimeoutMs: 1 },
    sourceAddresses: ['10.1.0.21', '2001:db8::21'],
    tryLogins: undefined,
    visitTimeoutMs: 5_000,
    clock: systemClock(),
  };
}

function endpointOf({ address, fqdn, trust }: ServerSettings): EngineEndpoint {
  return {
    protocol: 1,
    address,
    port: 993,
    tls: 'implicit',
    tlsName: fqdn,
    proxy: 'none',
    verify: trust.verify,
    caPem: trust.caPem,
  };
}

function serverOf(id: string): ServerSettings {
  return {
    id: id as ServerId,
    address: '10.1.0.11',
    fqdn: `${id}.corp.example`,
    weight: 100,
    trust: { profile: 'modern', verify: 'ca', caPem: '', pins: [] },
    protocols: { imap: { port: 993, tls: 'implicit', identity: 'none' } },
  };
}
