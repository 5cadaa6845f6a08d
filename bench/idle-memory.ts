/**
 * Memory per idle session: a fresh process, warmed by 200 logins, then thousands of sessions in IDLE. A
 * process that has been under load would hide the growth in memory that it kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type LoadTool, asResult, clientWords, nextLine, runLoad, startLoad } from './load-tool.ts';
import type { IdleMemory } from './measurement.ts';
import { anonymousKiBOf } from './proc.ts';
import type { Subject } from './subject.ts';

/** `subject` must have been started for this alone; stopping it is the caller's. */
export async function measureIdleMemory(
  subject: Subject,
  tool: LoadTool,
  sessions: number,
): Promise<IdleMemory> {
  await runLoad(
    tool,
    'imap-login',
    clientWords(tool, subject.port, { sessions: warmUpSessions, seconds: 30 }),
  );
  await sleep(settleMs);
  const beforeKiB = anonymousKiBOf(subject.pid);
  const holding = startLoad(tool, 'hold', clientWords(tool, subject.port, { sessions, seconds: 120 }));
  const held = asResult(await nextLine(holding.lines, holding), 'hold');
  await sleep(settleMs);
  const afterKiB = anonymousKiBOf(subject.pid);
  holding.child.stdin?.end();
  const end = asEnd(await nextLine(holding.lines, holding));
  return {
    subject: subject.name,
    sessions: held.done,
    failed: sessions - held.done,
    openAtEnd: end.open,
    beforeKiB,
    afterKiB,
  };
}

function asEnd(line: unknown): { readonly open: number } {
  const end = line as { readonly open?: unknown };
  if (typeof end.open !== 'number') throw new Error(`not the end of hold: ${JSON.stringify(line)}`);
  return { open: end.open };
}

const warmUpSessions = 200;
/** Long enough for deferred work to be done, and for two rounds of a monitor. */
const settleMs = 2000;
