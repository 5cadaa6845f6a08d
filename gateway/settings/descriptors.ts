/**
 * File descriptors: how many the gateway needs by these settings, and how many connections fit beneath the
 * limit that the process runs with. PURE.
 *
 * Out of descriptors nothing works: no server is reached, no probe, no admin request. So connections are
 * bounded by what is there, before the engine has to find out. Node raises the soft limit to the hard one
 * when it starts; the hard one is the service's to raise.
 */
import type { Settings } from './settings.ts';

export interface DescriptorFit {
  /** POSTERN_MAX_CONNECTIONS, or fewer where there are no descriptors for so many. */
  readonly connectionsMax: number;
  /** Why there are fewer, and what to do, in words. */
  readonly shortage: string | undefined;
}

type Parts = Pick<
  Settings,
  'agent' | 'frontends' | 'ioThreads' | 'limits' | 'monitor' | 'servers' | 'workers'
>;

/** `descriptorsMax`: the process's limit; undefined where it is not known. */
export function fitToDescriptors(settings: Parts, descriptorsMax: number | undefined): DescriptorFit {
  const wanted = settings.limits.connectionsMax;
  const own = ownDescriptors(settings);
  const needed = own + wanted * perSession;
  if (descriptorsMax === undefined || needed <= descriptorsMax) {
    return { connectionsMax: wanted, shortage: undefined };
  }
  const connectionsMax = Math.max(1, Math.floor((descriptorsMax - own) / perSession));
  const shortage =
    `${wanted} connections need ${needed} open files and the limit is ${descriptorsMax}: ` +
    `${connectionsMax} are taken; raise the limit (LimitNOFILE= of systemd, ulimit -n)`;
  return { connectionsMax, shortage };
}

/** All that is no session's: what is open in an idle gateway, probes, and those who ask it something. */
function ownDescriptors({ agent, frontends, ioThreads, monitor, servers, workers }: Parts): number {
  const listeners = frontends.reduce((sum, frontend) => sum + frontend.listeners.length, 0);
  return (
    processDescriptors +
    workers * workerDescriptors +
    ioThreads * (ioThreadDescriptors + listeners * listenerDescriptors) +
    servers.length +
    monitor.probeAccounts.length +
    (agent.listen === undefined ? 0 : agentDescriptors)
  );
}

/** One towards the client, one towards the server. */
const perSession = 2;
/** Node, the log, files that are read and watched (about 40), and 64 requests to the admin socket. */
const processDescriptors = 104;
/** The event loop of a thread: epoll, its wakers, its timers. */
const workerDescriptors = 8;
/** The runtime's epoll and waker, and connections on their way in or out that count no more, or not yet. */
const ioThreadDescriptors = 16;
/** Its socket, and the one that it keeps to turn clients away with. */
const listenerDescriptors = 2;
/** As many as gateway/admin/limits.ts allows on the agents' listener. */
const agentDescriptors = 512;
