/** A whole login session over POP3S, 32 at once. */
import { type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop, unitFigures } from './closed-loop.ts';

/** What a scanner, a printer or an old mail program does every few minutes. */
export const pop3: Scenario = {
  name: 'pop3',
  doc: 'POP3S session: full TLS 1.3 handshake, greeting, USER, PASS, STAT, QUIT, both sides closed.',
  needs: ['pop3'],
  process: 'shared',
  setup: plainServer,
  rows: [
    { figure: 'cpuUs', what: 'POP3 login session', unit: 'CPU µs', digits: 0, better: 'lower' },
    { figure: 'perSecond', what: 'POP3 sessions, 32 at once', unit: '/s', digits: 0, better: 'higher' },
  ],
  secondsOf: ({ seconds }) => seconds + overheadSeconds,
  async measure(stage) {
    const run = await runLoop(stage, { command: 'pop3-login', port: stage.subject.ports.pop3s });
    return measuredOf(run, unitFigures(run));
  },
};
