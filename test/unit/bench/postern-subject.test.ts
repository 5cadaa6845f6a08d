import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseCopiesFile } from '#gateway/copy-sources/copies-file';
import { parseSettings } from '#gateway/settings/parse';
import { systemSurroundings } from '#gateway/settings/surroundings';
import type { Moment } from '#lib/clock';
import type { ServerId } from '#model/ids';
import { posternCopies, posternSettings, sumOf } from '../../../bench/subjects/postern.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bench-test-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const stubPorts = { imap: 2143, pop3: 2110, submission: 2587 };
const stubTlsPorts = { imap: 2993, pop3: 2995, submission: 2465 };

test.each([
  ['off', false, stubPorts],
  ['implicit', true, stubTlsPorts],
] as const)(
  'the gateway takes the settings of the bench, TLS to the server %s',
  (tls, isServerTls, serverPorts) => {
    // The settings look at the kind of a PEM file only; what is in it the engine finds.
    for (const name of ['cert.pem', 'rsa-cert.pem']) writeFileSync(join(folder, name), pem('CERTIFICATE'));
    for (const name of ['key.pem', 'rsa-key.pem']) writeFileSync(join(folder, name), pem('PRIVATE KEY'));
    for (const name of ['copies.yaml', 'mailboxes']) writeFileSync(join(folder, name), '');
    const bed = { folder, stubPorts, stubTlsPorts };
    const doors = { imaps: 3993, pop3s: 3995, submissions: 3465 };
    const parsed = parseSettings(posternSettings(bed, doors, { isServerTls }), systemSurroundings());
    expect(parsed).not.toHaveProperty('problems');
    if ('problems' in parsed) return;
    const { servers, frontends, limits, ioThreads, workers } = parsed.settings;
    expect(servers).toMatchObject([{ id: 'stub1', address: '127.0.0.1' }]);
    for (const [protocol, port] of Object.entries(serverPorts))
      expect(servers[0]?.protocols).toMatchObject({ [protocol]: { tls, port } });
    expect(frontends).toMatchObject(
      Object.entries(doors).map(([name, port]) => ({ name, listeners: [{ host: '127.0.0.1', port }] })),
    );
    expect([ioThreads, workers, limits.connectionsPerAddressMax]).toEqual([1, 1, 20_000]);
  },
);

test('the copies file of the bench says that its one server is active', () => {
  const reading = {
    path: 'copies.yaml',
    serverIdOf: (name: string) => name as ServerId,
    receivedAt: 0 as Moment,
  };
  const parsed = parseCopiesFile(posternCopies, reading);
  expect(JSON.stringify(parsed)).toContain('"stub1"');
  expect(parsed).not.toHaveProperty('problem');
});

test('a metric is summed over the workers, and its absence is an error', () => {
  const page = '# HELP a_total x\na_total{worker="0"} 3\na_total{worker="1"} 4.5\na_total_more 9\nb 1e3\n';
  expect([sumOf(page, 'a_total'), sumOf(page, 'b')]).toEqual([7.5, 1000]);
  expect(() => sumOf(page, 'c_total')).toThrow('postern has no metric c_total');
});

function pem(kind: string): string {
  return ['BEGIN', 'END'].map((edge) => `-----${edge} ${kind}-----\n`).join('');
}
