/**
 * The loop of one probe: asks, tells what was seen, waits, asks again. It never overlaps and never throws.
 *
 * What a probe asks is imap-probe.ts and imap-login-probe.ts; what observations mean is cluster/.
 */
import type { Clock } from '#lib/clock';
import { keepGoing } from '#lib/keep-going';
import type { Log } from '#lib/log';
import { sleep } from '#lib/sleep';
import { firstWaitMs, nextWaitMs } from './schedule.ts';

/** What one probe saw. `unasked`: there was nothing to ask, or the answer says nothing of the server. */
export type Seen<Verdict> = Verdict | { readonly is: 'unasked'; readonly why: string };

export interface MonitorParts<Verdict extends { readonly is: string }> {
  /** One question. It has its own deadlines; the monitor's is the last resort. */
  readonly probe: () => Promise<Seen<Verdict>>;
  /** The verdict of a probe that threw, or did not come back. */
  readonly failure: (why: string) => Seen<Verdict>;
  readonly onSeen: (seen: Seen<Verdict>) => void;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface Monitor {
  /** No probe starts any more, and what a running one sees is not told. */
  stop(): void;
}

/** All deadlines of the longest probe (connect, TLS, greeting, login, answers) stay below it. */
export const probeTimeoutMs = 60_000;

/** Starts asking after a short random wait, and goes on until stopped. */
export function startMonitor<Verdict extends { readonly is: string }>(parts: MonitorParts<Verdict>): Monitor {
  const { clock, intervalMs, random, log } = parts;
  const stopping = new AbortController();

  async function run(): Promise<void> {
    await sleep(clock, firstWaitMs(intervalMs, random()), stopping.signal);
    let running: Promise<Seen<Verdict>> | undefined;
    while (!stopping.signal.aborted) {
      const askedAt = clock.now();
      running ??= ask(parts);
      const seen = await beforeDeadline(running, clock, stopping.signal);
      if (stopping.signal.aborted) return;

      // A probe that does not come back is waited for further, so that there are never two of them.
      if (seen !== undefined) running = undefined;
      keepGoing(log, 'taking in what a monitor saw', () => {
        parts.onSeen(seen ?? parts.failure(`the probe did not come back within ${probeTimeoutMs / 1000}s`));
      });
      await sleep(clock, nextWaitMs(intervalMs, clock.now() - askedAt, random()), stopping.signal);
    }
  }

  keepGoing(log, 'a monitor', run);
  return { stop: () => stopping.abort() };
}

/** The probe's answer; what it throws is an answer too. */
async function ask<Verdict extends { readonly is: string }>(
  parts: MonitorParts<Verdict>,
): Promise<Seen<Verdict>> {
  try {
    return await parts.probe();
  } catch (error) {
    return parts.failure(`the probe failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function beforeDeadline<Value>(
  running: Promise<Value>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Value | undefined> {
  const answered = new AbortController();
  const late = sleep(clock, probeTimeoutMs, AbortSignal.any([answered.signal, signal])).then(() => undefined);
  const first = await Promise.race([running, late]);
  answered.abort();
  return first;
}
