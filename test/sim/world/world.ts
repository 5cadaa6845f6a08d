/** The surroundings of a gateway, made from its site: network, servers, truth, agents, mail programs. */
import type { Disk } from '../disk.ts';
import type { SimGateway } from '../gateway.ts';
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Site } from '../site.ts';
import type { Witness } from '../witness.ts';
import { type Agent, createAgent } from './agent.ts';
import { startChatter } from './chatter.ts';
import { MailClient, type MailClientParts } from './mail-client.ts';
import { MailCluster } from './mail-cluster.ts';
import { MailServer } from './mail-server.ts';
import { type Link, Network } from './network.ts';

export interface World {
  readonly network: Network;
  readonly cluster: MailCluster;
  readonly agents: readonly Agent[];
  readonly clients: readonly MailClient[];
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly reach: (address: string) => { readonly server: MailServer; readonly link: Link } | undefined;
  start(): void;
  heal(): void;
  leave(): void;
  flood(): void;
}

export interface WorldParts {
  readonly site: Site;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly witness: Witness;
  readonly disk: Disk;
  readonly gateway: () => SimGateway | undefined;
  readonly say: (text: string) => void;
}

export function createWorld(parts: WorldParts): World {
  const { site, scheduler, random, gateway } = parts;
  const network = new Network(scheduler, random.fork('network'));
  const servers = serversOf(parts, (database) => cluster.isServed(database));
  const databases = site.databases.map(({ id }) => id);
  const cluster = new MailCluster({
    servers,
    databases,
    countsEpochs: site.countsEpochs,
    scheduler,
    random: random.fork('cluster'),
    say: parts.say,
  });
  const agents = site.source === 'agents' ? agentsOf(parts, cluster, network) : [];
  const dial: MailClientParts['dial'] = (client, wire) => gateway()?.engine.connect(client, wire) ?? false;
  const clients = site.clients.map(
    (client) =>
      new MailClient({
        ...client,
        network,
        scheduler,
        random: random.fork(`client ${client.name}`),
        dial,
        onSeen: (seen) => parts.witness.tell({ is: 'seen', seen }),
      }),
  );
  const noise = random.fork('noise');

  return {
    network,
    cluster,
    agents,
    clients,
    databases,
    users: [...site.mailboxes.keys()],
    reach: (address) => {
      const server = servers.find((each) => each.address === address);
      return server && { server, link: network.linkOf(`server:${server.id}`) };
    },
    start() {
      parts.disk.put('/sim/mailboxes', '');
      if (site.source === 'file') keepCopiesFile(parts, cluster);
      for (const agent of agents) agent.start();
      for (const client of clients) client.start();
    },
    heal: () => heal({ network, cluster, agents, clients }),
    leave() {
      for (const client of clients) if (noise.chance(0.5)) client.leave();
    },
    flood: () => startChatter({ network, scheduler, random: noise, dial }),
  };
}

function heal({
  network,
  cluster,
  agents,
  clients,
}: Pick<World, 'network' | 'cluster' | 'agents' | 'clients'>) {
  for (const server of cluster.servers) {
    server.failing.clear();
    server.start();
  }
  for (const link of network.links()) {
    Object.assign(link, { delayMs: 1, isCut: false, isClogged: false });
    network.release(link);
  }
  for (const agent of agents) {
    agent.silence(false);
    agent.freeze(false);
  }
  cluster.heal();
  for (const client of clients) client.settle();
}

function serversOf(parts: WorldParts, isServed: (database: string) => boolean): MailServer[] {
  const { site, scheduler, random, witness } = parts;
  const policies = new Map(site.databases.map(({ id, policy }) => [id, policy]));
  return site.servers.map(
    ({ id, address }) =>
      new MailServer({
        id,
        address,
        accounts: site.accounts,
        policyOf: (database) => policies.get(database) ?? 'exclusive',
        isServed,
        scheduler,
        random: random.fork(`server ${id}`),
        capabilities: 'IMAP4rev1 LITERAL+ SASL-IR ID AUTH=PLAIN',
        hasTls: site.serverTls,
        thinkMs: site.thinkMs,
        kicksOut: site.kicksOut,
        onLogin: (server, user, isGood) => witness.tell({ is: 'judged', server, user, isGood }),
      }),
  );
}

function agentsOf({ site, scheduler, random, gateway }: WorldParts, cluster: MailCluster, network: Network) {
  return cluster.servers.map((server) =>
    createAgent({
      server: server.id,
      everyMs: site.agentEveryMs,
      isAlive: () => !server.isHostDown && server.state !== 'frozen',
      look: () => cluster.wordsOf(server.id),
      network,
      scheduler,
      random: random.fork(`agent ${server.id}`),
      post: (agent, words, body) => gateway()?.post(agent, words, body),
    }),
  );
}

/** The operator's script: writes the file anew when the truth has changed, a little late. */
function keepCopiesFile({ scheduler, disk, site }: WorldParts, cluster: MailCluster): void {
  const ids = site.servers.map(({ id }) => id).join(', ');
  const write = (): void => {
    const rows = site.databases.map(({ id }) => {
      const at = cluster.activeOf(id);
      const status = cluster.servers.find((server) => server.id === at)?.stores.get(id) === 'mounted';
      return `  ${id}: { active: ${at}, copies: [${ids}], status: ${status ? 'mounted' : 'mounting'} }\n`;
    });
    disk.put('/sim/copies', `databases:\n${rows.join('')}`);
  };
  let isWaiting = false;
  cluster.onChange = () => {
    if (isWaiting) return;
    isWaiting = true;
    scheduler.after(200, () => {
      isWaiting = false;
      write();
    });
  };
  write();
}
