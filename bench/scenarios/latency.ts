/** What a user waits for: one session at a time, its steps timed apart. */
import { type RowKind, type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop } from './closed-loop.ts';

/** Added to what it takes without a gateway. */
export const latency: Scenario = {
  name: 'latency',
  doc: 'One session at a time: connect until logged in, and a NOOP there and back once logged in.',
  needs: [],
  process: 'shared',
  setup: plainServer,
  rows: [
    added('untilLoginP50Ms', 'connect until logged in, p50'),
    added('untilLoginP99Ms', 'connect until logged in, p99'),
    added('noopP50Ms', 'NOOP once logged in, p50'),
    added('noopP99Ms', 'NOOP once logged in, p99'),
  ],
  secondsOf: ({ seconds }) => seconds + overheadSeconds,
  async measure(stage) {
    const run = await runLoop(stage, { command: 'latency', port: stage.subject.ports.imaps });
    return measuredOf(run, {
      untilLoginP50Ms: Number(run.result['until_login_p50_ms']),
      untilLoginP99Ms: Number(run.result['until_login_p99_ms']),
      noopP50Ms: Number(run.result['noop_p50_ms']),
      noopP99Ms: Number(run.result['noop_p99_ms']),
    });
  },
};

function added(figure: string, what: string): RowKind {
  return { figure, what, unit: 'ms', digits: 3, better: 'lower', isAdded: true };
}
