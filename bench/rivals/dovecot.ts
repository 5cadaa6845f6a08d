/**
 * Dovecot as the rival: its login proxy, which reads the login, looks the user up, and logs in to the server.
 * As its high-performance mode has it: one imap-login process for all sessions instead of one a session,
 * which costs eleven times as much CPU a login.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Bed, Setup, StubProtocol, Subject, SubjectKind } from '../subject.ts';
import { stubProtocols } from '../subject.ts';
import {
  type Places,
  connectionsMax,
  isRoot,
  locate,
  makePlaces,
  startRival,
  tls,
  wordsOf,
} from './rival.ts';

/** Dovecot as found in PATH; what is written here is for 2.3. */
export function findDovecot(): SubjectKind {
  const command = locate('dovecot');
  const version = wordsOf(command, ['--version']);
  const protocols = installedProtocols();
  return {
    name: 'dovecot',
    role: 'rival',
    version: version === undefined ? 'missing' : `Dovecot ${version}, login proxy`,
    missing: absenceOf(version),
    features: [
      'tls12',
      'rsa',
      'handshakeOnly',
      'resumption',
      'serverTls',
      'splice',
      'parsesLogin',
      ...protocols.filter((protocol) => protocol !== 'imap'),
    ],
    start: (bed, setup) => startDovecot({ command, protocols }, bed, setup),
  };
}

/** Dovecot 2.4 has another language for its configuration. */
export function absenceOf(version: string | undefined): string | undefined {
  const apt = '"apt-get install dovecot-core dovecot-imapd" installs it.';
  if (version === undefined) return `dovecot does not run: ${apt}`;
  return version.startsWith('2.3.') ? undefined : `dovecot is ${version}: the bench configures 2.3.`;
}

/** Debian has POP3 and submission in packages of their own: dovecot-pop3d, dovecot-submissiond. */
export function installedProtocols(): readonly StubProtocol[] {
  const folder = wordsOf(locate('doveconf'), ['-h', '-d', 'libexec_dir']);
  if (folder === undefined) return [];
  return stubProtocols.filter((protocol) => existsSync(join(folder, `${protocol}-login`)));
}

interface Installed {
  readonly command: string;
  readonly protocols: readonly StubProtocol[];
}

async function startDovecot({ command, protocols }: Installed, bed: Bed, setup: Setup): Promise<Subject> {
  const places = await makePlaces('dovecot', bed, setup);
  mkdirSync(join(places.folder, 'run'));
  const path = join(places.folder, 'dovecot.conf');
  writeFileSync(path, dovecotConfig(places, protocols));
  // Before the login nothing is dialled, so the port of the sessions is the one of the handshakes, too. Which
  // certificate it shows goes by the name that the client asks for.
  const { imaps } = places.ports;
  const ports = {
    imaps,
    imapsRsa: imaps,
    handshake: imaps,
    handshakeRsa: imaps,
    pop3s: protocols.includes('pop3') ? places.ports.pop3s : undefined,
    submissions: protocols.includes('submission') ? places.ports.submissions : undefined,
  };
  return startRival({ name: 'dovecot', command, words: ['-F', '-c', path], ports }, bed);
}

/**
 * The log goes to a file, by standard error: Dovecot always writes a line for each login and each end. The
 * server's port goes by the protocol, `%s`.
 */
export function dovecotConfig(places: Places, protocols: readonly StubProtocol[]): string {
  const { isServerTls, serverPorts, folder, keys } = places;
  // Its caged login process finds no authority for a server's certificate, so it takes any.
  const services = protocols.map((protocol) => loginService(protocol, places));
  const serverPort = protocols.map((each) => `%{if;%s;eq;${each};${serverPorts[each]};}`).join('');
  const serverTls = isServerTls ? ' ssl=any-cert' : '';
  return `base_dir = ${folder}/run
state_dir = ${folder}/run/state
instance_name = bench
log_path = /dev/stderr
listen = 127.0.0.1
protocols = ${protocols.join(' ')}
ssl = required
ssl_cert = <${keys}/cert.pem
ssl_key = <${keys}/key.pem
ssl_min_protocol = TLSv1.2
ssl_cipher_list = ${tls.ciphers}
ssl_cipher_suites = ${tls.suites}
ssl_curve_list = ${tls.groups}
local_name rsa.localhost {
  ssl_cert = <${keys}/rsa-cert.pem
  ssl_key = <${keys}/rsa-key.pem
}
auth_mechanisms = plain
auth_cache_size = 16M
auth_cache_ttl = 1 hour
mail_max_userip_connections = 0
default_vsz_limit = 2G
default_client_limit = ${2 * connectionsMax}
default_process_limit = 4
${isRoot() ? '' : ownUser()}passdb {
  driver = static
  args = proxy=y host=localhost hostip=127.0.0.1 port=${serverPort} nopassword=y${serverTls}
}
${services.join('')}# Without the penalty's socket no address is slowed for others' sake: they come from few.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`;
}

/** One login process of each protocol, and of its listeners the one with TLS from the first byte. */
function loginService(protocol: StubProtocol, { ports }: Places): string {
  const [plain, port] = {
    imap: ['imap', ports.imaps],
    pop3: ['pop3', ports.pop3s],
    submission: ['submission', ports.submissions],
  }[protocol];
  return `service ${protocol}-login {
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = ${connectionsMax}
  inet_listener ${plain} {
    port = 0
  }
  inet_listener ${plain}s {
    port = ${port}
    ssl = yes
  }
}
`;
}

/** Without root's rights everything runs as who started it, and in no cage. */
function ownUser(): string {
  const name = userInfo().username;
  const uncaged = ['imap-login', 'anvil', 'ipc'].map((each) => `service ${each} {\n  chroot =\n}\n`);
  return `default_internal_user = ${name}
default_internal_group = ${wordsOf('id', ['-gn']) ?? name}
default_login_user = ${name}
${uncaged.join('')}`;
}
