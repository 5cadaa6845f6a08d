/**
 * HAProxy as the rival: TLS at the front, blind TCP to the server, one thread, logs off, tickets as it
 * ships. It looks at no login, so it does less than a gateway that follows mailboxes; beating it is the aim
 * all the same.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awaitPort, freePort } from '../launch.ts';
import { serverCore } from '../load-tool.ts';
import type { Bed, Ports, Setup, Subject, SubjectKind } from '../subject.ts';

/** HAProxy as found in PATH, or as BENCH_HAPROXY names it. */
export function findHaproxy(): SubjectKind {
  const command = process.env['BENCH_HAPROXY'] ?? 'haproxy';
  const asked = spawnSync(command, ['-v'], { encoding: 'utf8' });
  const isMissing = asked.error !== undefined || asked.status !== 0;
  return {
    name: 'haproxy',
    role: 'rival',
    version: isMissing ? 'missing' : (asked.stdout.split('\n')[0] ?? ''),
    missing: isMissing
      ? `${command} does not run: "apt-get install haproxy" installs it, or BENCH_HAPROXY names another.`
      : undefined,
    features: ['tls12', 'rsa', 'handshakeOnly', 'resumption', 'serverTls', 'splice', 'dialsBeforeLogin'],
    start: (bed, setup) => startHaproxy(command, bed, setup),
  };
}

async function startHaproxy(command: string, bed: Bed, setup: Setup): Promise<Subject> {
  const [imaps, imapsRsa, handshake, handshakeRsa] = await Promise.all([0, 1, 2, 3].map(() => freePort()));
  if (imaps === undefined) throw new Error('no port');
  const ports = { imaps, imapsRsa, handshake, handshakeRsa };
  const path = join(bed.folder, `haproxy-${imaps}.cfg`);
  writeFileSync(path, configuration(ports, bed, setup));
  const running = bed.tool.launcher.start({
    name: 'haproxy',
    command,
    words: ['-db', '-q', '-f', path],
    core: serverCore,
  });
  running.child.stdout?.resume();
  await awaitPort(imaps, running, 'haproxy');
  return { ...running, name: 'haproxy', ports };
}

/**
 * The frontend `handshake` waits for the client's first bytes before it would contact a server: like a
 * gateway that awaits the login, and unlike `imaps`, which dials as soon as the handshake is over. Without
 * it HAProxy's figure would hold a connection more than the others'.
 */
export function configuration(
  ports: Ports,
  { stubPort, stubTlsPort, folder }: Pick<Bed, 'stubPort' | 'stubTlsPort' | 'folder'>,
  { isServerTls }: Setup,
): string {
  const tls = (pem: string) => `ssl crt ${join(folder, pem)} curves X25519`;
  const server = isServerTls
    ? `127.0.0.1:${stubTlsPort} ssl verify required ca-file ${join(folder, 'cert.pem')} sni str(localhost)`
    : `127.0.0.1:${stubPort}`;
  return `global
  nbthread 1
  maxconn ${connectionsMax}
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256
  ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
frontend imaps
  bind 127.0.0.1:${ports.imaps} ${tls('both.pem')}
  bind 127.0.0.1:${ports.imapsRsa} ${tls('rsa-both.pem')}
  default_backend stub
frontend handshake
  bind 127.0.0.1:${ports.handshake} ${tls('both.pem')}
  bind 127.0.0.1:${ports.handshakeRsa} ${tls('rsa-both.pem')}
  tcp-request inspect-delay 10s
  tcp-request content accept if { req.len gt 0 }
  tcp-request content reject
  default_backend stub
backend stub
  server stub1 ${server}
`;
}

/** HAProxy refuses to start when twice this exceeds the file limit, which is 20,000 on many machines. */
const connectionsMax = 9_500;
