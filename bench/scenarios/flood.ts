/**
 * A flood of handshakes beside sessions that are established: what those still get. The handshakes are full
 * ones with the RSA certificate: one core of generators can then fill the server's core, and each signature
 * is the longest piece of work that a gateway has. The flood's generator stands back behind the one that
 * asks, so that what is timed is the server's delay and not a generator's.
 */
import { cpuFaults, floodFaults, loadFaults } from '../faults.ts';
import { clientWords, watchLoads } from '../load-tool.ts';
import { cpuTimeBetween } from '../proc.ts';
import { type Measured, type RowKind, type Scenario, type Stage, plainServer } from '../scenario.ts';

/** A server farm that comes back, and all its clients with it. */
export const flood: Scenario = {
  name: 'flood',
  doc: 'Full RSA-2048 handshakes, 64 at once, while 1,000 spliced sessions each say a NOOP twice a second.',
  needs: ['splice', 'handshakeOnly', 'rsa'],
  process: 'shared',
  setup: plainServer,
  rows: [
    row('p50Ms', 'answers in a flood of handshakes, p50', 'ms', 2),
    row('p99Ms', 'answers in a flood of handshakes, p99', 'ms', 2),
    row('maxMs', 'answers in a flood of handshakes, longest', 'ms', 1),
    row('dropped', 'sessions dropped in a flood', 'count', 0),
    { ...row('cores', 'CPU of the gateway in a flood', 'cores', 2), better: 'higher' },
    { ...row('perSecond', 'handshakes in a flood', '/s', 0), better: 'higher' },
  ],
  secondsOf: ({ seconds, heldSessions }) => lengthFactor * seconds + 1 + heldSessions / 500,
  measure: measureFlood,
};

async function measureFlood({ subject, tool, lengths }: Stage): Promise<Measured> {
  const { imaps, handshakeRsa } = subject.ports;
  if (handshakeRsa === undefined) throw new Error(`${subject.name} has no port for handshakes alone`);
  const { heldSessions } = lengths;
  const seconds = lengthFactor * lengths.seconds;
  const ask = clientWords(tool, imaps, { seconds, sessions: heldSessions, 'every-ms': 500 });
  const more = { seconds, parallel: 64, certificate: 'rsa' };
  const loads = [
    { command: 'ask', words: ask },
    { command: 'handshake', words: clientWords(tool, handshakeRsa, more), niceness: 10 },
  ];
  const { results, before, after } = await watchLoads(tool, loads, () => subject.cpuTime());
  const [asked, shaken] = results;
  if (asked === undefined || shaken === undefined) throw new Error('flood gave no result');
  const cpu = cpuTimeBetween(before, after);
  const isEmpty = asked.done === 0 || shaken.done === 0;
  const figures = {
    p50Ms: asked.p50_ms,
    p99Ms: asked.p99_ms,
    maxMs: Number(asked['max_ms']),
    dropped: asked.errors,
    cores: cpu.scheduledUs / 1e6 / shaken.seconds,
    perSecond: shaken.done / shaken.seconds,
  };
  return {
    figures: isEmpty ? {} : figures,
    // A session that was dropped is a result here, not a fault of the run.
    faults: [
      ...loadFaults({ ...asked, errors: 0 }),
      ...loadFaults(shaken),
      ...cpuFaults(cpu),
      ...floodFaults(figures.cores),
    ],
    gaugeUs: isEmpty ? undefined : shaken.own_cpu_us_per_unit,
    detail: { cpuUs: cpu.scheduledUs, asked, shaken },
  };
}

function row(figure: string, what: string, unit: string, digits: number): RowKind {
  return { figure, what, unit, digits, better: 'lower' };
}

/** A p99 of answers that are asked for twice a second needs more of them than a second brings. */
const lengthFactor = 2;
