/** No gateway at all: the stub server with its own TLS. It is the floor that every gateway adds to. */
import { clientWords, nextLine, runLoad, serverCore, startLoad } from '../load-tool.ts';
import type { SubjectKind } from '../subject.ts';

export const direct: SubjectKind = {
  name: 'direct',
  role: 'floor',
  version: 'the stub server with TLS by rustls, one thread',
  missing: undefined,
  features: ['tls12', 'rsa', 'handshakeOnly', 'resumption'],
  async start({ tool }) {
    const listen = ['--tls-listen', '127.0.0.1:0', '--rsa-listen', '127.0.0.1:0', '--dir', tool.folder];
    const running = startLoad(tool, { command: 'stub-imap', words: listen }, serverCore);
    const ready = await nextLine(running.lines, running);
    const [imaps, imapsRsa] = [portOf(ready, 'tls'), portOf(ready, 'rsa')];
    const words = clientWords(tool, imaps, { sessions: 1 });
    const trial = await runLoad(tool, { command: 'imap-login', words });
    if (trial.errors > 0) throw new Error(`the stub takes no login: ${trial.first_error}`);
    const ports = { imaps, imapsRsa, handshake: imaps, handshakeRsa: imapsRsa };
    return { ...running, name: 'direct', ports };
  },
};

/** The port in a stub's ready line: `{"kind":"ready","plain":"127.0.0.1:40001"}`. */
export function portOf(line: unknown, field: 'plain' | 'tls' | 'rsa'): number {
  const address = (line as Readonly<Record<string, unknown>>)[field];
  const port = typeof address === 'string' ? Number(address.split(':').at(-1)) : Number.NaN;
  if (!Number.isInteger(port)) throw new Error(`the stub names no ${field} port: ${JSON.stringify(line)}`);
  return port;
}
