/**
 * Looks at every server and port of the settings, as a session would: the same addresses, the same TLS, the
 * same identity. Only asks; what the answers mean is findings.ts. One connection a port at a time, but for
 * the logins that `--deep` makes at once.
 */
import { isIPv6 } from 'node:net';
import type { Probe, ProbeTimeouts } from '#gateway/monitors/probe-outcome';
import type { FrontendSettings, ProbeAccount, ServerSettings } from '#gateway/settings/settings';
import type { Clock } from '#lib/clock';
import { sleep } from '#lib/sleep';
import { type LoginProtocol, loginProtocols } from '#model/protocol';
import type { EngineEndpoint } from '#native';
import { askProduct } from './imap-questions.ts';
import { portsAtOnceMax } from './limits.ts';
import { type GreetingProbe, type Look, lackedBy, lookAt } from './look.ts';
import type { LoginsParts } from './observe-logins.ts';
import type { LoginsObserved, PortObservation, PortSeen, ServerObservation } from './observation.ts';
import type { Standing, UsablePort } from './observation.ts';
import { askSubmission } from './submission-questions.ts';

export interface ObserveParts {
  readonly servers: readonly ServerSettings[];
  readonly frontends: readonly FrontendSettings[];
  readonly accounts: readonly ProbeAccount[];
  /** The servers that have a copy of an account's database, the preferred first. */
  readonly copiesOf: (account: ProbeAccount) => readonly string[];
  /** The engine's probe, for this server. */
  readonly probeOf: (server: ServerSettings, endpoint: EngineEndpoint) => Probe;
  readonly greetingProbes: Readonly<Record<LoginProtocol, GreetingProbe>>;
  readonly endpointOf: (server: ServerSettings, protocol: LoginProtocol) => EngineEndpoint | undefined;
  /** POSTERN_SOURCE_ADDRESSES. */
  readonly sourceAddresses: readonly string[];
  readonly timeouts: ProbeTimeouts;
  /** Tries what logins meet; undefined: that was not asked for. */
  readonly tryLogins: ((parts: LoginsParts) => Promise<LoginsObserved>) | undefined;
  readonly visitTimeoutMs: number;
  readonly clock: Clock;
}

/** All servers, in the order of the settings. Ends within the visit's time, whatever servers do. */
export async function observeServers(parts: ObserveParts): Promise<ServerObservation[]> {
  const over = new AbortController();
  const late = sleep(parts.clock, parts.visitTimeoutMs, over.signal).then(() => undefined);
  const turns = openTurns(portsAtOnceMax);
  const observed = parts.servers.map((server) => observeServer(server, { ...parts, late, turns }));
  const servers = await Promise.all(observed);
  over.abort();
  return servers;
}

interface Visit extends ObserveParts {
  /** Resolves when the visit's time is over. */
  readonly late: Promise<undefined>;
  readonly turns: Turns;
}

async function observeServer(server: ServerSettings, visit: Visit): Promise<ServerObservation> {
  const ports = loginProtocols.flatMap((protocol) => {
    const asked = askedOf(server, protocol, visit);
    const identity = server.protocols[protocol]?.identity ?? 'none';
    return asked === undefined ? [] : [observePort(asked, identity, visit)];
  });
  const seen = await Promise.all(ports);
  return {
    server: server.id,
    address: server.address,
    fqdn: server.fqdn,
    verify: server.trust.verify,
    sources: visit.sourceAddresses.filter((each) => isIPv6(each) === isIPv6(server.address)),
    ports: seen,
    logins: await loginsOf(server, seen, visit),
  };
}

/** One port, and how it is asked. */
interface Asked {
  readonly protocol: LoginProtocol;
  readonly ask: GreetingProbe;
  readonly probe: Probe;
  readonly endpoint: EngineEndpoint;
  readonly baseline: readonly string[];
  /** How sessions name their clients; where they do not, whether XCLIENT would be taken is asked. */
  readonly identity: PortObservation['identity'];
}

function askedOf(server: ServerSettings, protocol: LoginProtocol, visit: Visit): Asked | undefined {
  const endpoint = visit.endpointOf(server, protocol);
  const port = server.protocols[protocol];
  if (endpoint === undefined || port === undefined) return undefined;
  const baseline = baselineOf(visit.frontends, protocol);
  const identity = port.identity === 'none' ? 'xclient' : port.identity;
  const ask = visit.greetingProbes[protocol];
  return { protocol, ask, probe: visit.probeOf(server, endpoint), endpoint, baseline, identity };
}

/** What the frontends of a protocol promise before the login. */
export function baselineOf(frontends: readonly FrontendSettings[], protocol: LoginProtocol): string[] {
  const own = frontends.filter((frontend) => frontend.protocol === protocol);
  return [...new Set(own.flatMap(({ baseline }) => baseline))];
}

