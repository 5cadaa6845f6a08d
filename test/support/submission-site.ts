/**
 * Real servers that take mail of users, with a gateway before them: two Dovecots, or two Postfixes that ask
 * those Dovecots for passwords. What they relay ends in a sink.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DovecotPair, type ServerName, pairMailboxes, startDovecotPair } from './dovecot-pair.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { freePorts } from './ports.ts';
import { PostfixServer, hasPostfix } from './postfix-server.ts';
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts';
import { hasDovecot } from './dovecot-site.ts';

export type MailServer = 'dovecot' | 'postfix';

export interface SubmissionSite {
  readonly gateway: Gateway;
  readonly pair: DovecotPair;
  readonly sink: SmtpSink;
  /** Where clients send mail: 587 and 465. */
  readonly ports: { readonly starttls: number; readonly implicit: number };
  /** How many sessions of the user the log of the server that takes mail shows. */
  loginsOf(server: ServerName, user: string): Promise<number>;
  /** All that this server has logged. */
  logOf(server: ServerName): Promise<string>;
  /** Moves the database, and tells the gateway. */
  move(database: string, to: ServerName): Promise<void>;
  close(): Promise<void>;
}

export interface SubmissionSetup {
  readonly servers: MailServer;
  /** Settings of the gateway. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Postfix by its port with TLS from the first byte, in place of STARTTLS. */
  readonly isImplicit?: boolean;
  /** Postfix by its port that wants a PROXY header, and STARTTLS behind it. */
  readonly isProxied?: boolean;
  /** Settings of each Postfix's main.cf. */
  readonly postfix?: Readonly<Record<string, string>>;
}

/** False where the servers are not installed, or this is not root. */
export const hasMailServers = hasDovecot && hasPostfix && existsSync('/usr/lib/dovecot/submission-login');

const databases = { db1: ['ex1', 'ex2'], db2: ['ex2', 'ex1'], db3: ['ex1', 'ex2'] };

export async function startSubmissionSite(setup: SubmissionSetup): Promise<SubmissionSite> {
  const sink = await startSmtpSink();
  const pair = await startDovecotPair({ relayPort: sink.port });
  const postfixes = setup.servers === 'postfix' ? await startPostfixes(pair, sink, setup.postfix) : undefined;
  const portOf = (name: ServerName) => {
    const postfix = postfixes?.[name].ports;
    if (postfix === undefined) return pair.server(name).ports.submission;
    if (setup.isProxied === true) return postfix.proxied;
    return setup.isImplicit === true ? postfix.submissions : postfix.submission;
  };
  const gateway = await startGateway({
    servers: [pair.ex1, pair.ex2].map(({ name, ports }) => ({
      name,
      port: ports.imaps,
      caPath: pair.authority.caPath,
    })),
    databases,
    mailboxes: Object.fromEntries(pairMailboxes.map(({ user, database }) => [user, database])),
    settings: {
      POSTERN_PROTOCOLS: 'imaps,submission,submissions',
      POSTERN_SUBMISSION_PORT: '0',
      POSTERN_SUBMISSIONS_PORT: '0',
      POSTERN_SERVER_EX1_SUBMISSION_PORT: String(portOf('ex1')),
      POSTERN_SERVER_EX2_SUBMISSION_PORT: String(portOf('ex2')),
      ...(setup.isImplicit === true ? { POSTERN_SERVER_SUBMISSION_TLS: 'implicit' } : {}),
      POSTERN_MOVE_HOLD_FOR: '5s',
      ...setup.settings,
    },
  });
  const tell = () =>
    gateway.agent.say(Object.fromEntries(Object.keys(databases).map((name) => [name, pair.activeOf(name)])));
  await tell();
  gateway.agent.repeat();
  return {
    gateway,
    pair,
    sink,
    ports: {
      starttls: gateway.portOf('submission'),
      implicit: gateway.portOf('submissions'),
    },
    loginsOf: async (server, user) =>
      postfixes === undefined
        ? (await pair.server(server).loginLines('submission', user)).length
        : postfixes[server].loginsOf(user),
    logOf: (server) => (postfixes?.[server] ?? pair.server(server)).log(),
    async move(database, to) {
      await pair.move(database, to);
      await tell();
    },
    async close() {
      await gateway.close();
      for (const server of Object.values(postfixes ?? {})) await server.stop();
      await pair.close();
      await sink.close();
    },
  };
}

async function startPostfixes(
  pair: DovecotPair,
  sink: SmtpSink,
  settings: Readonly<Record<string, string>> = {},
): Promise<Record<ServerName, PostfixServer>> {
  const ports = await freePorts(6);
  const start = async (name: ServerName, [submission = 0, submissions = 0, proxied = 0]: number[]) => {
    const folder = join(pair.folder, `postfix-${name}`);
    await mkdir(folder);
    const certificate = await pair.authority.issue(`postfix-${name}`, [`${name}.test`]);
    const server = new PostfixServer({
      name,
      folder,
      ports: { submission, submissions, proxied },
      ...certificate,
      saslPort: pair.server(name).ports.sasl,
      relayPort: sink.port,
      settings,
    });
    await server.start();
    return server;
  };
  const [ex1, ex2] = await Promise.all([start('ex1', ports.slice(0, 3)), start('ex2', ports.slice(3))]);
  return { ex1, ex2 };
}
