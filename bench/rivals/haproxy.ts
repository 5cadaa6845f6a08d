/**
 * HAProxy as the rival: TLS at the front, blind TCP to the server, one thread, logs off, tickets as it
 * ships. It looks at no login, so it does less than a gateway that follows mailboxes; beating it is the aim
 * all the same.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed, Setup, Subject, SubjectKind, SubjectName } from '../subject.ts';
import {
  type Places,
  backlog,
  connectionsMax,
  idleMinutes,
  locate,
  makePlaces,
  startRival,
  tls,
  wordsOf,
} from './rival.ts';

/** The reference: HAProxy as found in PATH. */
export function findHaproxy(): SubjectKind {
  const missing = 'haproxy does not run: "apt-get install haproxy" installs it.';
  return haproxyKind('haproxy', locate('haproxy'), missing);
}

/** A second HAProxy, newer or built in another way, by its path: a subject beside the reference. */
export function findNewHaproxy(): SubjectKind {
  const command = process.env['BENCH_HAPROXY'];
  if (command === undefined)
    return haproxyKind('haproxy-new', undefined, 'BENCH_HAPROXY=/path names a second HAProxy.');
  return haproxyKind('haproxy-new', command, `${command}, named by BENCH_HAPROXY, does not run.`);
}

function haproxyKind(name: SubjectName, command: string | undefined, absence: string): SubjectKind {
  const version = command === undefined ? undefined : wordsOf(command, ['-v'])?.split(/\n| - http/)[0];
  return {
    name,
    role: 'rival',
    version: version ?? 'missing',
    missing: version === undefined ? absence : undefined,
    features: [
      'tls12',
      'rsa',
      'handshakeOnly',
      'resumption',
      'serverTls',
      'splice',
      'dialsBeforeLogin',
      'pop3',
      'submission',
    ],
    start: (bed, setup) => startHaproxy(name, command ?? name, bed, setup),
  };
}

async function startHaproxy(name: SubjectName, command: string, bed: Bed, setup: Setup): Promise<Subject> {
  const places = await makePlaces(name, bed, setup);
  const path = join(places.folder, 'haproxy.cfg');
  writeFileSync(path, haproxyConfig(places));
  return startRival({ name, command, words: ['-db', '-q', '-f', path], ports: places.ports }, bed);
}

/**
 * The frontend `handshake` waits for the client's first bytes before it would contact a server: like a
 * gateway that awaits the login, and unlike `imaps`, which dials as soon as the handshake is over. Without
 * it HAProxy's figure would hold a connection more than the others'.
 */
export function haproxyConfig({ ports, serverPorts, isServerTls, keys }: Places): string {
  const bind = (port: number, pem: string) =>
    `bind 127.0.0.1:${port} backlog ${backlog} ssl crt ${join(keys, pem)} curves ${tls.groups}`;
  const frontend = (name: string, port: number) => `frontend ${name}
  ${bind(port, 'both.pem')}
  default_backend stub-${name}
`;
  const backend = (name: string, port: number) => `backend stub-${name}
  server stub1 127.0.0.1:${port}${isServerTls ? checked : ''}
`;
  const checked = ` ssl verify required ca-file ${join(keys, 'cert.pem')} sni str(localhost)`;
  const frontends = [frontend('pop3s', ports.pop3s), frontend('submissions', ports.submissions)];
  const backends = [
    backend('imaps', serverPorts.imap),
    backend('pop3s', serverPorts.pop3),
    backend('submissions', serverPorts.submission),
  ];
  return `global
  nbthread 1
  maxconn ${connectionsMax}
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-bind-ciphers ${tls.ciphers}
  ssl-default-bind-ciphersuites ${tls.suites}
  ssl-default-server-ciphersuites ${tls.suites}
defaults
  mode tcp
  timeout connect 5s
  timeout client ${idleMinutes}m
  timeout server ${idleMinutes}m
frontend imaps
  ${bind(ports.imaps, 'both.pem')}
  ${bind(ports.imapsRsa, 'rsa-both.pem')}
  default_backend stub-imaps
${frontends.join('')}frontend handshake
  ${bind(ports.handshake, 'both.pem')}
  ${bind(ports.handshakeRsa, 'rsa-both.pem')}
  tcp-request inspect-delay 10s
  tcp-request content accept if { req.len gt 0 }
  tcp-request content reject
  default_backend stub-imaps
${backends.join('')}`;
}
