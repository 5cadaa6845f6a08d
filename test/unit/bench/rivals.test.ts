import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { findRivals } from '../../../bench/rivals/all.ts';
import { absenceOf, dovecotConfig, installedProtocols } from '../../../bench/rivals/dovecot.ts';
import { envoyConfig, versionIn } from '../../../bench/rivals/envoy.ts';
import { haproxyConfig } from '../../../bench/rivals/haproxy.ts';
import { hitchConfig } from '../../../bench/rivals/hitch.ts';
import { findNginx, loadingIn, nginxFrame } from '../../../bench/rivals/nginx.ts';
import { mailConfig } from '../../../bench/rivals/nginx-mail.ts';
import { streamConfig } from '../../../bench/rivals/nginx-stream.ts';
import { notesOn } from '../../../bench/rivals/notes.ts';
import { type Places, tls } from '../../../bench/rivals/rival.ts';
import { stubProtocols } from '../../../bench/subject.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { freePorts } from '../../support/ports.ts';
import { programPath } from '../../support/programs.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const ports = {
  imaps: 40_001,
  imapsRsa: 40_002,
  handshake: 40_003,
  handshakeRsa: 40_004,
  pop3s: 40_005,
  submissions: 40_006,
};
const serverPorts = { imap: 40_143, pop3: 40_110, submission: 40_587 };
const places: Places = { ports, serverPorts, isServerTls: false, folder: '/run/r', keys: '/run/k' };

const configs: Readonly<Record<string, (places: Places) => string>> = {
  haproxy: haproxyConfig,
  hitch: hitchConfig,
  envoy: (own) => JSON.stringify(envoyConfig(own)),
  'nginx stream': streamConfig,
  'nginx mail': (own) => mailConfig(own, { authPort: 40_080, hasTickets: true }),
  dovecot: (own) => dovecotConfig(own, stubProtocols),
};
const table = Object.entries(configs);

test.each(table)('%s listens on loopback alone', (_, config) => {
  const addresses = config(places).match(/\b\d+\.\d+\.\d+\.\d+\b/g) ?? [];
  expect(new Set(addresses)).toEqual(new Set(['127.0.0.1']));
  expect(config(places)).not.toMatch(/0\.0\.0\.0|\[::\]|\*:/);
});

test.each(table)('%s is told the TLS that all are told', (name, config) => {
  const text = config(places);
  const [ecdsa = '', rsa = ''] = tls.ciphers.split(':');
  const [first = '', second = ''] = tls.groups.split(':');
  for (const word of [ecdsa, rsa, first, second]) expect(text).toContain(word);
  // Envoy has no setting for the suites of TLS 1.3.
  if (name !== 'envoy') expect(text).toContain(tls.suites);
  expect(text).toMatch(/cert\.pem|both\.pem/);
  expect(text).toMatch(/rsa-cert\.pem|rsa-both\.pem/);
});

test.each(table)('%s takes sessions on its port, and is given a server', (name, config) => {
  expect(config(places)).toContain('40001');
  // nginx mail learns the server from the answer to auth_http.
  expect(config(places)).toContain(name === 'nginx mail' ? '40080' : '40143');
});

test.each(['haproxy', 'nginx stream', 'nginx mail', 'dovecot'])(
  '%s takes POP3 and submission, too',
  (name) => {
    const text = configs[name]?.(places) ?? '';
    for (const port of [ports.pop3s, ports.submissions]) expect(text).toMatch(new RegExp(`\\b${port}\\b`));
    const servers = [serverPorts.pop3, serverPorts.submission].filter((port) => text.includes(`${port}`));
    expect(servers).toHaveLength(name === 'nginx mail' ? 0 : 2);
  },
);

test('nginx mail logs in to the server of a submission, as all others do', () => {
  const text = mailConfig(places, { authPort: 1, hasTickets: true });
  expect(text).toMatch(/^ {2}proxy_smtp_auth on;$/m);
  expect(text).toMatch(/^ {2}xclient off;$/m);
});

test('a Dovecot without POP3 and submission is not told of them', () => {
  const text = dovecotConfig(places, ['imap']);
  expect(text).toMatch(/^protocols = imap$/m);
  expect(text).not.toMatch(/pop3|submission/);
});

test('who can speak TLS to the server does so only when told', () => {
  const changed = table.filter(([, config]) => config(places) !== config({ ...places, isServerTls: true }));
  expect(changed.map(([name]) => name)).toEqual(['haproxy', 'envoy', 'nginx stream', 'dovecot']);
});

test('tickets are switched off in the one nginx that is named for it', () => {
  const mail = (hasTickets: boolean) => mailConfig(places, { authPort: 1, hasTickets });
  expect(mail(true)).not.toContain('NumTickets');
  expect(mail(false).match(/NumTickets 0;/g)).toHaveLength(6);
});

