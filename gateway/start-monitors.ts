/** Starts a greeting monitor for each server and a login monitor for each probe account. */
import type { ClusterView } from '#gateway/cluster/cluster-state';
import { probeImapLogin } from '#gateway/monitors/imap-login-probe';
import { probeImap } from '#gateway/monitors/imap-probe';
import { type Monitor, type Seen, startMonitor } from '#gateway/monitors/monitor';
import { probePop3 } from '#gateway/monitors/pop3-probe';
import type { GreetingProbeParts, Probe, ProbeTimeouts } from '#gateway/monitors/probe-outcome';
import { probeSieve } from '#gateway/monitors/sieve-probe';
import { probeSubmission } from '#gateway/monitors/submission-probe';
import type { ProbeAccount, ServerSettings, Settings } from '#gateway/settings/settings';
import type { Clock } from '#lib/clock';
import type { Log } from '#lib/log';
import type { Observation, Verdict } from '#model/claim';
import type { DatabaseId, ServerId } from '#model/ids';
import { type LoginProtocol, loginProtocols } from '#model/protocol';
import type { EngineEndpoint } from '#native';
import { endpointOf } from './engine-setup.ts';
import { withTlsAdvice } from './tls-advice.ts';

export interface MonitorsParts {
  readonly settings: Settings;
  readonly probe: Probe;
  readonly hasOpenssl: boolean;
  readonly onObservation: (observation: Observation) => void;
  /**
   * The server that owns the database now, with what it offers; undefined where a login there would tell
   * nothing.
   */
  readonly activeServerOf: (database: DatabaseId) => ActiveServer | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface ActiveServer {
  readonly server: ServerId;
  readonly capabilities: readonly string[];
}

/**
 * The owner of the database, where a login there can tell something: its server is up, and the store is, or
 * was at the last word of the sources, mounted. Also where that word is old or disputed: else a fault that
 * was found before would stand for as long as the sources are silent.
 */
export function activeServerIn(
  { servers, databases }: ClusterView,
  database: DatabaseId,
): ActiveServer | undefined {
  const state = databases.get(database)?.state;
  if (state?.at !== 'served' && state?.at !== 'remembered' && state?.at !== 'disputed') return undefined;
  const imap = state.owner === undefined ? undefined : servers.get(state.owner.server)?.protocols.imap;
  if (state.owner === undefined || imap?.health.is !== 'up') return undefined;
  return { server: state.owner.server, capabilities: imap.capabilities };
}

export function startMonitors(parts: MonitorsParts): Monitor {
  const { servers, monitor } = parts.settings;
  const monitors = [
    ...servers.flatMap((server) =>
      loginProtocols.flatMap((protocol) => {
        const endpoint = endpointOf(server, protocol);
        return endpoint === undefined ? [] : greetingMonitor(parts, { server, protocol, endpoint });
      }),
    ),
    ...monitor.probeAccounts.map((account) => loginMonitor(parts, account)),
  ];
  return { stop: () => monitors.forEach((each) => each.stop()) };
}

interface Asked {
  readonly server: ServerSettings;
  readonly protocol: LoginProtocol;
  readonly endpoint: EngineEndpoint;
}

function greetingMonitor(parts: MonitorsParts, { server, protocol, endpoint }: Asked): Monitor {
  const { settings, probe, hasOpenssl, clock, random, log } = parts;
  const frontends = settings.frontends.filter((frontend) => frontend.protocol === protocol);
  const baseline = [...new Set(frontends.flatMap((frontend) => frontend.baseline))];
  const warn = warner(log, `the greeting probe of ${server.id} for ${protocol}`);
  const ask = greetingProbes[protocol];
  const identity = server.protocols[protocol]?.identity ?? 'none';
  const advised: Probe = async (request) =>
    withTlsAdvice(await probe(request), { server, port: endpoint.port, hasOpenssl });
  return startMonitor<Verdict>({
    probe: () => ask({ probe: advised, endpoint, identity, baseline, timeouts: timeoutsOf(settings) }),
    failure: (why) => ({ is: 'bad', why }),
    onSeen: (seen) => {
      warn(seen);
      tell(parts, { server: server.id, protocol }, seen);
    },
    intervalMs: settings.monitor.greetingIntervalMs,
    clock,
    random,
    log,
  });
}

function loginMonitor(parts: MonitorsParts, account: ProbeAccount): Monitor {
  const { settings, probe, clock, random, log } = parts;
  const warn = warner(log, `the login probe of ${account.database}`);
  let asked: ServerId | undefined;

  async function probeOwner(): Promise<Seen<Verdict>> {
    const active = parts.activeServerOf(account.database);
    asked = active?.server;
    const server = settings.servers.find(({ id }) => id === asked);
    if (active === undefined || server === undefined) return { is: 'unasked', why: '' };
    const endpoint = endpointOf(server, 'imap');
    if (endpoint === undefined) return { is: 'unasked', why: '' };
    return probeImapLogin({ ...account, ...active, probe, endpoint, timeouts: timeoutsOf(settings) });
  }

  return startMonitor<Verdict>({
    probe: probeOwner,
    failure: (why) => ({ is: 'unasked', why }),
    onSeen: (seen) => {
      warn(seen);
      if (asked !== undefined) tell(parts, { server: asked, protocol: 'imap' }, seen);
    },
    intervalMs: settings.monitor.loginIntervalMs,
    clock,
    random,
    log,
  });
}

/** Says once why a probe learns nothing, until it does again. */
function warner(log: Log, what: string): (seen: Seen<Verdict>) => void {
  let lastWhy = '';
  return (seen) => {
    const why = seen.is === 'unasked' ? seen.why : '';
    if (why !== lastWhy && why !== '') log.warn(`${what} learnt nothing: ${why}`);
    lastWhy = why;
  };
}

function tell(
  { onObservation, clock }: MonitorsParts,
  whom: Pick<Observation, 'server' | 'protocol'>,
  seen: Seen<Verdict>,
): void {
  if (seen.is !== 'unasked') onObservation({ ...whom, at: clock.now(), verdict: seen });
}

/** What each protocol's server is asked at every interval. */
export const greetingProbes: Readonly<
  Record<LoginProtocol, (parts: GreetingProbeParts) => Promise<Seen<Verdict>>>
> = {
  imap: probeImap,
  pop3: probePop3,
  sieve: probeSieve,
  submission: probeSubmission,
};

/** How long probes wait. */
export function timeoutsOf({ monitor }: Settings): ProbeTimeouts {
  const { connectTimeoutMs, greetingTimeoutMs } = monitor;
  return { connectTimeoutMs, greetingTimeoutMs, answerTimeoutMs };
}

/** A login may ask a directory of the server's own; longer than this, users are waiting too. */
const answerTimeoutMs = 10_000;
