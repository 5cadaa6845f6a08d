/** What the tests of survival count, and the lines in which they print it. */
import { readFileSync } from 'node:fs';
import type { Gateway } from './gateway.ts';

/** Straight to the test's output, once a test, whatever the reporter makes of console. */
export function say(counts: string): void {
  process.stdout.write(`survival: ${counts}\n`);
}

/** A metric without labels, or the sum of its series. */
export async function metricOf(gateway: Gateway, name: string): Promise<number> {
  const { text } = await gateway.admin('GET /metrics');
  const lines = text.split('\n').filter((line) => new RegExp(`^${name}(\\{[^}]*\\})? `).test(line));
  if (lines.length === 0) throw new Error(`no metric ${name}`);
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** The share of one core that the gateway takes while the work lasts, all its threads together. */
export async function cpuShareOf(gateway: Gateway, work: () => Promise<void>): Promise<number> {
  const [from, before] = [performance.now(), cpuMsOf(gateway)];
  await work();
  return (cpuMsOf(gateway) - before) / (performance.now() - from);
}

function cpuMsOf({ pid }: Gateway): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  // Fields 14 and 15 of proc(5), in ticks of 10 ms; the first two are cut off here.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
