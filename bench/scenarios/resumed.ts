/**
 * Resumed handshakes, nothing behind them. Each of the generator's lanes fetches tickets of its own before
 * the run, and each connection is checked to have been resumed.
 */
import { type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop, unitFigures } from './closed-loop.ts';

/** With a ticket of TLS 1.3: a new key exchange, but no signature. */
export const resumed13 = resumed('1.3', ['handshakeOnly', 'resumption']);
/** With a ticket of TLS 1.2: no key exchange either. */
export const resumed12 = resumed('1.2', ['handshakeOnly', 'resumption', 'tls12']);

function resumed(version: string, needs: Scenario['needs']): Scenario {
  return {
    name: `resumed-${version}`,
    doc: `Resumed TLS ${version} handshake by ticket, closed at once; no server is contacted.`,
    needs,
    process: 'shared',
    setup: plainServer,
    rows: [
      {
        figure: 'cpuUs',
        what: `resumed handshake TLS ${version}`,
        unit: 'CPU µs',
        digits: 0,
        better: 'lower',
      },
    ],
    secondsOf: ({ seconds }) => seconds + overheadSeconds,
    async measure(stage) {
      const run = await runLoop(stage, {
        command: 'resumed',
        port: stage.subject.ports.handshake,
        more: { 'tls-version': version },
      });
      return measuredOf(run, unitFigures(run));
    },
  };
}
