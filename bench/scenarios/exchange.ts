/** Spliced exchanges: a NOOP there and back in sessions that are logged in, which never touches a worker. */
import { type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop } from './closed-loop.ts';

/** What most of a session's life is made of. The latency of one at a time is a row of `latency`. */
export const exchange: Scenario = {
  name: 'exchange',
  doc: 'NOOP there and back in 16 sessions that are logged in, one after another in each.',
  needs: [],
  process: 'shared',
  setup: plainServer,
  rows: [
    { figure: 'cpuUs', what: 'exchange once logged in', unit: 'CPU µs', digits: 1, better: 'lower' },
    { figure: 'p50Ms', what: 'exchange, 16 sessions, p50', unit: 'ms', digits: 3, better: 'lower' },
    { figure: 'p99Ms', what: 'exchange, 16 sessions, p99', unit: 'ms', digits: 3, better: 'lower' },
  ],
  secondsOf: ({ seconds }) => seconds + overheadSeconds,
  async measure(stage) {
    const loop = { command: 'exchange', port: stage.subject.ports.imaps, more: { parallel: 16 } };
    const run = await runLoop(stage, loop);
    return measuredOf(run, {
      cpuUs: run.cpuUs / run.result.done,
      p50Ms: run.result.p50_ms,
      p99Ms: run.result.p99_ms,
    });
  },
};
