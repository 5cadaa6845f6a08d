/** A few IMAP exchanges over a raw client, for tests that look at the bytes. */
import { type RawAddress, type RawConnection, connectRaw } from './raw-connection.ts';

export interface Account {
  readonly user: string;
  readonly password: string;
}

let tags = 0;

/** Sends one command under a new tag; gives the lines up to the tagged answer, that one last. */
export async function command(client: RawConnection, text: string, withinMs?: number): Promise<string[]> {
  tags += 1;
  client.send(`t${tags} ${text}\r\n`);
  return client.linesUntil(new RegExp(`^t${tags} `), withinMs);
}

/** The tagged answer without its tag: "OK [CAPABILITY ...] logged in". */
export async function answerTo(client: RawConnection, text: string, withinMs?: number): Promise<string> {
  const lines = await command(client, text, withinMs);
  return (lines.at(-1) ?? '').replace(/^\S+ /, '');
}

/** Connects, reads the greeting, logs in; rejects when the login is not accepted. */
export async function logIn(
  address: RawAddress,
  account: Account,
  withinMs?: number,
): Promise<RawConnection> {
  const client = await connectRaw(address);
  try {
    const greeting = await client.line(withinMs);
    if (!greeting.startsWith('* OK')) throw new Error(`greeted with ${greeting}`);
    const answer = await answerTo(client, `LOGIN "${account.user}" "${account.password}"`, withinMs);
    if (!answer.startsWith('OK')) throw new Error(`login of ${account.user}: ${answer}`);
    return client;
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** The name that the server gives by ID: which of the servers this session reached. */
export async function serverNameOf(client: RawConnection): Promise<string> {
  const lines = await command(client, 'ID NIL');
  const name = /"name" "([^"]+)"/i.exec(lines.join('\n'))?.[1];
  if (name === undefined) throw new Error(`no name in ${JSON.stringify(lines)}`);
  return name;
}
