/**
 * The site that a scenario is played on: agents that post through the real parser, and the cluster state that
 * follows. Every update checks that no generation shrinks.
 */
import { createAgentFeed } from '#gateway/copy-sources/agent-feed';
import { parseCopiesFile } from '#gateway/copy-sources/copies-file';
import { serverNames } from '#gateway/copy-sources/server-names';
import { ownerOf } from '#gateway/cluster/active-copy';
import { startCluster, updateCluster } from '#gateway/cluster/cluster-state';
import type { ClusterInput, ClusterState } from '#gateway/cluster/cluster-state';
import type { Verdict } from '#model/claim';
import type { DatabaseId, Moment, ServerId } from '#model/ids';
import { nothingKept } from '#model/kept';

/** What happens at one moment, and what must be believed then. */
export interface Phase {
  /** Seconds from the start; phases are in order. */
  readonly at: number;
  readonly note?: string;
  readonly voices?: Readonly<Record<string, Says | null>>;
  /** The agent repeats its word, 100 ms apart. */
  readonly burst?: { readonly agent: string; readonly times: number };
  readonly post?: { readonly agent: string; readonly seq: number; readonly says: Says };
  readonly file?: string;
  readonly observe?: readonly {
    readonly server: string;
    readonly verdict: Verdict;
    readonly times?: number;
  }[];
  readonly expect?: Readonly<Record<string, Expected>>;
  readonly health?: Readonly<Record<string, string>>;
}

/** Database -> what an agent says of it; `copies` is server -> status. */
export type Says = Readonly<
  Record<string, { active?: string; epoch?: number; observedAt?: string; copies: Record<string, string> }>
>;

export interface Expected {
  readonly at: string;
  readonly server?: string;
  readonly generation?: number | 'same' | 'higher';
  readonly claimants?: readonly string[];
  readonly fault?: string | null;
}

export interface Site {
  /** One second passes: staleness is judged, and the agents whose turn it is speak. */
  tick(second: number): void;
  enter(phase: Phase): void;
  state(): ClusterState;
}

/** Two servers, one database in the settings, agents every so many seconds. */
export function createSite(every = 3): Site {
  const cluster = createCluster();
  const voices = new Map<string, Says>();
  const seqs = new Map<string, number>();

  function speak(agent: string, says: Says): void {
    const seq = (seqs.get(agent) ?? 0) + 1;
    seqs.set(agent, seq);
    cluster.post(agent, seq, says);
  }

  function setVoices(changes: NonNullable<Phase['voices']>): void {
    for (const [agent, says] of Object.entries(changes)) {
      if (says === null) {
        voices.delete(agent);
        continue;
      }
      voices.set(agent, says);
      speak(agent, says);
    }
  }

  function repeat({ agent, times }: NonNullable<Phase['burst']>, second: number): void {
    const says = voices.get(agent);
    if (says === undefined) throw new Error(`${agent} has nothing to repeat`);
    for (let time = 1; time <= times; time++) {
      cluster.setNow(second + time / 10);
      speak(agent, says);
    }
  }

  return {
    tick(second) {
      cluster.setNow(second);
      for (const [index, agent] of [...voices.keys()].sort().entries()) {
        const says = voices.get(agent);
        if (says !== undefined && (second - index) % every === 0) speak(agent, says);
      }
    },
    enter({ at, voices: changes = {}, burst, post, file, observe = [] }) {
      setVoices(changes);
      if (burst !== undefined) repeat(burst, at);
      if (post !== undefined) cluster.post(post.agent, post.seq, post.says);
      if (file !== undefined) cluster.read(file);
      for (const { server, verdict, times = 1 } of observe) {
        for (let time = 0; time < times; time++) cluster.observe(server as ServerId, verdict);
      }
    },
    state: cluster.state,
  };
}

function createCluster() {
  let state = startCluster(rules, nothingKept);
  let now = 0;
  const generations = new Map<string, number>();
  const moment = (): Moment => (now * 1000) as Moment;
  const feed = createAgentFeed({ serverIdOf, isKnownDatabase: (id) => state.view.databases.has(id) });

  function update(input: ClusterInput): void {
    state = updateCluster(state, input, { now: moment(), wallMs: wallStartMs + moment() });
    for (const [id, view] of state.view.databases) {
      const generation = ownerOf(view.state)?.generation ?? 0;
      if (generation < (generations.get(id) ?? 0))
        throw new Error(`the generation of ${id} shrank at ${now} s`);
      generations.set(id, generation);
    }
  }

  return {
    state: () => state,
    setNow(second: number) {
      now = second;
      update({ is: 'tick' });
    },
    post(agent: string, seq: number, says: Says) {
      const received = feed.receive(agentDocument(agent, seq, says), moment());
      if ('problem' in received) throw new Error(received.problem);
      update({ is: 'claims', set: received.claims });
    },
    read(text: string) {
      const parsed = parseCopiesFile(text, { path: '/copies', serverIdOf, receivedAt: moment() });
      if ('problem' in parsed) throw new Error(parsed.problem);
      update({ is: 'claims', set: parsed.claims });
    },
    observe(server: ServerId, verdict: Verdict) {
      update({ is: 'observation', observation: { server, protocol: 'imap', at: moment(), verdict } });
    },
  };
}

function agentDocument(agent: string, seq: number, says: Says): string {
  const databases = Object.entries(says).map(([name, { active, epoch, copies }]) => ({
    name,
    activeServer: active,
    epoch,
    copies: Object.entries(copies).map(([server, status]) => ({ server, status })),
  }));
  const observedAt = Object.values(says)[0]?.observedAt ?? '2026-11-22T10:15:03Z';
  return JSON.stringify({ schema: 'edge-topology/1', agent, seq, observedAt, databases });
}

const servers = ['ex1', 'ex2'].map((id) => ({ id: id as ServerId, fqdn: `${id}.corp.example` }));
const serverIdOf = serverNames(servers);
const wallStartMs = 1_790_000_000_000;
const rules = {
  servers: servers.map(({ id }) => id),
  databases: [{ id: 'db1' as DatabaseId, copies: servers.map(({ id }) => id) }],
  staleAfterMs: 15_000,
  riseCount: 2,
  fallCount: 3,
};