test('each rival has a name of its own, a version, and a mend where it is missing', () => {
  const rivals = findRivals();
  expect(new Set(rivals.map(({ name }) => name)).size).toBe(rivals.length);
  expect(rivals[0]?.name).toBe('haproxy');
  for (const { role, version, missing } of rivals) {
    expect(role).toBe('rival');
    expect(version).not.toBe('');
    if (missing !== undefined) expect(missing).toMatch(/apt-get install|BENCH_|configures/);
  }
});

test('each rival is described, on the page and in the README', () => {
  const readme = readFileSync(new URL('../../../bench/README.md', import.meta.url), 'utf8');
  for (const { name } of findRivals()) {
    expect(notesOn(name), name).not.toEqual([]);
    expect(readme).toMatch(new RegExp(`^\\| \`${name}\` +\\|`, 'm'));
  }
  expect(notesOn('toString')).toEqual([]);
});

test.each<[string, string, string | undefined]>([
  ['compiled in', '--with-mail --with-http_ssl_module', ''],
  ['at the end of the words', '--with-mail', ''],
  ['as a file', '--modules-path=/m --with-mail=dynamic --with-x', 'load_module /m/ngx_mail_module.so;\n'],
  ['as a file that is not installed', '--modules-path=/lost --with-mail=dynamic', undefined],
  ['not at all', '--with-mail_ssl_module --with-stream=dynamic', undefined],
])('nginx with the mail module %s', (_, words, expected) => {
  expect(loadingIn(words, 'mail', (path) => path.startsWith('/m/'))).toBe(expected);
});

test('the version of an Envoy is taken from its words', () => {
  const words = '/opt/envoy  version: 9e55/1.40.0/Clean/RELEASE/BoringSSL';
  expect(versionIn(words)).toBe('Envoy 1.40.0, BoringSSL');
  expect(versionIn('envoy?')).toBe('Envoy of unknown version, unknown TLS library');
});

test('a Dovecot of another language is left out, and says why', () => {
  expect(absenceOf('2.3.19.1 (9b53102964)')).toBeUndefined();
  expect(absenceOf('2.4.0 (1)')).toBe('dovecot is 2.4.0 (1): the bench configures 2.3.');
  expect(absenceOf(undefined)).toContain('apt-get install dovecot-core dovecot-imapd');
});

/** What each program says of its own configuration, where it is installed. */
let real: Places;
beforeAll(async () => {
  const folder = await makeTempFolder('rivals');
  const { certificatePath, keyPath } = await (await makeAuthority(folder)).issue('own', ['localhost']);
  mkdirSync(join(folder, 'run'));
  for (const kind of ['', 'rsa-']) {
    copyFileSync(certificatePath, join(folder, `${kind}cert.pem`));
    copyFileSync(keyPath, join(folder, `${kind}key.pem`));
    const both = [certificatePath, keyPath].map((path) => readFileSync(path, 'utf8')).join('');
    writeFileSync(join(folder, `${kind}both.pem`), both);
  }
  const free = await freePorts(Object.keys(ports).length);
  const own = Object.fromEntries(Object.keys(ports).map((name, at) => [name, free[at]])) as typeof ports;
  real = { ports: own, serverPorts, isServerTls: true, folder, keys: folder };
});

test.for<[string, (path: string) => readonly string[], string, () => string]>([
  ['haproxy', (path) => ['-c', '-f', path], 'haproxy', () => haproxyConfig(real)],
  ['hitch', (path) => ['--test', `--config=${path}`], 'hitch', () => hitchConfig(real)],
  ['nginx', (path) => ['-t', '-c', path], 'nginx stream', () => nginxConfig('stream', streamConfig(real))],
  [
    'nginx',
    (path) => ['-t', '-c', path],
    'nginx mail',
    () => nginxConfig('mail', mailConfig(real, { authPort: 1, hasTickets: false })),
  ],
  ['doveconf', (path) => ['-c', path], 'dovecot', () => dovecotConfig(real, installedProtocols())],
])('%s takes the configuration it is given', ([program, words, name, config], { skip }) => {
  const command = programPath(program);
  const kind = findRivals().find((rival) => rival.name === name.replace(' ', '-'));
  if (command === undefined || kind?.missing !== undefined) return skip();
  const path = join(real.folder, `${name}.conf`);
  writeFileSync(path, config());
  const said = spawnSync(command, words(path), { encoding: 'utf8' });
  expect(`${said.status} ${said.stderr}`).toMatch(/^0 /);
});

function nginxConfig(module: 'mail' | 'stream', block: string): string {
  return nginxFrame(findNginx(module).loading, real) + block;
}
