/**
 * Plays the JSON scenarios of this folder: agents that post every three seconds, or `every` so many (through
 * the real parser), probes, silence, and what must be believed at each moment. One simulated second a step;
 * no real time passes.
 *
 * `voices` sets what an agent says from then on (null: it falls silent), `burst` repeats that 100 ms apart,
 * `post` is one document with a seq of its own, `observe` are probes. `expect` is looked at right after a
 * phase's inputs. A generation is a number, or `same`, `higher` than at the phase before.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownerOf } from '#gateway/cluster/active-copy';
import type { ClusterState } from '#gateway/cluster/cluster-state';
import type { DatabaseId, ServerId } from '#model/ids';
import { createSite } from './scenario-site.ts';
import type { Expected, Phase } from './scenario-site.ts';

interface Scenario {
  readonly story: string;
  readonly every?: number;
  readonly phases: readonly Phase[];
}

describe.each(scenarioFiles())('%s', (_, scenario) => {
  test(scenario.story, () => play(scenario));
});

function play({ phases, every }: Scenario): void {
  const site = createSite(every);
  const generations = new Map<string, number>();
  const last = phases.at(-1)?.at ?? 0;
  const waiting = [...phases];
  for (let second = 0; second <= last; second++) {
    site.tick(second);
    for (let phase = waiting[0]; phase?.at === second; phase = waiting[0]) {
      waiting.shift();
      site.enter(phase);
      checkPhase(phase, site.state(), generations);
    }
  }
  // A phase out of order would never be entered, and its expectations never looked at.
  expect(waiting).toEqual([]);
}

function checkPhase(phase: Phase, state: ClusterState, generations: Map<string, number>): void {
  const where = `at ${phase.at} s${phase.note === undefined ? '' : `: ${phase.note}`}`;
  for (const [id, wanted] of Object.entries(phase.expect ?? {})) {
    checkDatabase(id as DatabaseId, wanted, { state, where });
    const generation = generationOf(state, id as DatabaseId);
    checkGeneration(generation, wanted, { before: generations.get(id) ?? 0, where });
    generations.set(id, generation);
  }
  for (const [id, wanted] of Object.entries(phase.health ?? {})) {
    const health = state.view.servers.get(id as ServerId)?.protocols.imap?.health.is ?? 'unknown';
    expect(health, `${id} ${where}`).toBe(wanted);
  }
}

function checkDatabase(
  id: DatabaseId,
  wanted: Expected,
  { state, where }: { state: ClusterState; where: string },
): void {
  const view = state.view.databases.get(id);
  expect(view?.state.at, where).toBe(wanted.at);
  if (wanted.server !== undefined)
    expect(view?.state, where).toMatchObject({ owner: { server: wanted.server } });
  if (wanted.claimants !== undefined)
    expect(view?.state, where).toMatchObject({ claimants: wanted.claimants });
  if (wanted.fault !== undefined) expect(view?.fault ?? null, where).toBe(wanted.fault);
}

function checkGeneration(
  generation: number,
  { generation: wanted }: Expected,
  { before, where }: { before: number; where: string },
): void {
  if (typeof wanted === 'number') expect(generation, where).toBe(wanted);
  if (wanted === 'same') expect(generation, where).toBe(before);
  if (wanted === 'higher') expect(generation, where).toBeGreaterThan(before);
}

function generationOf(state: ClusterState, id: DatabaseId): number {
  const view = state.view.databases.get(id);
  return (view === undefined ? undefined : ownerOf(view.state))?.generation ?? 0;
}

function scenarioFiles(): [string, Scenario][] {
  const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'));
  return names
    .sort()
    .map((name) => [name, JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Scenario]);
}
