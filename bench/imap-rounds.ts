/**
 * The interleaved rounds: each kind of run goes over all subjects before the next kind begins, and each
 * round begins with another subject, so that a slow minute of the machine falls on all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type LoadTool, clientWords, runLoad } from './load-tool.ts';
import { type Run, type RunKind, cpuUsPerUnit } from './measurement.ts';
import type { ImapOptions } from './options.ts';
import { cpuTimeOf } from './proc.ts';
import { rotated } from './statistics.ts';
import type { Subject } from './subject.ts';
import { formatNumber } from './table.ts';

type Say = (line: string) => void;

/**
 * All runs that count. Each subject is warmed up first: its tables, heap and compiled code are then in
 * place.
 */
export async function runRounds(
  subjects: readonly Subject[],
  tool: LoadTool,
  { rounds, seconds }: ImapOptions,
  say: Say,
): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for (const subject of subjects) await measure(subject, tool, { kind: 'imap-login', round: 0, seconds });
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kinds) {
      for (const subject of rotated(subjects, round)) {
        const run = await measure(subject, tool, { kind, round, seconds });
        runs.push(run);
        say(`round ${round}/${rounds}  ${kind.padEnd(10)}  ${subject.name.padEnd(7)}  ${summary(run)}`);
        if (run.result.errors > 0) say(subject.lastWords());
      }
    }
  }
  return runs;
}

/** Which run it is, and how long. */
interface Turn {
  readonly kind: RunKind;
  readonly round: number;
  readonly seconds: number;
}

async function measure(subject: Subject, tool: LoadTool, { kind, round, seconds }: Turn): Promise<Run> {
  const port = kind === 'handshake' ? subject.handshakePort : subject.port;
  const before = cpuTimeOf(subject.pid);
  const result = await runLoad(tool, kind, clientWords(tool, port, { seconds }));
  // The last connections' ends are still being worked on when the generator has seen them.
  await sleep(settleMs);
  const after = cpuTimeOf(subject.pid);
  const cpuUs = after.scheduledUs - before.scheduledUs;
  return { kind, round, subject: subject.name, cpuUs, tickUs: after.tickUs - before.tickUs, result };
}

function summary(run: Run): string {
  const { done, errors, first_error, seconds, p50_ms, p99_ms } = run.result;
  const failed = errors > 0 ? `  ${errors} ERRORS, the first: ${first_error}` : '';
  const cost = `${formatNumber(cpuUsPerUnit(run), 0)} µs CPU  ${formatNumber(done / seconds, 0)}/s`;
  return `${cost}  p50 ${formatNumber(p50_ms, 2)} ms  p99 ${formatNumber(p99_ms, 2)} ms${failed}`;
}

const kinds: readonly RunKind[] = ['imap-login', 'handshake', 'latency'];
const settleMs = 100;
