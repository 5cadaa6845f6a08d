/** Real programs that send mail, run as their users run them: swaks, msmtp, curl and Python's smtplib. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ended, runChild } from './child.ts';
import type { Account } from './imap-talk.ts';
import { programPath } from './programs.ts';

/** What a program has to know to send one message. */
export interface Sending {
  readonly account: Account;
  readonly how: 'starttls' | 'implicit';
  readonly port: number;
  /** Of the authority that the gateway's certificate comes from. */
  readonly caPath: string;
  readonly to: string;
  /** With CRLF line ends. */
  readonly message: string;
  readonly mechanism?: 'PLAIN' | 'LOGIN';
}

/** A folder for the files that the programs read. */
export type SendingProgram = (sending: Sending, folder: string) => Promise<Ended>;

export const sendingPrograms: Readonly<Record<'swaks' | 'msmtp' | 'curl' | 'python3', SendingProgram>> = {
  swaks: runSwaks,
  msmtp: runMsmtp,
  curl: runCurlMail,
  python3: runSmtplib,
};

/** False where one of the programs is not installed. */
export const hasSendingPrograms = Object.keys(sendingPrograms).every(
  (name) => programPath(name) !== undefined,
);

async function runSwaks(sending: Sending, folder: string): Promise<Ended> {
  const { account, how, port, to, mechanism = 'PLAIN' } = sending;
  // Left to itself it puts an empty line behind the message. As it is told here, it sends just what it reads.
  const whole = `${sending.message.replace(/^\./gm, '..')}.`;
  const path = await messageFile({ ...sending, message: whole }, folder);
  const tls = how === 'starttls' ? ['--tls'] : ['--tls-on-connect'];
  const auth = ['--auth', mechanism, '--auth-user', account.user, '--auth-password', account.password];
  const mail = ['--from', account.user, '--to', to, '--no-data-fixup', '--data', `@${path}`];
  return runChild('swaks', ['--server', '127.0.0.1', '--port', String(port), ...tls, ...auth, ...mail]);
}

async function runMsmtp(sending: Sending, folder: string): Promise<Ended> {
  const { account, how, port, caPath, to, message, mechanism = 'PLAIN' } = sending;
  const path = join(folder, 'msmtprc');
  const lines = [
    'account default',
    'host localhost',
    `port ${port}`,
    'tls on',
    `tls_starttls ${how === 'starttls' ? 'on' : 'off'}`,
    `tls_trust_file ${caPath}`,
    `auth ${mechanism.toLowerCase()}`,
    `user ${account.user}`,
    `password ${account.password}`,
    `from ${account.user}`,
    '',
  ];
  await writeFile(path, lines.join('\n'));
  // It reads no file of passwords that others may read.
  await chmod(path, 0o600);
  return runChild('msmtp', ['-C', path, to], { stdin: message.replaceAll('\r\n', '\n') });
}

async function runCurlMail(sending: Sending, folder: string): Promise<Ended> {
  const { account, how, port, caPath, to, mechanism } = sending;
  const path = await messageFile(sending, folder);
  const url = `${how === 'starttls' ? 'smtp' : 'smtps'}://imap.test:${port}/laptop`;
  const login = mechanism === undefined ? [] : ['--login-options', `AUTH=${mechanism}`];
  const where = [
    '--connect-to',
    `imap.test:${port}:127.0.0.1:${port}`,
    '--cacert',
    caPath,
    '--ssl-reqd',
    url,
  ];
  const mail = ['--mail-from', account.user, '--mail-rcpt', to, '-T', path];
  return runChild('curl', ['-sS', '-u', `${account.user}:${account.password}`, ...login, ...mail, ...where]);
}

async function runSmtplib({ account, how, port, caPath, to, message }: Sending): Promise<Ended> {
  const program = `
import smtplib, ssl, sys
tls = ssl.create_default_context(cafile='${caPath}')
if ${how === 'implicit' ? 'True' : 'False'}:
    client = smtplib.SMTP_SSL('127.0.0.1', ${port}, local_hostname='laptop', context=tls)
else:
    client = smtplib.SMTP('127.0.0.1', ${port}, local_hostname='laptop')
    client.starttls(context=tls)
client.login('${account.user}', '${account.password}')
client.sendmail('${account.user}', ['${to}'], sys.stdin.buffer.read())
client.quit()
`;
  return runChild('python3', ['-c', program], { stdin: message });
}

async function messageFile({ message }: Sending, folder: string): Promise<string> {
  const path = join(folder, 'message.eml');
  await writeFile(path, message);
  return path;
}
