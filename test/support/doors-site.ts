/**
 * The Dovecot pair with all its doors, and a gateway before them. Both servers have every database mounted
 * all the time and let anybody in: only the gateway keeps a mailbox on one of them.
 */
import type { ConnectionOptions } from 'node:tls';
import type { Door } from './door-visitors.ts';
import { type DovecotPair, type ServerName, pairMailboxes, startDovecotPair } from './dovecot-pair.ts';
import type { DovecotServer } from './dovecot-server.ts';
import { type Gateway, startGateway, trusting } from './gateway.ts';
import { type TrailLogin, trailOf } from './login-trail.ts';
import { startSmtpSink } from './smtp-sink.ts';

export interface DoorsSite {
  readonly pair: DovecotPair;
  readonly gateway: Gateway;
  readonly doors: readonly Door[];
  /** Says that db1 is active there. */
  claim(server: ServerName): Promise<void>;
  /** What the servers' log says of the mailbox. */
  trail(user: string): Promise<TrailLogin[]>;
  close(): Promise<void>;
}

const frontends = ['imaps', 'imap', 'pop3s', 'pop3', 'managesieve', 'submission', 'submissions'];

/** `settings`: of the gateway, besides or instead. */
export async function startDoorsSite(settings: Readonly<Record<string, string>> = {}): Promise<DoorsSite> {
  const sink = await startSmtpSink();
  const pair = await startDovecotPair({ sharesLog: true, relayPort: sink.port });
  await pair.ex2.mount('db1');
  const servers = [pair.ex1, pair.ex2];
  const gateway = await startGateway({
    servers: servers.map(({ name, ports }) => ({ name, port: ports.imaps, caPath: pair.authority.caPath })),
    databases: { db1: ['ex1', 'ex2'], db2: ['ex2', 'ex1'], db3: ['ex1', 'ex2'] },
    mailboxes: Object.fromEntries(pairMailboxes.map(({ user, database }) => [user, database])),
    settings: {
      POSTERN_MOVE_HOLD_FOR: '5s',
      POSTERN_PROTOCOLS: frontends.join(','),
      ...Object.fromEntries(frontends.map((name) => [`POSTERN_${name.toUpperCase()}_PORT`, '0'])),
      ...Object.assign({}, ...servers.map(doorPorts)),
      ...settings,
    },
  });
  const claim = (server: ServerName) => gateway.agent.say({ db1: server, db2: 'ex2', db3: 'ex1' });
  await claim('ex1');
  gateway.agent.repeat();
  return {
    pair,
    gateway,
    doors: doorsOf(gateway),
    claim,
    trail: async (user) => trailOf(await pair.ex1.log(), user, { ex1: pair.ex1.ports, ex2: pair.ex2.ports }),
    async close() {
      await gateway.close();
      await pair.close();
      await sink.close();
    },
  };
}

function doorPorts({ name, ports }: DovecotServer): Record<string, string> {
  const of = (setting: string) => `POSTERN_SERVER_${name.toUpperCase()}_${setting}`;
  return {
    [of('POP3_PORT')]: String(ports.pop3s),
    [of('MANAGESIEVE_PORT')]: String(ports.sieve),
    [of('SUBMISSION_PORT')]: String(ports.submission),
  };
}

function doorsOf(gateway: Gateway): Door[] {
  const tls: ConnectionOptions = trusting(gateway.authority);
  const implicit = (protocol: Door['protocol'], frontend: string): Door => {
    return { protocol, address: { port: gateway.portOf(frontend), tls } };
  };
  const upgraded = (protocol: Door['protocol'], frontend: string): Door => {
    return { protocol, address: { port: gateway.portOf(frontend) }, startTls: tls };
  };
  return [
    implicit('imap', 'imaps'),
    upgraded('imap', 'imap'),
    implicit('pop3', 'pop3s'),
    upgraded('pop3', 'pop3'),
    upgraded('sieve', 'managesieve'),
    upgraded('submission', 'submission'),
    implicit('submission', 'submissions'),
  ];
}
