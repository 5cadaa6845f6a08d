/**
 * Dovecot as the rival: its login proxy, which reads the login, looks the user up, and logs in to the server.
 * As its high-performance mode has it: one imap-login process for all sessions instead of one a session,
 * which costs eleven times as much CPU a login.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Bed, Setup, Subject, SubjectKind } from '../subject.ts';
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
  return {
    name: 'dovecot',
    role: 'rival',
    version: version === undefined ? 'missing' : `Dovecot ${version}, login proxy`,
    missing: absenceOf(version),
    features: ['tls12', 'rsa', 'handshakeOnly', 'resumption', 'serverTls', 'splice', 'parsesLogin'],
    start: (bed, setup) => startDovecot(command, bed, setup),
  };
}

/** Dovecot 2.4 has another language for its configuration. */
export function absenceOf(version: string | undefined): string | undefined {
  const apt = '"apt-get install dovecot-core dovecot-imapd" installs it.';
  if (version === undefined) return `dovecot does not run: ${apt}`;
  return version.startsWith('2.3.') ? undefined : `dovecot is ${version}: the bench configures 2.3.`;
}

async function startDovecot(command: string, bed: Bed, setup: Setup): Promise<Subject> {
  const places = await makePlaces('dovecot', bed, setup);
  mkdirSync(join(places.folder, 'run'));
  const path = join(places.folder, 'dovecot.conf');
  writeFileSync(path, dovecotConfig(places));
  // Before the login nothing is dialled, so the port of the sessions is the one of the handshakes, too. Which
  // certificate it shows goes by the name that the client asks for.
  const { imaps } = places.ports;
  const ports = { imaps, imapsRsa: imaps, handshake: imaps, handshakeRsa: imaps };
  return startRival({ name: 'dovecot', command, words: ['-F', '-c', path], ports }, bed);
}

/** The log goes to a file, by standard error: Dovecot always writes a line for each login and each end. */
export function dovecotConfig({ ports, serverPort, isServerTls, folder, keys }: Places): string {
  // Its caged login process finds no authority for a server's certificate, so it takes any.
  const serverTls = isServerTls ? ' ssl=any-cert' : '';
  return `base_dir = ${folder}/run
state_dir = ${folder}/run/state
instance_name = bench
log_path = /dev/stderr
listen = 127.0.0.1
protocols = imap
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
service imap-login {
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = ${connectionsMax}
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
# Without the penalty's socket no address is slowed down for what others did: they all come from few.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
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
