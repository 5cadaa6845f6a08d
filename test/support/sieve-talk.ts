/** A few ManageSieve exchanges over a raw client, for tests that look at the bytes. */
import type { Account } from './imap-talk.ts';
import { type RawAddress, type RawConnection, connectRaw } from './raw-connection.ts';

/** The line that ends an answer (RFC 5804 section 4). */
const lastLine = /^(OK|NO|BYE)( |$)/;

/** Lines up to the one that says OK, NO or BYE, that one last. */
export function sieveAnswer(client: RawConnection, text: string): Promise<string[]> {
  client.send(`${text}\r\n`);
  return client.linesUntil(lastLine);
}

/** Reads the greeting, turns to TLS where options for it are given, and logs in; gives the answer's lines. */
export async function sieveLogin(
  client: RawConnection,
  account: Account,
  startTls?: Parameters<RawConnection['startTls']>[0],
): Promise<string[]> {
  await client.linesUntil(lastLine);
  if (startTls !== undefined) {
    await sieveAnswer(client, 'STARTTLS');
    await client.startTls(startTls);
    await client.linesUntil(lastLine);
  }
  return sieveAnswer(client, `AUTHENTICATE "PLAIN" "${plainResponse(account)}"`);
}

/** Connects and logs in; rejects when the login is not accepted. */
export async function openSieve(address: RawAddress, account: Account): Promise<RawConnection> {
  const client = await connectRaw(address);
  const answer = await sieveLogin(client, account);
  if (answer.at(-1)?.startsWith('OK') === true) return client;
  client.destroy();
  throw new Error(`login of ${account.user}: ${JSON.stringify(answer)}`);
}

/** The response of SASL PLAIN. */
export function plainResponse({ user, password }: Account): string {
  return Buffer.from(`\0${user}\0${password}`).toString('base64');
}
