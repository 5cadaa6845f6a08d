import { expect, test } from 'vitest';
import { limits } from '#gateway/pool/limits';
import { type WorkerThread, superviseWorker } from '#gateway/pool/supervisor';
import { systemThreads } from '#gateway/pool/worker-thread';
import type { WorkerConfig } from '#model/messages';
import type { RoutingTable } from '#model/routing-table';
import { fakeClock } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';

test('a thread that can not be started is tried again', async () => {
  const { supervisor, clock, log, started } = supervise({ startFaults: 1 });
  expect(await supervisor.firstLife).toBe('no threads left');
  await turns();
  expect(supervisor.state()).toEqual({ state: 'waiting', restarts: 1 });
  expect(log.lines).toEqual([expect.stringContaining('error: worker ended')]);
  clock.advance(limits.backOffFirstMs);
  await turns();
  expect([started(), supervisor.state().state]).toEqual([2, 'starting']);
  await supervisor.stop();
});

test('a stuck thread is ended though the engine fails to suspend it; an unseen one is kept', async () => {
  const { supervisor, clock, log, killed } = supervise({ suspendFault: 'no such worker' });
  clock.advance(limits.upTimeoutMs);
  await turns();
  expect(killed).toEqual(['not up within 5s']);
  expect(log.lines[0]).toContain('suspending a worker failed {"why":"no such worker"}');
  await supervisor.stop();

  const blind = supervise({ lookFault: 'engine stopped' });
  blind.clock.advance(limits.pingIntervalMs);
  expect(blind.log.lines).toEqual([expect.stringContaining('the look after a worker failed')]);
  expect(blind.killed).toEqual([]);
  await blind.supervisor.stop();
});

interface Faults {
  readonly startFaults?: number;
  readonly suspendFault?: string;
  readonly lookFault?: string;
}

function supervise({ startFaults = 0, suspendFault, lookFault }: Faults) {
  const clock = fakeClock();
  const log = recordingLog();
  const killed: string[] = [];
  let starts = 0;
  const start = (): WorkerThread => {
    starts += 1;
    if (starts <= startFaults) throw new Error('no threads left');
    let end: (why: string) => void = () => {};
    const ended = new Promise<string>((resolve) => (end = resolve));
    const kill = (why: string): void => {
      killed.push(why);
      end(why);
    };
    return { ended, kill };
  };
  const { openChannel } = systemThreads(new URL('file:///none'));
  const threads = { start, openChannel };
  const engine = {
    suspendWorker: () => orFault(suspendFault),
    oldestEventMs: () => {
      orFault(lookFault);
      return 0;
    },
  };
  const table = (): RoutingTable => ({}) as RoutingTable;
  const config = {} as WorkerConfig;
  const supervisor = superviseWorker({ index: 0, threads, config, table, engine, clock, log });
  const stop = async (): Promise<void> => {
    const stopped = supervisor.stop();
    clock.advance(limits.stopTimeoutMs);
    await stopped;
  };
  return { supervisor: { ...supervisor, stop }, clock, log, killed, started: () => starts };
}

function orFault(words: string | undefined): void {
  if (words !== undefined) throw new Error(words);
}

function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
