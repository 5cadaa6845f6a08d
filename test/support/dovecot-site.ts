/** The Dovecot pair with a gateway before it, and an agent that tells the gateway where each database is. */
import { test } from 'vitest';
import { type DovecotPair, type ServerName, pairMailboxes, startDovecotPair } from './dovecot-pair.ts';
import type { DovecotServer } from './dovecot-server.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { programPath } from './programs.ts';

export interface DovecotSite {
  readonly pair: DovecotPair;
  readonly gateway: Gateway;
  /** Says where every database is now. */
  tell(): Promise<void>;
  /** Moves the database as an administrator would, and tells the gateway at the end. */
  move(database: string, to: ServerName): Promise<void>;
  /** Everything as at the start. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Where a server has its doors beside IMAP; it matters once POSTERN_PROTOCOLS names them. POP3 is spoken to
 * in both ways: to ex1 inside TLS from the first byte, to ex2 behind STLS.
 */
function otherDoors({ name, ports }: DovecotServer): Record<string, string> {
  const of = (setting: string) => `POSTERN_SERVER_${name.toUpperCase()}_${setting}`;
  const isFirst = name === 'ex1';
  return {
    [of('POP3_PORT')]: String(isFirst ? ports.pop3s : ports.pop3),
    [of('POP3_TLS')]: isFirst ? 'implicit' : 'starttls',
    [of('MANAGESIEVE_PORT')]: String(ports.sieve),
  };
}

export const ann = { user: 'ann@pair.test', password: 'secret' };
export const bob = { user: 'bob@pair.test', password: 'secret' };
export const cid = { user: 'cid@pair.test', password: 'secret' };

/** False where Dovecot is not installed, or this is not root: its processes run as several users. */
export const hasDovecot =
  process.getuid?.() === 0 && programPath('dovecot') !== undefined && programPath('doveadm') !== undefined;
/** A test that needs a real Dovecot; where there is none it counts as skipped. */
export const dovecotTest = test.skipIf(!hasDovecot);

const databases = { db1: ['ex1', 'ex2'], db2: ['ex2', 'ex1'], db3: ['ex1', 'ex2'] };
const homes = { db1: 'ex1', db2: 'ex2', db3: 'ex1' } as const;

type MoreSettings = Readonly<Record<string, string>>;

/**
 * Starts both servers and the gateway; the login probe has an account in each database. Settings may depend
 * on where the servers are.
 */
export async function startDovecotSite(
  settings: MoreSettings | ((pair: DovecotPair) => MoreSettings) = {},
): Promise<DovecotSite> {
  const pair = await startDovecotPair();
  const { caPath } = pair.authority;
  const probes = pairMailboxes.filter(({ user }) => user.startsWith('probe'));
  const gateway = await startGateway({
    servers: [pair.ex1, pair.ex2].map(({ name, ports }) => ({ name, port: ports.imaps, caPath })),
    databases,
    mailboxes: Object.fromEntries(pairMailboxes.map(({ user, database }) => [user, database])),
    settings: {
      POSTERN_MOVE_HOLD_FOR: '3s',
      POSTERN_CONNECT_TIMEOUT: '1s',
      POSTERN_GREETING_TIMEOUT: '1s',
      POSTERN_PROBE_LOGIN_INTERVAL: '1s',
      POSTERN_PROBE_ACCOUNTS: probes
        .map(({ user, password, database }) => `${database} ${user} ${password}`)
        .join('\n'),
      ...Object.assign({}, ...[pair.ex1, pair.ex2].map(otherDoors)),
      ...(typeof settings === 'function' ? settings(pair) : settings),
    },
  });
  const tell = () =>
    gateway.agent.say(Object.fromEntries(Object.keys(databases).map((name) => [name, pair.activeOf(name)])));
  await tell();
  gateway.agent.repeat();
  const move = async (database: string, to: ServerName) => {
    await pair.move(database, to);
    await tell();
  };
  const heal = async () => {
    await pair.heal();
    for (const [database, home] of Object.entries(homes)) {
      if (pair.activeOf(database) !== home) await pair.move(database, home);
    }
    await tell();
  };
  const close = async () => {
    await gateway.close();
    await pair.close();
  };
  return { pair, gateway, tell, move, heal, close };
}
