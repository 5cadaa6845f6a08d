/**
 * Servers whose TLS is old: what is said of them, and that the profile which is named connects.
 *
 * What they offer is found out in any build; only a build with OpenSSL connects (POSTERN_BUILD_OPENSSL=true).
 */
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readBuild } from '#lib/read-build';
import { type Authority, makeAuthority } from '../support/certificates.ts';
import { mustRun } from '../support/child.ts';
import { type Gateway, type GatewayServer, startGateway } from '../support/gateway.ts';
import { answerTo } from '../support/imap-talk.ts';
import { type OldServer, startOldServer } from '../support/old-server.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type StubServer, startStubServer } from '../support/stub-server.ts';
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts';
import { endedAs, healthOf } from '../support/watching.ts';

const { hasOpenssl } = readBuild();

/** Server, what s_server is told, what is said of it, and the profile that connects. */
const kinds = [
  ['ex1', ['-tls1', '-cipher', 'AES128-SHA:@SECLEVEL=0'], 'TLS 1.0 (AES128-SHA)', 'legacy'],
  [
    'ex2',
    ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-SHA256'],
    'TLS 1.2 (ECDHE-RSA-AES128-SHA256)',
    'compatible',
  ],
  ['ex3', ['-tls1_2', '-cipher', 'AES128-GCM-SHA256'], 'TLS 1.2 (AES128-GCM-SHA256)', 'compatible'],
] as const;

let folder: string;
let authority: Authority;
let servers: OldServer[] = [];

beforeAll(async () => {
  folder = await makeTempFolder('old');
  authority = await makeAuthority(folder);
  servers = await Promise.all(
    kinds.map(async ([name, limits]) =>
      startOldServer(name, await authority.issue(name, [`${name}.test`], 1, 'rsa'), limits),
    ),
  );
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  removeTempFolder(folder);
});

let gateway: Gateway;

afterEach(async () => {
  await gateway?.close();
});

/** A gateway before these servers; each has one database, with one mailbox. */
async function start(
  settings: Readonly<Record<string, string>>,
  dialled: readonly GatewayServer[] = servers.map(reached),
): Promise<void> {
  const names = dialled.map(({ name }) => name);
  gateway = await startGateway({
    servers: dialled,
    databases: Object.fromEntries(names.map((name) => [`db${name}`, [name]])),
    mailboxes: Object.fromEntries(names.map((name) => [`${name}@site.test`, `db${name}`])),
    settings: { POSTERN_MOVE_HOLD_FOR: '1s', ...settings },
  });
  await gateway.agent.say(Object.fromEntries(names.map((name) => [`db${name}`, name])));
  gateway.agent.repeat();
}

function reached({ name, port }: { name: string; port: number }): GatewayServer {
  return { name, port, caPath: authority.caPath };
}

describe('under the modern profile', () => {
  test('V07 an old server is down, and whereis says what it offers and which setting connects', async () => {
    await start({});
    for (const [name, , offer, profile] of kinds) {
      const port = servers.find((server) => server.name === name)?.port;
      const why = await healthOf(gateway, name, 'down');
      expect(why).toContain(
        `${name}:${port} offers only ${offer}; profile modern cannot connect; ` +
          `POSTERN_SERVER_${name.toUpperCase()}_TLS_PROFILE=${profile} would`,
      );
      expect(why.includes('POSTERN_BUILD_OPENSSL')).toBe(!hasOpenssl);
      const { stdout } = await gateway.postern('whereis', `${name}@site.test`);
      expect(stdout).toContain(`offers only ${offer}`);
    }
    expect(servers.flatMap(({ stub }) => stub.heard)).toEqual([]);
  });
});