async function observePort(
  asked: Asked,
  identity: PortObservation['identity'],
  visit: Visit,
): Promise<PortObservation> {
  const { protocol, endpoint } = asked;
  const seen = await visit.turns.take(() => Promise.race([lookAtPort(asked, visit), visit.late]));
  const { port, tls } = endpoint;
  return { protocol, port, tls, identity, seen: seen ?? { is: 'unfinished' } };
}

async function lookAtPort(asked: Asked, visit: Visit): Promise<PortSeen> {
  const look = await lookAt({ ...asked, ...visit });
  if (look.verdict.is === 'good') return usablePort(asked, look, undefined, visit);
  const why = 'why' in look.verdict ? look.verdict.why : look.verdict.is;
  if (look.reason !== 'server_tls_failed') return unusable(look, why);

  // Perhaps only its certificate is not believed. No password is at stake here, so the rest can be seen.
  const endpoint = believing(asked.endpoint);
  const believed = await lookAt({ ...asked, ...visit, endpoint });
  if (believed.verdict.is === 'good') return usablePort({ ...asked, endpoint }, believed, why, visit);
  return unusable(look, why, believed.standing);
}

/** The same endpoint, whatever its certificate says. */
function believing(endpoint: EngineEndpoint): EngineEndpoint {
  return { ...endpoint, ...anyCertificate };
}

const anyCertificate = { verify: 'any' } as const;

function unusable({ reason, standing, verdict }: Look, why: string, other?: Standing): PortSeen {
  const ours = verdict.is === 'unasked' ? 'internal_error' : reason;
  return { is: 'unusable', reason: ours, why, standing: standing ?? other };
}

async function usablePort(
  asked: Asked,
  look: Look,
  distrust: string | undefined,
  visit: Visit,
): Promise<PortSeen> {
  const { verdict, standing } = look;
  if (verdict.is !== 'good' || standing === undefined) return unusable(look, 'its connection did not last');
  const { capabilities, tookMs } = verdict;
  return {
    is: 'usable',
    tookMs,
    standing,
    distrust,
    capabilities,
    lacks: await lackedBy(look, asked.baseline, { ...asked, ...visit }),
    ...(await askMore(asked, capabilities, visit)),
  };
}

type More = Pick<UsablePort, 'product' | 'seenAddress' | 'takesXclient' | 'relays'>;

/** What no monitor asks. */
async function askMore(asked: Asked, capabilities: readonly string[], visit: Visit): Promise<More> {
  const question = { ...visit, ...asked, capabilities };
  const nothing: More = { product: null, seenAddress: null, takesXclient: 'untold', relays: 'untold' };
  switch (asked.protocol) {
    case 'imap':
      // IMAP has no XCLIENT: whether a server believes ID is seen by what it then does (`--deep`).
      return { ...nothing, product: await askProduct(question) };
    case 'pop3':
    case 'sieve':
      return { ...nothing, takesXclient: capabilities.includes('XCLIENT') };
    case 'submission':
      return { ...nothing, ...(await askSubmission(question)) };
  }
}

async function loginsOf(
  server: ServerSettings,
  ports: readonly PortObservation[],
  visit: Visit,
): Promise<LoginsObserved> {
  const imap = ports.find(({ protocol }) => protocol === 'imap');
  const endpoint = visit.endpointOf(server, 'imap');
  if (visit.tryLogins === undefined || imap?.seen.is !== 'usable' || endpoint === undefined)
    return { is: 'unasked' };
  if (imap.seen.distrust !== undefined) return { is: 'untold', why: 'its certificate is not believed' };
  const trying = visit.tryLogins({
    probe: visit.probeOf(server, endpoint),
    endpoint,
    capabilities: imap.seen.capabilities,
    timeouts: visit.timeouts,
    identity: imap.identity,
    clock: visit.clock,
    accounts: accountsFor(server, visit),
  });
  return (await Promise.race([trying, visit.late])) ?? { is: 'untold', why: 'the time was over' };
}

/** Those whose database is most likely active on this server first. */
function accountsFor({ id }: ServerSettings, { accounts, copiesOf }: Visit): ProbeAccount[] {
  const rank = (account: ProbeAccount): number => {
    const at = copiesOf(account).indexOf(id);
    return at < 0 ? copiesOf(account).length : at;
  };
  return accounts.toSorted((a, b) => rank(a) - rank(b));
}

interface Turns {
  take<Value>(work: () => Promise<Value>): Promise<Value>;
}

/** So many pieces of work at a time, the others in the order that they came. */
function openTurns(count: number): Turns {
  let free = count;
  const waiting: (() => void)[] = [];
  const next = (): void => {
    const turn = waiting.shift();
    if (turn === undefined) free += 1;
    else turn();
  };
  return {
    async take(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
}
