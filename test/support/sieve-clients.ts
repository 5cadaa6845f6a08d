/** ManageSieve clients: sieve-connect, a small one in Python for all commands, and a talk by single lines. */
import { join } from 'node:path';
import { type Ended, runChild } from './child.ts';
import { type Gateway, trusting } from './gateway.ts';
import type { Account } from './imap-talk.ts';
import { type RawConnection, connectRaw } from './raw-connection.ts';

/** sieve-connect, which checks the certificate, with an action such as `--list`. */
export function runSieveConnect(
  gateway: Gateway,
  { user, password }: Account,
  ...action: readonly string[]
): Promise<Ended> {
  // It compares names, not addresses.
  const where = ['-s', 'localhost', '-p', String(gateway.portOf('managesieve'))];
  const tls = ['--tlscafile', join(gateway.folder, 'ca.pem')];
  const login = ['-u', user, '--passwordfd', '0'];
  return runChild('sieve-connect', [...where, ...tls, ...login, ...action], { stdin: `${password}\n` });
}

/**
 * A Python program with a logged-in `client` behind STARTTLS: `client.ask(bytes)` gives the lines of an
 * answer, literals among them. It prints what the test looks at.
 */
export function runSieveClient(gateway: Gateway, account: Account, body: string): Promise<Ended> {
  const program = `
import base64, socket, ssl, sys
class Client:
    def __init__(self, port, tls):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.file = self.socket.makefile('rb')
        self.before = self.answer()
        assert self.ask(b'STARTTLS\\r\\n')[-1].startswith(b'OK')
        self.socket = tls.wrap_socket(self.socket)
        self.file = self.socket.makefile('rb')
        self.within = self.answer()
    def answer(self):
        lines = []
        while True:
            line = self.file.readline().rstrip(b'\\r\\n')
            lines.append(line)
            if line.endswith(b'}'):
                lines.append(self.file.read(int(line[line.rindex(b'{') + 1:-1])))
                self.file.readline()
            if line[:2] in (b'OK', b'NO') or line[:3] == b'BYE' or line == b'':
                return lines
    def ask(self, command):
        self.socket.sendall(command)
        return self.answer()
    def login(self, user, password):
        message = base64.b64encode(('\\0' + user + '\\0' + password).encode())
        return self.ask(b'AUTHENTICATE "PLAIN" {%d+}\\r\\n%s\\r\\n' % (len(message), message))[-1]
tls = ssl.create_default_context(cadata=sys.stdin.read())
tls.check_hostname = False
client = Client(${gateway.portOf('managesieve')}, tls)
print(client.login('${account.user}', '${account.password}').decode())
${body}
print(client.ask(b'LOGOUT\\r\\n')[-1].decode())
`;
  return runChild('python3', ['-c', program], { stdin: gateway.authority.caPem });
}

/** In clear, behind the greeting, whose lines come with it. */
export async function openClearSieve(
  gateway: Gateway,
  localAddress?: string,
): Promise<{ readonly client: RawConnection; readonly greeting: string[] }> {
  const port = gateway.portOf('managesieve');
  const client = await connectRaw(localAddress === undefined ? { port } : { port, localAddress });
  return { client, greeting: await client.linesUntil(/^OK/) };
}

/** Inside TLS, behind the capabilities that come anew. */
export async function openSieve(gateway: Gateway, localAddress?: string): Promise<RawConnection> {
  const { client } = await openClearSieve(gateway, localAddress);
  client.send('STARTTLS\r\n');
  await client.linesUntil(/^OK/);
  await client.startTls(trusting(gateway.authority));
  await client.linesUntil(/^OK/);
  return client;
}

/** The line that logs in. */
export function sieveLogin({ user, password }: Account): string {
  return `AUTHENTICATE "PLAIN" "${Buffer.from(`\0${user}\0${password}`).toString('base64')}"\r\n`;
}
