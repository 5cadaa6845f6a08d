/**
 * Lines before the login, which a worker answers: what one costs the worker's thread and the IO thread, and
 * how many events each wake of the worker brings.
 */
import { loadFaults } from '../faults.ts';
import { clientWords, watchLoads } from '../load-tool.ts';
import { threadsOf } from '../proc.ts';
import { type Measured, type Scenario, type Stage, plainServer } from '../scenario.ts';
import type { WorkerCounters } from '../subject.ts';
import { overheadSeconds } from './closed-loop.ts';

/** Every line has a wake to itself. */
export const preamble1 = preamble(1);
/** A busy second. */
export const preamble16 = preamble(16);
/** A storm. */
export const preamble128 = preamble(128);

function preamble(connections: number): Scenario {
  const many = connections === 1 ? '1 connection' : `${connections} connections`;
  return {
    name: `preamble-${connections}`,
    doc: `NOOP lines before the login, one after another on ${many}: CPU time of the threads by kind.`,
    needs: ['workerCounters'],
    process: 'shared',
    setup: plainServer,
    rows: [
      { figure: 'workerUs', what: `preamble line, ${many}`, unit: 'worker µs', digits: 1, better: 'lower' },
      { figure: 'ioUs', what: `preamble line, ${many}`, unit: 'IO thread µs', digits: 1, better: 'lower' },
      {
        figure: 'eventsPerWake',
        what: `preamble, ${many}`,
        unit: 'events/wake',
        digits: 2,
        better: 'higher',
      },
    ],
    secondsOf: ({ seconds }) => seconds + overheadSeconds,
    measure: (stage) => measurePreamble(stage, connections),
  };
}

async function measurePreamble({ subject, tool, lengths }: Stage, connections: number): Promise<Measured> {
  const words = clientWords(tool, subject.ports.imaps, { seconds: lengths.seconds, parallel: connections });
  const look = async () => ({ ...threadTimes(subject.pid), ...(await countersOf(subject)) });
  const { results, before, after } = await watchLoads(tool, [{ command: 'preamble', words }], look);
  const [result] = results;
  if (result === undefined) throw new Error('preamble gave no result');
  const [workerUs, ioUs] = [after.workerUs - before.workerUs, after.ioUs - before.ioUs];
  const [events, wakes] = [after.events - before.events, after.wakes - before.wakes];
  const isEmpty = result.done === 0 || wakes === 0;
  const figures = {
    workerUs: workerUs / result.done,
    ioUs: ioUs / result.done,
    eventsPerWake: events / wakes,
  };
  return {
    figures: isEmpty ? {} : figures,
    faults: [...loadFaults(result), ...(wakes === 0 ? ['no worker was woken'] : [])],
    gaugeUs: isEmpty ? undefined : result.own_cpu_us_per_unit,
    detail: { workerUs, ioUs, events, wakes, ...result },
  };
}

function countersOf(subject: Stage['subject']): Promise<WorkerCounters> {
  if (subject.workerCounters === undefined) throw new Error(`${subject.name} has no counters of its workers`);
  return subject.workerCounters();
}

/** The engine names its threads, and the workers when they join. */
function threadTimes(pid: number): { readonly workerUs: number; readonly ioUs: number } {
  const threads = threadsOf(pid);
  const sumOf = (prefix: string) => {
    const own = threads.filter(({ name }) => name.startsWith(prefix));
    if (own.length === 0) throw new Error(`no thread is called ${prefix}N`);
    return own.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  };
  return { workerUs: sumOf('postern-work-'), ioUs: sumOf('postern-io-') };
}
