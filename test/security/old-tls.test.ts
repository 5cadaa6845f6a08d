/** V06, V07, V09: old versions and suites, renegotiation and sessions, asked for by openssl s_client. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBuild } from '#lib/read-build';
import { makeAuthority } from '../support/certificates.ts';
import { runChild } from '../support/child.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts';
import { healthOf } from '../support/watching.ts';
import { eventually } from '../support/eventually.ts';

const { hasOpenssl } = readBuild();

let folder: string;
let certificates: Record<string, string>;
let ca: string;

beforeAll(async () => {
  folder = await makeTempFolder('old-clients');
  const authority = await makeAuthority(folder);
  ca = authority.caPem;
  const names = ['imap.test', 'localhost', '127.0.0.1'];
  const pairs = [await authority.issue('ecdsa', names), await authority.issue('rsa', names, 1, 'rsa')];
  certificates = {
    POSTERN_TLS_CERT_PATH: pairs.map(({ certificatePath }) => certificatePath).join(','),
    POSTERN_TLS_KEY_PATH: pairs.map(({ keyPath }) => keyPath).join(','),
  };
});

afterAll(() => removeTempFolder(folder));

/** What a client that asks so is shown: its version and suite, or the alert. */
async function shown(port: number, args: readonly string[], stdin = ''): Promise<string> {
  const address = ['-connect', `127.0.0.1:${port}`, '-servername', 'imap.test'];
  const { stdout, stderr } = await runChild('openssl', ['s_client', ...address, ...args], {
    stdin,
    withinMs: 20_000,
  });
  return stdout + stderr;
}

const legacy = '@SECLEVEL=0';
const oldAsks = [
  ['TLS 1.0', ['-tls1', '-cipher', `ALL:${legacy}`]],
  ['TLS 1.1', ['-tls1_1', '-cipher', `ALL:${legacy}`]],
  ['CBC', ['-tls1_2', '-cipher', `ECDHE-RSA-AES128-SHA256:${legacy}`]],
  ['RSA key exchange', ['-tls1_2', '-cipher', `AES128-GCM-SHA256:${legacy}`]],
  ['AES128-SHA', ['-tls1_2', '-cipher', `AES128-SHA:${legacy}`]],
] as const;

/** A site for the tests of a describe. */
function useSite(settings: Readonly<Record<string, string>>): { site: StubSite } {
  const used = {} as { site: StubSite };
  beforeAll(async () => {
    used.site = await startStubSite({ ...certificates, ...settings });
  });
  afterAll(async () => used.site?.close());
  return used;
}

describe('a modern listener', () => {
  const used = useSite({});

  test.each(oldAsks)('V07 refuses %s with an alert', async (_, args) => {
    expect(await shown(used.site.gateway.imaps.port, args)).toMatch(
      /alert (protocol version|handshake failure)/,
    );
  });

  test('V06 refuses a renegotiation, and serves the next client', async () => {
    const port = used.site.gateway.imaps.port;
    expect(await shown(port, ['-tls1_2'], 'R\n')).toMatch(/no renegotiation|renegotiat/i);
    (
      await logIn({ port: used.site.gateway.imaps.port, tls: { ca, servername: 'imap.test' } }, ann)
    ).destroy();
  });
});

describe.skipIf(!hasOpenssl)('a listener of an old profile', () => {
  const used = useSite({ POSTERN_TLS_PROFILE: 'compatible,imaps:legacy' });

  test.each([
    ['TLSv1', 'ECDHE-ECDSA-AES128-SHA', '-tls1'],
    ['TLSv1', 'AES128-SHA', '-tls1'],
    ['TLSv1.1', 'AES256-SHA', '-tls1_1'],
    ['TLSv1.2', 'AES128-GCM-SHA256', '-tls1_2'],
    ['TLSv1.2', 'ECDHE-RSA-AES128-SHA256', '-tls1_2'],
  ])('legacy serves %s with %s', async (version, suite, option) => {
    const said = await shown(
      used.site.gateway.imaps.port,
      [option, '-cipher', `${suite}:${legacy}`, '-ign_eof'],
      'a LOGOUT\r\n',
    );
    expect(said).toContain(`Cipher is ${suite}`);
    expect(said).toMatch(new RegExp(`Protocol *: ${version}$`, 'm'));
    expect(said).toMatch(/^\* OK [^]*a OK /m);
  });

  test('legacy serves TLS 1.3 all the same, and the whole of a login', async () => {
    const client = await logIn(
      { port: used.site.gateway.imaps.port, tls: { ca, servername: 'imap.test' } },
      ann,
    );
    expect(client.tls()?.getProtocol()).toBe('TLSv1.3');
    expect(await answerTo(client, 'NOOP')).toBe('OK NOOP at ex1');
    client.destroy();
  });
});

describe.skipIf(!hasOpenssl)('old profiles side by side', () => {
  const used = useSite({ POSTERN_TLS_PROFILE: 'compatible,imaps:legacy' });

  test('V07 compatible refuses TLS 1.0 behind STARTTLS and serves RSA key exchange', async () => {
    const port = used.site.gateway.imap.port;
    const upgraded = ['-starttls', 'imap'];
    expect(await shown(port, [...upgraded, '-tls1', '-cipher', `ALL:${legacy}`])).toMatch(
      /alert (protocol version|handshake failure)/,
    );
    expect(await shown(port, [...upgraded, '-tls1_2', '-cipher', `AES128-SHA:${legacy}`])).toContain(
      'Cipher is AES128-SHA',
    );
  });

  test('V06 a renegotiation is refused under legacy as well', async () => {
    const ask = ['-tls1_2', '-cipher', `AES128-SHA:${legacy}`];
    // s_client leaves at the end of its input, and so sometimes before the answer has come.
    await eventually('the refusal', async () =>
      /no renegotiation/i.test(await shown(used.site.gateway.imaps.port, ask, 'R\n')),
    );
    (
      await logIn({ port: used.site.gateway.imaps.port, tls: { ca, servername: 'imap.test' } }, ann)
    ).destroy();
    for (const name of ['ex1', 'ex2']) expect(await healthOf(used.site.gateway, name, 'up')).toBe('');
  });

  test('V09 a session is taken up again at its own listener and not at the other', async () => {
    const kept = `${folder}/session.pem`;
    const ask = ['-tls1_2', '-cipher', `AES128-SHA:${legacy}`, '-ign_eof'];
    const { imaps, imap } = used.site.gateway;
    const first = await shown(imaps.port, [...ask, '-sess_out', kept], 'a LOGOUT\r\n');
    expect(first).toMatch(/^New, /m);
    expect(await shown(imaps.port, [...ask, '-sess_in', kept], 'a LOGOUT\r\n')).toMatch(/^Reused, /m);
    expect(await shown(imap.port, [...ask, '-starttls', 'imap', '-sess_in', kept], 'a LOGOUT\r\n')).toMatch(
      /^New, /m,
    );
  });
});
