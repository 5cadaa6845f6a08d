/** No gateway at all: the stub server with its own TLS. It is the floor that every gateway adds to. */
import { nextLine, serverCore, startLoad } from '../load-tool.ts';
import { tryLogins } from '../trial.ts';
import { type StubPorts, type SubjectKind, stubProtocols } from '../subject.ts';

export const direct: SubjectKind = {
  name: 'direct',
  role: 'floor',
  version: 'the stub server with TLS by rustls, one thread',
  missing: undefined,
  features: ['tls12', 'rsa', 'handshakeOnly', 'resumption', 'pop3', 'submission'],
  async start({ tool }) {
    const kinds = ['--tls', '--rsa', '--dir', tool.folder];
    const running = startLoad(tool, { command: 'stub', words: kinds }, serverCore);
    const ready = await nextLine(running.lines, running);
    const { imap: imaps, pop3: pop3s, submission: submissions } = stubPortsIn(ready, 'tls');
    const { imap: imapsRsa } = stubPortsIn(ready, 'rsa');
    const ports = { imaps, imapsRsa, handshake: imaps, handshakeRsa: imapsRsa, pop3s, submissions };
    const problem = await tryLogins(tool, ports);
    if (problem !== undefined) throw new Error(`the stub takes no login: ${problem}`);
    return { ...running, name: 'direct', ports };
  },
};

/** The ports in a stub's ready line: `{"kind":"ready","imap_plain":"127.0.0.1:40001",...}`. */
export function stubPortsIn(line: unknown, kind: 'plain' | 'tls' | 'rsa'): StubPorts {
  const ports = stubProtocols.map((protocol) => [protocol, portOf(line, `${protocol}_${kind}`)]);
  return Object.fromEntries(ports) as StubPorts;
}

function portOf(line: unknown, field: string): number {
  const address = (line as Readonly<Record<string, unknown>>)[field];
  const port = typeof address === 'string' ? Number(address.split(':').at(-1)) : Number.NaN;
  if (!Number.isInteger(port)) throw new Error(`the stub names no ${field}: ${JSON.stringify(line)}`);
  return port;
}
