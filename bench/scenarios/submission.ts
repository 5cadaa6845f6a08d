/** A whole submission over SMTPS, with a login and one message of 4 KiB, 32 at once. */
import { type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop, unitFigures } from './closed-loop.ts';

/** What each message that a user sends costs. */
export const submission: Scenario = {
  name: 'submission',
  doc: 'SMTPS session: full TLS 1.3 handshake, EHLO, AUTH PLAIN, one message of 4 KiB, both sides closed.',
  needs: ['submission'],
  process: 'shared',
  setup: plainServer,
  rows: [
    { figure: 'cpuUs', what: 'submission session, 4 KiB', unit: 'CPU µs', digits: 0, better: 'lower' },
    { figure: 'perSecond', what: 'submission sessions, 32 at once', unit: '/s', digits: 0, better: 'higher' },
  ],
  secondsOf: ({ seconds }) => seconds + overheadSeconds,
  async measure(stage) {
    const run = await runLoop(stage, { command: 'submission', port: stage.subject.ports.submissions });
    return measuredOf(run, unitFigures(run));
  },
};
