/** A small site for the tests of the settings: an environment that is right, and files that exist nowhere. */
import { parseSettings } from '#gateway/settings/parse';
import { formatProblem } from '#gateway/settings/problem';
import type { Settings } from '#gateway/settings/settings';
import type { Env, Surroundings } from '#gateway/settings/surroundings';

export const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
export const key = '-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n';

export const files: Readonly<Record<string, string>> = {
  '/etc/cert.pem': certificate,
  '/etc/key.pem': key,
  '/etc/ca.pem': `${certificate}# corp`,
  '/etc/mailboxes': 'ann db1',
  '/etc/copies.yaml': 'databases: {}',
  '/run/agent.key': '0123456789abcdef\n',
  '/run/empty': '\n',
};

export const site: Env = {
  POSTERN_SERVERS: 'ex1,ex-2',
  POSTERN_SERVER_EX1_ADDRESS: '10.1.0.11',
  POSTERN_SERVER_EX1_FQDN: 'ex1.corp.example',
  POSTERN_SERVER_EX_2_ADDRESS: '10.1.0.12',
  POSTERN_SERVER_EX_2_FQDN: 'EX2.corp.example',
  POSTERN_TLS_CERT_PATH: '/etc/cert.pem',
  POSTERN_TLS_KEY_PATH: '/etc/key.pem',
  POSTERN_DATABASES: 'db1,db2',
  POSTERN_DATABASE_DB1_COPIES: 'ex1,ex-2',
  POSTERN_DIRECTORY_PATH: '/etc/mailboxes',
};

export const machine: Surroundings = {
  readFile: (path) =>
    files[path] === undefined ? { trouble: `${path} does not exist` } : { text: files[path] },
  isReadableFile: (path) => files[path] !== undefined,
  isWritableFolder: (path) => ['/run', '/var/lib/postern', '/tmp'].includes(path),
  hasAddress: (address) => ['10.1.0.21', '10.1.0.22', 'fd00::21'].includes(address),
  cpuCount: 8,
  hostname: 'gw1.corp.example',
  rootsPem: 'ROOTS',
  hasOpenssl: true,
  uid: 1000,
  descriptorsMax: 1_048_576,
  temporaryFolder: '/tmp',
};

/** The settings of the site with changes; a change to undefined removes. Throws where there is a problem. */
export function settingsOf(changes: Env = {}): Settings {
  const parsed = parseSettings({ ...site, ...changes }, machine);
  if ('problems' in parsed) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  return parsed.settings;
}

/** The problems of the site with changes, as lines. */
export function problemsOf(changes: Env, surroundings: Surroundings = machine): string[] {
  const parsed = parseSettings({ ...site, ...changes }, surroundings);
  return 'problems' in parsed ? parsed.problems.map(formatProblem) : [];
}
