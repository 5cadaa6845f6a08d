/**
 * What goes wrong in a run, drawn from its seed: each fault has its beginning and its end, and all are over
 * when the run is to heal.
 */
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimGateway, SimPace } from './gateway.ts';
import type { Agent } from './world/agent.ts';
import type { MailCluster } from './world/mail-cluster.ts';
import type { MailServer } from './world/mail-server.ts';
import type { Link, Network } from './world/network.ts';

export interface FaultsParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly cluster: MailCluster;
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly agents: readonly Agent[];
  readonly pace: SimPace;
  readonly gateway: () => SimGateway | undefined;
  readonly restartGateway: (how: 'stop' | 'crash') => void;
  readonly flood: () => void;
  readonly say: (text: string) => void;
}

/** Begins, and gives what ends it. */
type Fault = (parts: FaultsParts) => () => void;

/** Draws faults for the time from `fromMs` to `untilMs`. */
export function startFaults(parts: FaultsParts, fromMs: number, untilMs: number): void {
  const { scheduler, random, say } = parts;
  const count = 2 + random.below(7);
  for (let each = 0; each < count; each++) {
    const name = random.pick(names);
    const beginMs = random.between(fromMs, untilMs - 500);
    const lastsMs = Math.min(
      untilMs - beginMs,
      random.pick([300, 1500, 5000, 12_000]) * (0.5 + random.next()),
    );
    scheduler.after(beginMs, () => {
      say(`fault: ${name} begins`);
      const end = faults[name](parts);
      scheduler.after(lastsMs, () => {
        say(`fault: ${name} ends`);
        end();
      });
    });
  }
}

const faults = {
  stop: (parts) => stopServer(parts, false),
  crash: (parts) => stopServer(parts, true),
  freeze({ cluster, random }) {
    const server = random.pick(cluster.servers);
    server.freeze();
    return () => server.thaw();
  },
  flap(parts) {
    const server = parts.random.pick(parts.cluster.servers);
    let isOver = false;
    const flip = (): void => {
      if (isOver) return;
      if (server.state === 'stopped') server.start();
      else server.stop(false);
      parts.scheduler.after(300 + parts.random.below(3000), flip);
    };
    flip();
    return () => {
      isOver = true;
      server.start();
    };
  },
  move({ cluster, random, databases }) {
    cluster.move(random.pick(databases), random.pick(cluster.servers).id);
    return () => {};
  },
  moveToAndFro({ cluster, random, databases, scheduler }) {
    const database = random.pick(databases);
    for (let each = 0; each < 4; each++)
      scheduler.after(each * (500 + random.below(1500)), () =>
        cluster.move(database, random.pick(cluster.servers).id),
      );
    return () => {};
  },
  split({ cluster, random, databases }) {
    const database = random.pick(databases);
    const rival = random.pick(cluster.servers).id;
    cluster.claim(database, rival);
    return () => cluster.settle(database);
  },
  dismount({ cluster, random, databases }) {
    const database = random.pick(databases);
    cluster.dismount(database);
    return () => cluster.settle(database);
  },
  storeFails({ cluster, random, databases }) {
    const [server, database] = [random.pick(cluster.servers), random.pick(databases)];
    server.failing.add(database);
    return () => void server.failing.delete(database);
  },
  cut(parts) {
    const link = parts.random.pick(parts.network.links());
    link.isCut = true;
    return () => freed(parts, link, 'isCut');
  },
  slow({ network, random }) {
    const link = random.pick(network.links());
    const was = link.delayMs;
    link.delayMs = 50 + random.below(1500);
    return () => (link.delayMs = was);
  },
  /** Links stop one by one and are restored in another order. */
  swizzle(parts) {
    const { random, scheduler, network } = parts;
    const links = network.links().filter(() => random.chance(0.3));
    let isOver = false;
    for (const link of links)
      scheduler.after(random.below(2000), () => void (link.isClogged = !isOver && true));
    return () => {
      isOver = true;
      for (const link of links) freed(parts, link, 'isClogged');
    };
  },
  workerThrows({ gateway, random }) {
    const threads = gateway()?.threads.living ?? [];
    if (threads.length > 0) random.pick(threads).breakNext();
    return () => {};
  },
  workerExits({ gateway, random }) {
    const threads = gateway()?.threads.living ?? [];
    if (threads.length > 0) random.pick(threads).exit();
    return () => {};
  },
  workerStalls({ gateway, random }) {
    const threads = gateway()?.threads.living ?? [];
    const thread = threads.length > 0 ? random.pick(threads) : undefined;
    thread?.stall();
    return () => thread?.goOn();
  },
  mainStalls({ gateway }) {
    const main = gateway()?.main;
    main?.stall();
    return () => main?.goOn();
  },
  agentSilent({ agents, random }) {
    const agent = agents.length > 0 ? random.pick(agents) : undefined;
    agent?.silence(true);
    return () => agent?.silence(false);
  },
  agentRestarts({ agents, random }) {
    if (agents.length > 0) random.pick(agents).restart();
    return () => {};
  },
  agentOld({ agents, random }) {
    const agent = agents.length > 0 ? random.pick(agents) : undefined;
    agent?.freeze(true);
    return () => agent?.freeze(false);
  },
  lateCommands({ pace, random }) {
    pace.inboxMs = 50 + random.below(1500);
    return () => (pace.inboxMs = usualPace.inboxMs);
  },
  slowPublish({ pace, random }) {
    pace.messageMs = 200 + random.below(2500);
    return () => (pace.messageMs = usualPace.messageMs);
  },
  drain: (parts) => setAdmin(parts, 'drain'),
  maintenance: (parts) => setAdmin(parts, 'maintenance'),
  kick({ gateway, random, users }) {
    gateway()?.kick(random.pick(users));
    return () => {};
  },
  flood({ flood }) {
    flood();
    return () => {};
  },
  gatewayStops({ restartGateway }) {
    restartGateway('stop');
    return () => {};
  },
  gatewayCrashes({ restartGateway }) {
    restartGateway('crash');
    return () => {};
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
/** What shows most comes more often. */
const often: readonly FaultName[] = ['move', 'flood', 'flood', 'lateCommands', 'lateCommands', 'slowPublish'];
const names = [...(Object.keys(faults) as FaultName[]), ...often];

/** Of a machine that is not loaded. */
export const usualPace: SimPace = { inboxMs: 2, wakeMs: 0.5, messageMs: 2, startMs: 100 };

function stopServer({ cluster, random, scheduler }: FaultsParts, isHost: boolean): () => void {
  const server: MailServer = random.pick(cluster.servers);
  server.stop(isHost);
  if (random.chance(0.6)) scheduler.after(500 + random.below(2000), () => cluster.failOver(server.id));
  return () => server.start();
}

function setAdmin({ gateway, cluster, random }: FaultsParts, admin: 'drain' | 'maintenance'): () => void {
  const { id } = random.pick(cluster.servers);
  gateway()?.setAdmin(id, admin);
  return () => gateway()?.setAdmin(id, 'ready');
}

function freed({ network }: FaultsParts, link: Link, what: 'isCut' | 'isClogged'): void {
  link[what] = false;
  network.release(link);
}
