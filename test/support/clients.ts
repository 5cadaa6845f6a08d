/**
 * Real mail clients, run as their users run them: imapflow here, Python's imaplib, curl and mbsync as
 * programs.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { type Ended, runChild } from './child.ts';
import type { Gateway } from './gateway.ts';
import type { Account } from './imap-talk.ts';

/** Logged in over IMAPS, or over the clear port with STARTTLS, which it insists on. */
export async function openImapFlow(
  gateway: Gateway,
  account: Account,
  how: 'imaps' | 'starttls' = 'imaps',
): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: how === 'imaps' ? gateway.imaps.port : gateway.imap.port,
    secure: how === 'imaps',
    ...(how === 'imaps' ? {} : { doSTARTTLS: true }),
    servername: 'imap.test',
    tls: { ca: gateway.authority.caPem },
    auth: { user: account.user, pass: account.password },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined); // A test that breaks connections on purpose sees it where it waits.
  await client.connect();
  return client;
}

/**
 * A Python program with `connect()`, which gives a logged-in imaplib client. It prints what the test looks
 * at.
 */
export function runImaplib(
  gateway: Gateway,
  account: Account,
  how: 'imaps' | 'starttls',
  body: string,
): Promise<Ended> {
  const program = `
import imaplib, ssl, sys
imaplib._MAXLINE = 100_000_000
def connect():
    tls = ssl.create_default_context(cadata=sys.stdin.read())
    tls.check_hostname = False
    if ${how === 'imaps' ? 'True' : 'False'}:
        client = imaplib.IMAP4_SSL('127.0.0.1', ${gateway.imaps.port}, ssl_context=tls)
    else:
        client = imaplib.IMAP4('127.0.0.1', ${gateway.imap.port})
        client.starttls(tls)
    client.login('${account.user}', '${account.password}')
    return client
client = connect()
${body}
client.logout()
`;
  return runChild('python3', ['-c', program], { stdin: gateway.authority.caPem });
}

/** curl with the mailbox's path, such as `INBOX;UID=1`. */
export function runCurl(
  gateway: Gateway,
  account: Account,
  { how, path, more = [] }: { how: 'imaps' | 'starttls'; path: string; more?: readonly string[] },
): Promise<Ended> {
  const { port } = how === 'imaps' ? gateway.imaps : gateway.imap;
  const scheme = how === 'imaps' ? 'imaps' : 'imap';
  const tls = ['--cacert', join(gateway.folder, 'ca.pem'), ...(how === 'imaps' ? [] : ['--ssl-reqd'])];
  const where = [
    '--connect-to',
    `imap.test:${port}:127.0.0.1:${port}`,
    `${scheme}://imap.test:${port}/${path}`,
  ];
  return runChild('curl', ['-sS', ...tls, '-u', `${account.user}:${account.password}`, ...more, ...where]);
}

/** mbsync, which pulls the INBOX into a Maildir; gives how it ended. */
export async function runMbsync(gateway: Gateway, account: Account, folder: string): Promise<Ended> {
  const mail = join(folder, 'mail');
  await mkdir(mail, { recursive: true });
  const path = join(folder, 'mbsyncrc');
  const lines = [
    'IMAPAccount a',
    // It compares names, not addresses.
    'Host localhost',
    `Port ${gateway.imaps.port}`,
    `User ${account.user}`,
    `Pass ${account.password}`,
    'SSLType IMAPS',
    `CertificateFile ${join(gateway.folder, 'ca.pem')}`,
    '',
    'IMAPStore far',
    'Account a',
    '',
    'MaildirStore near',
    `Path ${mail}/`,
    `Inbox ${mail}/INBOX`,
    '',
    'Channel c',
    'Far :far:',
    'Near :near:',
    'Patterns INBOX',
    'Create Near',
    'Sync Pull',
    `SyncState ${folder}/`,
    '',
  ];
  await writeFile(path, lines.join('\n'));
  return runChild('mbsync', ['-c', path, '-a'], { env: { HOME: folder } });
}
