/** No gateway at all: the stub server with its own TLS. It is the floor that every gateway adds to. */
import { clientWords, nextLine, runLoad, serverCore, startLoad } from '../load-tool.ts';
import type { Subject, SubjectKind } from '../subject.ts';

export const direct: SubjectKind = {
  name: 'direct',
  version: 'the stub server with TLS by rustls, one thread',
  missing: undefined,
  async start({ tool }): Promise<Subject> {
    const words = ['--tls-listen', '127.0.0.1:0', '--dir', tool.folder];
    const running = startLoad(tool, 'stub-imap', words, serverCore);
    const port = portOf(await nextLine(running.lines, running), 'tls');
    const trial = await runLoad(tool, 'imap-login', clientWords(tool, port, { sessions: 1 }));
    if (trial.errors > 0) throw new Error(`the stub takes no login: ${trial.first_error}`);
    return { ...running, name: 'direct', port, handshakePort: port };
  },
};

/** The port in a stub's ready line: `{"kind":"ready","plain":"127.0.0.1:40001"}`. */
export function portOf(line: unknown, field: 'plain' | 'tls'): number {
  const address = (line as Readonly<Record<string, unknown>>)[field];
  const port = typeof address === 'string' ? Number(address.split(':').at(-1)) : Number.NaN;
  if (!Number.isInteger(port)) throw new Error(`the stub names no ${field} port: ${JSON.stringify(line)}`);
  return port;
}
