/** A whole login session over IMAPS, 32 at once. */
import { type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop, unitFigures } from './closed-loop.ts';

/** What every user does first, and a mail program many times a day. */
export const login: Scenario = {
  name: 'login',
  doc: 'IMAPS session: full TLS 1.3 handshake, greeting, LOGIN, SELECT, LOGOUT, both sides closed.',
  needs: [],
  process: 'shared',
  setup: plainServer,
  rows: [
    { figure: 'cpuUs', what: 'IMAP login session', unit: 'CPU µs', digits: 0, better: 'lower' },
    { figure: 'perSecond', what: 'login sessions, 32 at once', unit: '/s', digits: 0, better: 'higher' },
  ],
  secondsOf: ({ seconds }) => seconds + overheadSeconds,
  async measure(stage) {
    const run = await runLoop(stage, { command: 'imap-login', port: stage.subject.ports.imaps });
    return measuredOf(run, unitFigures(run));
  },
};
