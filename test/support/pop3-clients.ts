/** POP3 clients as their users run them: Python's poplib, curl, fetchmail; and a talk by single lines. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ended, runChild } from './child.ts';
import { type Gateway, trusting } from './gateway.ts';
import type { Account } from './imap-talk.ts';
import { type RawConnection, connectRaw } from './raw-connection.ts';

/** TLS from the first byte, or by STLS. */
export type Pop3Way = 'pop3s' | 'pop3';

/** A Python program with a logged-in poplib `client`; it prints what the test looks at. */
export function runPoplib(gateway: Gateway, account: Account, way: Pop3Way, body: string): Promise<Ended> {
  const program = `
import poplib, ssl, sys
tls = ssl.create_default_context(cadata=sys.stdin.read())
tls.check_hostname = False
if ${way === 'pop3s' ? 'True' : 'False'}:
    client = poplib.POP3_SSL('127.0.0.1', ${gateway.portOf('pop3s')}, context=tls)
else:
    client = poplib.POP3('127.0.0.1', ${gateway.portOf('pop3')})
    client.stls(tls)
client.user('${account.user}')
client.pass_('${account.password}')
${body}
client.quit()
`;
  return runChild('python3', ['-c', program], { stdin: gateway.authority.caPem });
}

/** curl; `path` is empty for the list of messages, else a message's number. */
export function runPop3Curl(gateway: Gateway, account: Account, way: Pop3Way, path: string): Promise<Ended> {
  const port = gateway.portOf(way);
  const tls = ['--cacert', join(gateway.folder, 'ca.pem'), ...(way === 'pop3s' ? [] : ['--ssl-reqd'])];
  const where = ['--connect-to', `imap.test:${port}:127.0.0.1:${port}`, `${way}://imap.test:${port}/${path}`];
  return runChild('curl', ['-sS', ...tls, '-u', `${account.user}:${account.password}`, ...where]);
}

/** fetchmail, which keeps the mail on the server and puts each message into `mailbox` in the folder. */
export async function runFetchmail(
  gateway: Gateway,
  account: Account,
  way: Pop3Way,
  folder: string,
): Promise<Ended> {
  const path = join(folder, 'fetchmailrc');
  const tls = `sslcertck sslcertfile "${join(gateway.folder, 'ca.pem')}"`;
  const lines = [
    // It compares names, not addresses.
    `poll localhost protocol POP3 port ${gateway.portOf(way)}`,
    `  user "${account.user}" password "${account.password}" is root here keep fetchall`,
    `  ${way === 'pop3s' ? 'ssl' : 'sslproto "TLS1.2+"'} ${tls}`,
    `  mda "cat >> ${join(folder, 'mailbox')}"`,
    '',
  ];
  await writeFile(path, lines.join('\n'));
  await chmod(path, 0o600);
  return runChild(
    'fetchmail',
    ['-v', '-f', path, '--pidfile', join(folder, 'pid'), '-i', join(folder, 'ids')],
    {
      env: { HOME: folder },
    },
  );
}

/** Inside TLS, behind the greeting. */
export async function openPop3(gateway: Gateway, localAddress?: string): Promise<RawConnection> {
  const client = await connectRaw({
    port: gateway.portOf('pop3s'),
    tls: trusting(gateway.authority),
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  await client.line();
  return client;
}

/** One command and the first line of its answer. */
export async function pop3AnswerTo(client: RawConnection, command: string): Promise<string> {
  client.send(`${command}\r\n`);
  return client.line();
}
