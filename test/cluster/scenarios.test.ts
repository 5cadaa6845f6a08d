/**
 * Plays the JSON scenarios of this folder: agents that post every three seconds (through the real parser), probes,
 * silence, and what must be believed at each moment. One simulated second a step; no real time passes.
 *
 * `voices` sets what an agent says from then on (null: it falls silent), `post` is one document with a seq of
 * its own, `observe` are probes. `expect` is looked at right after a phase's inputs. A generation is a number,
 * or `same`, `higher` than at the phase before.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createAgentFeed } from '#gateway/copy-sources/agent-feed';
import { parseCopiesFile } from '#gateway/copy-sources/copies-file';
import { serverNames } from '#gateway/copy-sources/server-names';
import { ownerOf } from '#gateway/cluster/active-copy';
import { startCluster, updateCluster } from '#gateway/cluster/cluster-state';
import type { ClusterInput, ClusterState } from '#gateway/cluster/cluster-state';
import type { DatabaseId, Moment, ServerId } from '#model/ids';
import { nothingKept } from '#model/kept';
import type { Verdict } from '#model/claim';

interface Scenario {
  readonly story: string;
  readonly phases: readonly Phase[];
}

interface Phase {
  /** Seconds from the start; phases are in order. */
  readonly at: number;
  readonly note?: string;
  readonly voices?: Readonly<Record<string, Says | null>>;
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
type Says = Readonly<
  Record<string, { active?: string; epoch?: number; observedAt?: string; copies: Record<string, string> }>
>;

interface Expected {
  readonly at: string;
  readonly server?: string;
  readonly generation?: number | 'same' | 'higher';
  readonly claimants?: readonly string[];
  readonly fault?: string | null;
}

const servers = ['ex1', 'ex2'].map((id) => ({ id: id as ServerId, fqdn: `${id}.corp.example` }));
const serverIdOf = serverNames(servers);
const wallStartMs = 1_790_000_000_000;
const agentPeriod = 3;

describe.each(scenarioFiles())('%s', (_, scenario) => {
  test(scenario.story, () => play(scenario));
});

function play({ phases }: Scenario): void {
  const site = createSite();
  const last = phases.at(-1)?.at ?? 0;
  const waiting = [...phases];
  for (let second = 0; second <= last; second++) {
    site.tick(second);
    for (let phase = waiting[0]; phase?.at === second; phase = waiting[0]) {
      waiting.shift();
      site.enter(phase);
      site.check(phase);
    }
  }
  expect(waiting).toEqual([]);
}

function createSite() {
  let state: ClusterState = startCluster(
    {
      servers: servers.map(({ id }) => id),
      databases: [{ id: 'db1' as DatabaseId, copies: ['ex1' as ServerId, 'ex2' as ServerId] }],
      staleAfterMs: 15_000,
      riseCount: 2,
      fallCount: 3,
    },
    nothingKept,
  );
  let now = 0;
  const feed = createAgentFeed({ serverIdOf, isKnownDatabase: (id) => state.view.databases.has(id) });
  const voices = new Map<string, Says>();
  const seqs = new Map<string, number>();
  const generations = new Map<string, number>();
  const shown = new Map<string, number>();

  function update(input: ClusterInput): void {
    state = updateCluster(state, input, { now: (now * 1000) as Moment, wallMs: wallStartMs + now * 1000 });
    for (const [id, view] of state.view.databases) {
      const generation = ownerOf(view.state)?.generation ?? 0;
      if (generation < (generations.get(id) ?? 0))
        throw new Error(`the generation of ${id} shrank at ${now} s`);
      generations.set(id, generation);
    }
  }

  function post(agent: string, seq: number, says: Says): void {
    const received = feed.receive(agentDocument(agent, seq, says), (now * 1000) as Moment);
    if ('problem' in received) throw new Error(received.problem);
    update({ is: 'claims', set: received.claims });
  }

  function speak(agent: string, says: Says): void {
    const seq = (seqs.get(agent) ?? 0) + 1;
    seqs.set(agent, seq);
    post(agent, seq, says);
  }

  return {
    tick(second: number) {
      now = second;
      update({ is: 'tick' });
      for (const [index, agent] of [...voices.keys()].sort().entries()) {
        const says = voices.get(agent);
        if (says !== undefined && (second - index) % agentPeriod === 0) speak(agent, says);
      }
    },
    enter(phase: Phase) {
      for (const [agent, says] of Object.entries(phase.voices ?? {})) {
        if (says === null) voices.delete(agent);
        else {
          voices.set(agent, says);
          speak(agent, says);
        }
      }
      if (phase.post !== undefined) post(phase.post.agent, phase.post.seq, phase.post.says);
      if (phase.file !== undefined) update({ is: 'claims', set: claimsOfFile(phase.file, now) });
      for (const { server, verdict, times = 1 } of phase.observe ?? []) {
        for (let time = 0; time < times; time++) {
          const at = (now * 1000) as Moment;
          update({
            is: 'observation',
            observation: { server: server as ServerId, protocol: 'imap', at, verdict },
          });
        }
      }
    },
    check({ at, note = '', expect: expected = {}, health = {} }: Phase) {
      const where = `at ${at} s${note === '' ? '' : `: ${note}`}`;
      for (const [id, wanted] of Object.entries(expected)) checkDatabase(id, wanted, where);
      for (const [id, wanted] of Object.entries(health)) {
        expect(
          state.view.servers.get(id as ServerId)?.protocols.imap?.health.is ?? 'unknown',
          `${id} ${where}`,
        ).toBe(wanted);
      }
    },
  };

  function checkDatabase(id: string, wanted: Expected, where: string): void {
    const view = state.view.databases.get(id as DatabaseId);
    const owner = view === undefined ? undefined : ownerOf(view.state);
    expect(view?.state.at, where).toBe(wanted.at);
    if (wanted.server !== undefined) expect(owner?.server, where).toBe(wanted.server);
    if (wanted.claimants !== undefined)
      expect(view?.state, where).toMatchObject({ claimants: wanted.claimants });
    if (wanted.fault !== undefined) expect(view?.fault ?? null, where).toBe(wanted.fault);
    const generation = owner?.generation ?? 0;
    const before = shown.get(id) ?? 0;
    if (typeof wanted.generation === 'number') expect(generation, where).toBe(wanted.generation);
    if (wanted.generation === 'same') expect(generation, where).toBe(before);
    if (wanted.generation === 'higher') expect(generation, where).toBeGreaterThan(before);
    shown.set(id, generation);
  }
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

function claimsOfFile(text: string, now: number) {
  const parsed = parseCopiesFile(text, { path: '/copies', serverIdOf, receivedAt: (now * 1000) as Moment });
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.claims;
}

function scenarioFiles(): [string, Scenario][] {
  const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'));
  return names
    .sort()
    .map((name) => [name, JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Scenario]);
}
