/**
 * Bulk transfers through TLS in sessions that are logged in: the server sends (FETCH) or the client does
 * (APPEND), in pieces of 16 KiB or 1 MiB, about 1 MiB for each word said around them.
 */
import { type RowKind, type Scenario, plainServer } from '../scenario.ts';
import { measuredOf, overheadSeconds, runLoop } from './closed-loop.ts';

/** Enough that the server always finds one that can go on. */
const sessions = 8;

/** Many small messages, as in a first synchronization. */
export const fetch16k = bulk('fetch', '16k', 16_384);
/** Large messages. */
export const fetch1m = bulk('fetch', '1m', 1_048_576);
/** Many small messages on their way to the server. */
export const append16k = bulk('append', '16k', 16_384);
/** Large messages on their way to the server. */
export const append1m = bulk('append', '1m', 1_048_576);

function bulk(command: 'fetch' | 'append', size: string, piece: number): Scenario {
  const what = `${command.toUpperCase()} in pieces of ${size === '16k' ? '16 KiB' : '1 MiB'}`;
  const sender = command === 'fetch' ? 'the server sends' : 'the client sends';
  const rate: Omit<RowKind, 'what'> = { figure: 'mbPerSecond', unit: 'MB/s', digits: 0, better: 'higher' };
  return {
    name: `${command}-${size}`,
    doc: `${what} in ${sessions} sessions through TLS 1.3: ${sender}; CPU time for each byte of the pieces.`,
    needs: [],
    process: 'shared',
    setup: plainServer,
    rows: [
      { figure: 'nsPerByte', what, unit: 'CPU ns/byte', digits: 2, better: 'lower' },
      { ...rate, what: `${what}, rate` },
    ],
    secondsOf: ({ seconds }) => seconds + overheadSeconds,
    async measure(stage) {
      const more = { piece, parallel: sessions };
      const run = await runLoop(stage, { command, port: stage.subject.ports.imaps, more });
      const bytes = Number(run.result['bytes']);
      return measuredOf(run, {
        nsPerByte: (run.cpuUs * 1000) / bytes,
        mbPerSecond: bytes / 1e6 / run.result.seconds,
      });
    },
  };
}
