/**
 * Clients of one mailbox that come and go by its doors, all the time: a login, a command, a moment, an end.
 * The first of each door stays instead, until its session is ended for it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { type DoorSession, openDoor, smtpAnswer } from './door-logins.ts';
import { type Account, answerTo } from './imap-talk.ts';
import type { RawAddress } from './raw-connection.ts';
import { sieveAnswer } from './sieve-talk.ts';

export type DoorProtocol = keyof typeof openDoor;

export interface Door {
  readonly protocol: DoorProtocol;
  readonly address: RawAddress;
  /** For a door without TLS from the first byte. */
  readonly startTls?: ConnectionOptions;
}

export interface Visits {
  /** Logins that were accepted, by protocol. */
  readonly good: Readonly<Record<string, number>>;
  /** Logins that were told to come again, or whose connection ended. */
  readonly again: number;
  /** What else was said: a refusal that a mail program would show to its user. */
  readonly wrong: readonly string[];
}

export interface Visitors {
  /** No new visits; resolves when the last has ended. */
  stop(): Promise<Visits>;
}

/** Starts so many visitors at each door. */
export function startVisitors(doors: readonly Door[], account: Account, eachCount: number): Visitors {
  const good: Record<string, number> = {};
  const wrong: string[] = [];
  const staying = new Set<DoorSession['client']>();
  let again = 0;
  let isOver = false;
  const visit = async (door: Door, index: number, turn: number) => {
    const session = await openDoor[door.protocol](door.address, account, door.startTls);
    const verdict = verdictOf(door.protocol, session.answer);
    if (verdict === 'good') {
      good[door.protocol] = (good[door.protocol] ?? 0) + 1;
      await ask[door.protocol](session.client);
      if (index === 0) await remain(session);
      else await leave(door.protocol, session, turn);
    } else if (verdict === 'again') again += 1;
    else wrong.push(`${door.protocol}: ${session.answer}`);
    session.client.destroy();
  };
  const live = async (door: Door, index: number) => {
    for (let turn = index; !isOver; turn += 1) {
      await visit(door, index, turn).catch(() => void (again += 1));
      await pause(restMs);
    }
  };
  const remain = async ({ client }: DoorSession) => {
    staying.add(client);
    if (isOver) client.destroy();
    await client.rest(stayMsMax);
    staying.delete(client);
  };
  const lives = doors.flatMap((door) => Array.from({ length: eachCount }, (_, index) => live(door, index)));
  return {
    async stop() {
      isOver = true;
      for (const client of staying) client.destroy();
      await Promise.all(lives);
      return { good, again, wrong };
    },
  };
}

/** At once, after a moment or after a while, with a goodbye or without. */
async function leave(protocol: DoorProtocol, { client }: DoorSession, turn: number): Promise<void> {
  await pause((turn % 4) * momentMs);
  if (turn % 2 === 1) return;
  client.send(goodbyes[protocol]);
  await client.rest();
}

const ask: Readonly<Record<DoorProtocol, (client: DoorSession['client']) => Promise<unknown>>> = {
  imap: (client) => answerTo(client, 'SELECT INBOX'),
  pop3: (client) => {
    client.send('STAT\r\n');
    return client.line();
  },
  sieve: (client) => sieveAnswer(client, 'LISTSCRIPTS'),
  submission: (client) => smtpAnswer(client, 'NOOP'),
};

const goodbyes: Readonly<Record<DoorProtocol, string>> = {
  imap: 'z LOGOUT\r\n',
  pop3: 'QUIT\r\n',
  sieve: 'LOGOUT\r\n',
  submission: 'QUIT\r\n',
};

function verdictOf(protocol: DoorProtocol, answer: string): 'good' | 'again' | 'wrong' {
  const [good, again] = words[protocol];
  if (good.test(answer)) return 'good';
  return again.test(answer) ? 'again' : 'wrong';
}

/** What says yes, and what says that it is no word about the password. */
const words: Readonly<Record<DoorProtocol, readonly [RegExp, RegExp]>> = {
  imap: [/^OK /, /^(\* BYE|NO \[UNAVAILABLE\]|BYE)/],
  pop3: [/^\+OK/, /^-ERR \[(SYS\/TEMP|IN-USE)\]/],
  sieve: [/^OK/, /^(BYE|NO \(TRYLATER\))/],
  submission: [/^235 /, /^4\d\d /],
};

const restMs = 30;
const momentMs = 60;
/** Longer than a test takes from one move to the next. */
const stayMsMax = 30_000;
