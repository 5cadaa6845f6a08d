/** A whole small site of stubs: servers ex1 and ex2, a gateway before them, and an agent that has spoken. */
import { type Authority, makeAuthority } from './certificates.ts';
import { type Gateway, type GatewayStart, startGateway } from './gateway.ts';
import { type StubServer, startStubServer } from './stub-server.ts';
import { makeTempFolder, removeTempFolder } from './temp-folder.ts';

export interface StubSite {
  readonly ex1: StubServer;
  readonly ex2: StubServer;
  readonly gateway: Gateway;
  /** Signs the servers' certificates: for a server that a test starts anew. */
  readonly authority: Authority;
  close(): Promise<void>;
}

/** In db1 on ex1, db2 on ex2, db3 on ex1, as siteDatabases says. Every password but "wrong" is right. */
export const ann = { user: 'ann@site.test', password: 'secret of ann' };
export const bob = { user: 'bob@site.test', password: 'secret of bob' };
export const cid = { user: 'cid@site.test', password: 'secret of cid' };

export const siteDatabases = { db1: 'ex1', db2: 'ex2', db3: 'ex1' } as const;

/** A hold of a second, so that a refusal is not waited for long; settings come last and win. */
const usual = { POSTERN_MOVE_HOLD_FOR: '1s', POSTERN_LOG_LEVEL: 'debug' };

/** Starts it; resolves when the agent's first word is published, so that the next login is routed by it. */
export async function startStubSite(
  settings: Readonly<Record<string, string>> = {},
  start: GatewayStart = {},
): Promise<StubSite> {
  const folder = await makeTempFolder('site');
  const authority = await makeAuthority(folder);
  const [ex1, ex2] = await Promise.all(
    ['ex1', 'ex2'].map(async (name) => {
      const certificate = await authority.issue(name, [`${name}.test`]);
      return startStubServer({ name, certificate });
    }),
  );
  if (ex1 === undefined || ex2 === undefined) throw new Error('no stubs');
  const gateway = await startGateway({
    servers: [ex1, ex2].map(({ name, port }) => ({ name, port, caPath: authority.caPath })),
    databases: { db1: ['ex1', 'ex2'], db2: ['ex2', 'ex1'], db3: ['ex1', 'ex2'] },
    mailboxes: { [ann.user]: 'db1', [bob.user]: 'db2', [cid.user]: 'db3' },
    settings: { ...usual, ...settings },
    start,
  });
  if ((settings['POSTERN_COPY_SOURCES'] ?? 'agent').includes('agent')) {
    await gateway.agent.say(siteDatabases);
    gateway.agent.repeat();
  }
  const close = async () => {
    await gateway.close();
    await Promise.all([ex1.close(), ex2.close()]);
    removeTempFolder(folder);
  };
  return { ex1, ex2, gateway, authority, close };
}
