/**
 * Memory per idle session: a fresh process, warmed by 200 logins, then thousands of sessions in IDLE. A
 * process that has been under load would hide the growth in memory that it kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asResult, clientWords, nextLine, runLoad, startLoad } from '../load-tool.ts';
import { type Measured, type Scenario, type Stage, plainServer, tlsServer } from '../scenario.ts';

/** TLS to the client, plain to the server. */
export const idle: Scenario = {
  name: 'idle',
  doc: 'Anonymous memory of all processes for each IMAPS session in IDLE, spliced to a plain server.',
  needs: [],
  process: 'fresh',
  setup: plainServer,
  rows: [{ figure: 'kib', what: 'idle session', unit: 'KiB', digits: 1, better: 'lower' }],
  secondsOf: ({ idleSessions }) => 12 + idleSessions / 1000,
  measure: measureIdle,
};

/** TLS on both sides. */
export const idleTls: Scenario = {
  ...idle,
  name: 'idle-tls',
  doc: 'Anonymous memory of all processes for each IMAPS session in IDLE, spliced to a server by TLS.',
  needs: ['splice', 'serverTls'],
  setup: tlsServer,
  rows: [{ figure: 'kib', what: 'idle session, TLS on both sides', unit: 'KiB', digits: 1, better: 'lower' }],
};

async function measureIdle({ subject, tool, lengths }: Stage): Promise<Measured> {
  const { imaps } = subject.ports;
  const warmUp = clientWords(tool, imaps, { sessions: warmUpSessions, seconds: 30 });
  await runLoad(tool, { command: 'imap-login', words: warmUp });
  await sleep(settleMs);
  const beforeKiB = subject.memoryKiB();
  const words = clientWords(tool, imaps, { sessions: lengths.idleSessions, seconds: 120 });
  const holding = startLoad(tool, { command: 'hold', words });
  await nextLine(holding.lines, holding);
  holding.child.stdin?.write('go\n');
  const held = asResult(await nextLine(holding.lines, holding), 'hold');
  await sleep(settleMs);
  const afterKiB = subject.memoryKiB();
  holding.child.stdin?.end();
  const { open } = asEnd(await nextLine(holding.lines, holding));
  const faults: string[] = [];
  const [wanted, failed] = [lengths.idleSessions, lengths.idleSessions - held.done];
  if (failed > 0)
    faults.push(`${failed} of ${wanted} sessions could not be held, the first: ${held.first_error}`);
  if (open < held.done) faults.push(`${held.done - open} of ${held.done} sessions were lost`);
  return {
    figures: held.done > 0 ? { kib: (afterKiB - beforeKiB) / held.done } : {},
    faults,
    gaugeUs: undefined,
    detail: { held: held.done, open, beforeKiB, afterKiB },
  };
}

function asEnd(line: unknown): { readonly open: number } {
  const end = line as { readonly open?: unknown };
  if (typeof end.open !== 'number') throw new Error(`not the end of hold: ${JSON.stringify(line)}`);
  return { open: end.open };
}

const warmUpSessions = 200;
/** Long enough for deferred work to be done, and for a round of a monitor. */
const settleMs = 2000;
