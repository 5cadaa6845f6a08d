/** What a stub server says in submission, and what a client of the tests does to log in. */
import type { RawConnection } from './raw-connection.ts';
import type { StubServer } from './stub-server.ts';

/**
 * The polite side of a submission server: every password but "wrong" is right. It stuffs no dots and keeps no
 * mail: what it was told is in `heard`.
 */
export async function submissionTalk(connection: RawConnection, stub: StubServer): Promise<void> {
  connection.send(`220 ${stub.name} ESMTP\r\n`);
  for (;;) {
    const line = await connection.line(600_000).catch(() => undefined);
    if (line === undefined) return;
    stub.heard.push(line);
    const [verb = '', , response = ''] = line.split(' ');
    switch (verb.toUpperCase()) {
      case 'EHLO':
        connection.send(`250-${stub.name}\r\n${offer}`);
        break;
      case 'AUTH':
        connection.send(judged(stub, response, connection.remotePort));
        break;
      case 'QUIT':
        connection.send('221 2.0.0 Bye\r\n');
        connection.finish();
        return;
      case 'DATA':
        connection.send('354 Go on\r\n');
        stub.heard.push(...(await connection.linesUntil(/^\.$/)));
        connection.send(`250 2.0.0 taken by ${stub.name}\r\n`);
        break;
      default:
        connection.send(`250 2.0.0 Ok of ${stub.name}\r\n`);
    }
  }
}

const offer = ['PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME', 'SIZE 1000']
  .map((word) => `250-${word}\r\n`)
  .concat('250 AUTH PLAIN\r\n')
  .join('');

function judged(stub: StubServer, response: string, clientPort: number): string {
  const [, user = '', password = ''] = Buffer.from(response, 'base64').toString('latin1').split('\0');
  stub.logins.push({ user, password, clientPort });
  return password === 'wrong' ? '535 5.7.8 no\r\n' : `235 2.7.0 in at ${stub.name}\r\n`;
}

/** The argument of AUTH PLAIN. */
export function plainResponse({ user, password }: { user: string; password: string }): string {
  return Buffer.from(`\0${user}\0${password}`, 'latin1').toString('base64');
}

/** Says a line, and gives all lines of its reply. */
export async function replyTo(client: RawConnection, line: string): Promise<string[]> {
  client.send(`${line}\r\n`);
  return client.linesUntil(/^\d{3} /);
}
