/**
 * Handshake and splice: accept, full handshake, dial the plain server, carry what is said, close. A gateway
 * that reads logins dials only behind one, so all subjects get the same short session: greeting, LOGIN,
 * LOGOUT.
 */
import { type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop, unitFigures } from './closed-loop.ts';

/** With the P-256 certificate. */
export const splice: Scenario = {
  name: 'splice',
  doc: 'Full TLS 1.3 handshake (P-256), the server dialled, greeting, LOGIN, LOGOUT, both sides closed.',
  needs: ['splice'],
  process: 'shared',
  setup: plainServer,
  rows: [{ figure: 'cpuUs', what: 'handshake and splice P-256', unit: 'CPU µs', digits: 0, better: 'lower' }],
  secondsOf: ({ seconds }) => seconds + overheadSeconds,
  async measure(stage) {
    const run = await runLoop(stage, { command: 'splice', port: stage.subject.ports.imaps });
    return measuredOf(run, unitFigures(run));
  },
};

/** With the RSA certificate. */
export const spliceRsa: Scenario = {
  ...splice,
  name: 'splice-rsa',
  doc: 'Full TLS 1.3 handshake (RSA-2048), the server dialled, greeting, LOGIN, LOGOUT, both sides closed.',
  needs: ['splice', 'rsa'],
  rows: [
    { figure: 'cpuUs', what: 'handshake and splice RSA-2048', unit: 'CPU µs', digits: 0, better: 'lower' },
  ],
  async measure(stage) {
    const { imapsRsa } = stage.subject.ports;
    const run = await runLoop(stage, { command: 'splice', port: imapsRsa, more: { certificate: 'rsa' } });
    return measuredOf(run, unitFigures(run));
  },
};
