/**
 * A login by each of the doors to a mailbox: over TLS, to the answer, whose text names the server where the
 * server is one of the lab's.
 */
import type { ConnectionOptions } from 'node:tls';
import { type Account, answerTo } from './imap-talk.ts';
import { type RawAddress, type RawConnection, connectRaw } from './raw-connection.ts';
import { plainResponse, sieveLogin } from './sieve-talk.ts';

export interface DoorSession {
  readonly client: RawConnection;
  /** The line that ended the login. */
  readonly answer: string;
}

type Login = (client: RawConnection, account: Account, startTls?: ConnectionOptions) => Promise<string>;

/** `startTls`: for doors that have no TLS from the first byte. */
async function open(
  login: Login,
  address: RawAddress,
  account: Account,
  startTls?: ConnectionOptions,
): Promise<DoorSession> {
  const client = await connectRaw(address);
  try {
    return { client, answer: await login(client, account, startTls) };
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** By protocol. A refused login is an answer too; a connection that ends before one rejects. */
export const openDoor = {
  imap: (address: RawAddress, account: Account, startTls?: ConnectionOptions) =>
    open(imapLogin, address, account, startTls),
  pop3: (address: RawAddress, account: Account, startTls?: ConnectionOptions) =>
    open(pop3Login, address, account, startTls),
  sieve: (address: RawAddress, account: Account, startTls?: ConnectionOptions) =>
    open(async (...given) => (await sieveLogin(...given)).at(-1) ?? '', address, account, startTls),
  submission: (address: RawAddress, account: Account, startTls?: ConnectionOptions) =>
    open(submissionLogin, address, account, startTls),
} as const;

async function imapLogin(client: RawConnection, account: Account, startTls?: ConnectionOptions) {
  await client.line();
  if (startTls !== undefined) {
    await answerTo(client, 'STARTTLS');
    await client.startTls(startTls);
  }
  return answerTo(client, `LOGIN "${account.user}" "${account.password}"`);
}

async function pop3Login(client: RawConnection, account: Account, startTls?: ConnectionOptions) {
  await client.line();
  if (startTls !== undefined) {
    client.send('STLS\r\n');
    await client.line();
    await client.startTls(startTls);
  }
  client.send(`USER ${account.user}\r\n`);
  await client.line();
  client.send(`PASS ${account.password}\r\n`);
  return client.line();
}

async function submissionLogin(client: RawConnection, account: Account, startTls?: ConnectionOptions) {
  await client.linesUntil(lastReply);
  if (startTls !== undefined) {
    await smtpAnswer(client, 'EHLO client.test');
    await smtpAnswer(client, 'STARTTLS');
    await client.startTls(startTls);
  }
  await smtpAnswer(client, 'EHLO client.test');
  return smtpAnswer(client, `AUTH PLAIN ${plainResponse(account)}`);
}

/** The last line of the reply (RFC 5321 section 4.2.1). */
export async function smtpAnswer(client: RawConnection, text: string): Promise<string> {
  client.send(`${text}\r\n`);
  return (await client.linesUntil(lastReply)).at(-1) ?? '';
}

const lastReply = /^\d{3} /;
