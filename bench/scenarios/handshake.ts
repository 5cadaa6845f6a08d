/** The full handshake, and nothing behind it: no server is contacted. */
import { type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop, unitFigures } from './closed-loop.ts';

/** With the P-256 certificate. */
export const handshake: Scenario = {
  name: 'handshake',
  doc: 'Full TLS 1.3 handshake with a P-256 certificate, closed at once; no server is contacted.',
  needs: ['handshakeOnly'],
  process: 'shared',
  setup: plainServer,
  rows: [
    { figure: 'cpuUs', what: 'full handshake P-256', unit: 'CPU µs', digits: 0, better: 'lower' },
    { figure: 'perSecond', what: 'full handshakes P-256', unit: '/s', digits: 0, better: 'higher' },
  ],
  secondsOf: ({ seconds }) => seconds + overheadSeconds,
  async measure(stage) {
    const run = await runLoop(stage, { command: 'handshake', port: stage.subject.ports.handshake });
    return measuredOf(run, unitFigures(run));
  },
};

/** With the RSA certificate: the signature is nearly all of it. */
export const handshakeRsa: Scenario = {
  ...handshake,
  name: 'handshake-rsa',
  doc: 'Full TLS 1.3 handshake with an RSA certificate of 2048 bits, closed at once; no server is contacted.',
  needs: ['handshakeOnly', 'rsa'],
  rows: [{ figure: 'cpuUs', what: 'full handshake RSA-2048', unit: 'CPU µs', digits: 0, better: 'lower' }],
  async measure(stage) {
    const run = await runLoop(stage, {
      command: 'handshake',
      port: stage.subject.ports.handshakeRsa,
      more: { certificate: 'rsa' },
    });
    return measuredOf(run, unitFigures(run));
  },
};