describe.skipIf(!hasOpenssl)('in a build with OpenSSL', () => {
  test('each old server is reached by the profile that is named for it', async () => {
    const profiles = kinds.map(([name, , , profile]) => [
      `POSTERN_SERVER_${name.toUpperCase()}_TLS_PROFILE`,
      profile,
    ]);
    await start(Object.fromEntries(profiles) as Record<string, string>);
    for (const [name] of kinds) {
      await healthOf(gateway, name, 'up');
      const client = await connectRaw(gateway.imaps);
      await client.line();
      expect(await answerTo(client, `LOGIN ${name}@site.test secret`)).toMatch(/^OK /);
      expect(await answerTo(client, 'NOOP')).toBe(`OK NOOP at ${name}`);
      client.send('z LOGOUT\r\n');
      await client.rest();
    }
    await endedAs(gateway, 'server_closed').catch(() => endedAs(gateway, 'client_closed'));
  });

  /** Node exports the symbols of its own OpenSSL: a call that was bound to those would run other code. */
  test('the engine takes no TLS of Node and gives none of its own', async () => {
    const folder = fileURLToPath(new URL('../../native', import.meta.url));
    const [engine = ''] = readdirSync(folder).filter((name) => name.endsWith('.node'));
    const symbols = (await mustRun('nm', ['-D', join(folder, engine)])).split('\n');
    expect(symbols.filter((line) => / [A-Zw] (SSL|TLS|EVP|BIO|X509|CRYPTO|ERR|RSA)_/.test(line))).toEqual([]);
    expect(symbols.some((line) => line.endsWith(' T napi_register_module_v1'))).toBe(true);
  });

  test('compatible is too strict for TLS 1.0, and says so', async () => {
    await start({ POSTERN_SERVER_TLS_PROFILE: 'compatible' });
    expect(await healthOf(gateway, 'ex1', 'down')).toContain(
      'profile compatible cannot connect; POSTERN_SERVER_EX1_TLS_PROFILE=legacy would',
    );
    await healthOf(gateway, 'ex2', 'up');
  });

  test('the certificate is judged under an old profile as under the modern one', async () => {
    const stranger = await makeAuthority(await makeTempFolder('other'), 'Another CA');
    const dialled = servers.map(({ name, port }) => ({ name, port, caPath: stranger.caPath }));
    const named = dialled.map((server) =>
      server.name === 'ex2' ? { ...server, caPath: authority.caPath } : server,
    );
    await start({ POSTERN_SERVER_TLS_PROFILE: 'legacy', POSTERN_SERVER_EX2_FQDN: 'other.test' }, named);
    expect(await healthOf(gateway, 'ex1', 'down')).toMatch(
      /issued by nobody .* for ex1\.test, issued by Postern test CA; .*EX1_TLS_PINS=[0-9a-f]{64} would/,
    );
    expect(await healthOf(gateway, 'ex2', 'down')).toContain(
      'certificate is for ex2.test, not for other.test',
    );
  });
});

describe('a certificate that no authority vouches for', () => {
  let stub: StubServer;
  let sha256: string;

  beforeAll(async () => {
    const other = await makeAuthority(await makeTempFolder('other'), 'Another CA');
    const certificate = await other.issue('elsewhere', ['elsewhere.test']);
    const { raw } = new X509Certificate(readFileSync(certificate.certificatePath));
    sha256 = createHash('sha256').update(raw).digest('hex');
    stub = await startStubServer({ name: 'ex1', certificate });
  });

  afterAll(async () => {
    await stub.close();
  });

  const only = (): GatewayServer[] => [{ name: 'ex1', port: stub.port, caPath: authority.caPath }];

  test('is told with its digest, name, issuer and the setting that would pin it', async () => {
    await start({}, only());
    const why = await healthOf(gateway, 'ex1', 'down');
    expect(why).toContain('issued by nobody among the configured authorities');
    expect(why).toContain(`it is SHA-256 ${sha256}, for elsewhere.test, issued by Another CA`);
    expect(why).toContain(`POSTERN_SERVER_EX1_TLS_VERIFY=pin with POSTERN_SERVER_EX1_TLS_PINS=${sha256}`);
    expect(stub.heard).toEqual([]);
  });

  test('connects once pinned, and with any', async () => {
    for (const trust of [
      { POSTERN_SERVER_EX1_TLS_VERIFY: 'pin', POSTERN_SERVER_EX1_TLS_PINS: `sha256:${sha256.toUpperCase()}` },
      { POSTERN_SERVER_EX1_TLS_VERIFY: 'any' },
    ]) {
      await start(trust, only());
      await healthOf(gateway, 'ex1', 'up');
      const client = await connectRaw(gateway.imaps);
      await client.line();
      expect(await answerTo(client, 'LOGIN ex1@site.test secret')).toMatch(/^OK /);
      client.destroy();
      await gateway.close();
    }
  });

  test('is refused where another is pinned, though its issuer is among the authorities', async () => {
    const pins = { POSTERN_SERVER_TLS_VERIFY: 'pin', POSTERN_SERVER_TLS_PINS: 'ab'.repeat(32) };
    await start(pins, only());
    expect(await healthOf(gateway, 'ex1', 'down')).toMatch(/none of those pinned; it is SHA-256 /);
  });
});
