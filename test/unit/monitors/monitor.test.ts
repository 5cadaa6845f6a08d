import { expect, test } from 'vitest';
import { probeTimeoutMs, startMonitor } from '#gateway/monitors/monitor';
import { fakeClock } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';

type Verdict = { is: 'good' } | { is: 'bad'; why: string };
const good: Verdict = { is: 'good' };

test('asks once an interval, counted from start to start', async () => {
  const { clock, asked, answer } = start();
  await pass(clock, 100);
  await answer(good);
  await pass(clock, 1_999);
  expect(asked()).toBe(1);
  await pass(clock, 1);
  expect(asked()).toBe(2);
});

test('a slow probe is not joined by a second one', async () => {
  const { clock, asked, answer, seen } = start();
  await pass(clock, 100);
  await pass(clock, 10_000);
  expect(asked()).toBe(1);
  await answer(good);
  await pass(clock, 100);
  expect([asked(), seen]).toEqual([2, [good]]);
});

test('a probe that never comes back is told as bad each time, and still alone', async () => {
  const { clock, asked, seen } = start();
  await pass(clock, 100);
  await pass(clock, probeTimeoutMs);
  await pass(clock, 100);
  await pass(clock, probeTimeoutMs);
  const late: Verdict = { is: 'bad', why: 'the probe did not come back within 60s' };
  expect([asked(), seen]).toEqual([1, [late, late]]);
});

test.each<[string, () => Promise<Verdict>]>([
  ['rejects', () => Promise.reject(new Error('no engine'))],
  [
    'throws',
    () => {
      throw new Error('no engine');
    },
  ],
])('a probe that %s is an observation', async (_, probe) => {
  const { clock, seen } = start(probe);
  await pass(clock, 100);
  expect(seen).toEqual([{ is: 'bad', why: 'the probe failed: no engine' }]);
});

test('after the stop nothing is asked and nothing told', async () => {
  const { clock, asked, answer, seen, monitor } = start();
  await pass(clock, 100);
  monitor.stop();
  await answer(good);
  await pass(clock, 10_000);
  expect([asked(), seen, clock.timers()]).toEqual([1, [], 0]);
});

test("an observation that can't be taken in is logged, and the monitor goes on asking", async () => {
  const { clock, asked, log, seen } = start(() => Promise.resolve(good), 1);
  await pass(clock, 100);
  expect(log.lines).toEqual([expect.stringContaining('taking in what a monitor saw failed {"why":"full"}')]);
  await pass(clock, 2_000);
  expect([asked(), seen]).toEqual([2, [good]]);
});

function start(probe?: () => Promise<Verdict>, faults = 0) {
  const clock = fakeClock();
  const log = recordingLog();
  const seen: unknown[] = [];
  let count = 0;
  let settle: (verdict: Verdict) => void = () => {};
  const monitor = startMonitor<Verdict>({
    probe: () => {
      count += 1;
      return probe?.() ?? new Promise((resolve) => (settle = resolve));
    },
    failure: (why) => ({ is: 'bad', why }),
    onSeen: (verdict) => {
      if (faults-- > 0) throw new Error('full');
      seen.push(verdict);
    },
    intervalMs: 2_000,
    clock,
    random: () => 0.5,
    log,
  });
  const answer = async (verdict: Verdict): Promise<void> => {
    settle(verdict);
    await turns();
  };
  return { clock, asked: () => count, answer, seen, monitor, log };
}

async function pass(clock: ReturnType<typeof fakeClock>, ms: number): Promise<void> {
  await turns();
  clock.advance(ms);
  await turns();
}

/** Lets all promises that can settle do so. */
function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
