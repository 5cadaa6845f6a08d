/** `postern doctor` on a machine whose gateway runs, on the same ports and with the same state. */
import { afterEach, expect, test } from 'vitest';
import { makeAuthority } from '../support/certificates.ts';
import { visit } from '../support/doctor.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { freePorts } from '../support/ports.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

let site: StubSite;
afterEach(() => site?.close());

test('a visit beside a running gateway takes none of its ports, and ends none of its sessions', async () => {
  const [imaps = 0, imap = 0] = await freePorts(2);
  const folder = await makeTempFolder('beside');
  const shared = {
    POSTERN_IMAPS_PORT: String(imaps),
    POSTERN_IMAP_PORT: String(imap),
    POSTERN_STATE_DIR: folder,
  };
  site = await startStubSite(shared);
  const { gateway, ex1, ex2, authority } = site;
  const client = await logIn(gateway.imaps, ann);

  const servers = [ex1, ex2].map(({ name, port }) => {
    const of = (setting: string) => `POSTERN_SERVER_${name.toUpperCase()}_${setting}`;
    return {
      [of('ADDRESS')]: '127.0.0.1',
      [of('FQDN')]: `${name}.test`,
      [of('IMAP_PORT')]: String(port),
      [of('TLS_CA_PATH')]: authority.caPath,
    };
  });
  const settings = {
    ...Object.assign({}, ...servers),
    ...shared,
    POSTERN_SERVERS: 'ex1,ex2',
    POSTERN_ADMIN_SOCKET: gateway.adminSocket,
  };
  const own = await makeTempFolder('beside-gw');
  const { report, wrong } = await visit({ folder: own, authority: await makeAuthority(own), settings });

  expect(report.servers.map(({ ports }) => ports.map(({ isGood }) => isGood))).toEqual([[true], [true]]);
  // The stubs' certificates are of one day.
  expect(new Set(wrong)).toEqual(new Set(['certificate-ends']));
  expect(await answerTo(client, 'NOOP')).toMatch(/^OK/);
  expect((await gateway.postern('status')).stdout).toContain('nothing is wrong');
}, 60_000);
