/**
 * A crowd of clients around a fault: many that are spliced, and are asked all the time whether they still
 * are; some that have only been greeted; some in the middle of a login. Each is counted to its end.
 *
 * Each client has an address of its own, so that they are spread over the workers as real ones are.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import type { Gateway } from './gateway.ts';
import { type Account, answerTo, command, logIn } from './imap-talk.ts';
import { type RawConnection, connectRaw } from './raw-connection.ts';
import { ann, bob } from './stub-site.ts';

/** Clients of even and odd numbers, and the servers that have to answer them. */
const homes = [
  { account: ann, server: 'ex1' },
  { account: bob, server: 'ex2' },
] as const;

/** The `index`th client's own address; `block` keeps crowds apart. */
export function ownAddress(gateway: Gateway, block: number, index: number): Gateway['imaps'] {
  return {
    ...gateway.imaps,
    localAddress: `127.0.${block + Math.floor(index / 250)}.${(index % 250) + 1}`,
  };
}

/** What became of the spliced sessions; rounds are NOOPs answered by the right server under their own tag. */
export interface Pulse {
  readonly spliced: number;
  readonly lost: readonly string[];
  readonly rounds: number;
  /** Rounds of the time that was marked. */
  readonly roundsInMark: number;
  readonly slowestMs: number;
  readonly p99Ms: number;
}

export interface PulsingCrowd {
  /** The fault strikes now: from here on each session has to be heard again. */
  mark(): void;
  /** The fault is over. Resolves once each session has been asked, and has answered, since the mark. */
  endMark(): Promise<void>;
  /** One more round of each, then the verdict. */
  stop(): Promise<Pulse>;
}

interface Member {
  readonly client: RawConnection;
  readonly server: string;
  roundsInMark: number;
  lost: string | undefined;
}

/** Logs so many in, half of them to either server, and keeps asking each until stopped. */
export async function startCrowd(gateway: Gateway, count: number): Promise<PulsingCrowd> {
  const members = await Promise.all(
    Array.from({ length: count }, (_, index) => joinCrowd(ownAddress(gateway, 10, index), index)),
  );
  const tooks: number[] = [];
  let isOver = false;
  let isMarked = false;
  const beat = async (member: Member) => {
    const sentMarked = isMarked;
    const from = performance.now();
    await askNoop(member);
    tooks.push(performance.now() - from);
    if (sentMarked && isMarked) member.roundsInMark++;
  };
  const live = async (member: Member) => {
    while (!isOver) {
      await beat(member);
      await pause(roundPauseMs);
    }
    await beat(member);
    member.client.destroy();
  };
  const lives = members.map((member) =>
    live(member).catch((error: unknown) => {
      member.lost = String(error);
    }),
  );
  return {
    mark: () => void (isMarked = true),
    async endMark() {
      const isHeard = ({ lost, roundsInMark }: Member) => lost !== undefined || roundsInMark > 0;
      await eventually('an answer of each session', () => members.every(isHeard));
      isMarked = false;
    },
    async stop() {
      isOver = true;
      await Promise.all(lives);
      return pulseOf(members, tooks);
    },
  };
}

async function joinCrowd(address: Gateway['imaps'], index: number): Promise<Member> {
  const home = homes[index % homes.length] ?? homes[0];
  const client = await logIn(address, home.account);
  return { client, server: home.server, roundsInMark: 0, lost: undefined };
}

async function askNoop({ client, server }: Member): Promise<void> {
  const [answer = '', ...more] = await command(client, 'NOOP');
  if (more.length > 0 || !answer.endsWith(` OK NOOP at ${server}`)) {
    throw new Error(`${server} should have answered NOOP: ${JSON.stringify([answer, ...more])}`);
  }
}

function pulseOf(members: readonly Member[], tooks: number[]): Pulse {
  tooks.sort((a, b) => a - b);
  return {
    spliced: members.length,
    lost: members.flatMap(({ lost }) => lost ?? []),
    rounds: tooks.length,
    roundsInMark: members.reduce((sum, { roundsInMark }) => sum + roundsInMark, 0),
    slowestMs: Math.round(tooks.at(-1) ?? 0),
    p99Ms: Math.round(tooks[Math.floor(tooks.length * 0.99)] ?? 0),
  };
}

/** Clients that were greeted, and have said nothing: any worker may take them over. */
export async function greetClients(gateway: Gateway, block: number, count: number): Promise<RawConnection[]> {
  const clients = Array.from({ length: count }, async (_, index) => {
    const client = await connectRaw(ownAddress(gateway, block, index));
    const greeting = await client.line();
    if (!greeting.startsWith('* OK')) throw new Error(`greeted with ${greeting}`);
    return client;
  });
  return Promise.all(clients);
}

/** Clients in the middle of a login: their worker knows something that no other does. */
export async function startLogins(gateway: Gateway, block: number, count: number): Promise<RawConnection[]> {
  const clients = await greetClients(gateway, block, count);
  for (const client of clients) client.send('a AUTHENTICATE PLAIN\r\n');
  for (const client of clients) {
    const answer = await client.line();
    if (!answer.startsWith('+')) throw new Error(`AUTHENTICATE was answered with ${answer}`);
  }
  return clients;
}

/** Logs in those who had said nothing; gives the answers. Their greeting may come again, never the login. */
export function logInGreeted(clients: readonly RawConnection[], account: Account): Promise<string[]> {
  const line = `LOGIN "${account.user}" "${account.password}"`;
  return Promise.all(clients.map((client) => answerTo(client, line, 15_000).catch(String)));
}

/** Goes on with the logins that were under way; gives what each was told: OK, or BYE. */
export function finishLogins(clients: readonly RawConnection[], account: Account): Promise<string[]> {
  const response = Buffer.from(`\0${account.user}\0${account.password}`).toString('base64');
  for (const client of clients) if (client.isOpen()) client.send(`${response}\r\n`);
  return Promise.all(clients.map((client) => client.line(15_000).catch(String)));
}

/** Often enough to see any fault from inside it; seldom enough that the gateway has cores left. */
const roundPauseMs = 80;
