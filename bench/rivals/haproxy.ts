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
import type { Bed, Subject, SubjectKind } from '../subject.ts';

/** HAProxy as found in PATH, or as BENCH_HAPROXY names it. */
export function findHaproxy(): SubjectKind {
  const command = process.env['BENCH_HAPROXY'] ?? 'haproxy';
  const asked = spawnSync(command, ['-v'], { encoding: 'utf8' });
  const isMissing = asked.error !== undefined || asked.status !== 0;
  return {
    name: 'haproxy',
    version: isMissing ? 'missing' : (asked.stdout.split('\n')[0] ?? ''),
    missing: isMissing
      ? `${command} does not run: "apt-get install haproxy" installs it, or BENCH_HAPROXY names another.`
      : undefined,
    start: (bed) => startHaproxy(command, bed),
  };
}

async function startHaproxy(command: string, { tool, folder, stubPort }: Bed): Promise<Subject> {
  const [port, handshakePort] = [await freePort(), await freePort()];
  const path = join(folder, 'haproxy.cfg');
  writeFileSync(path, configuration({ port, handshakePort, stubPort, pem: join(folder, 'both.pem') }));
  const running = tool.launcher.start({
    name: 'haproxy',
    command,
    words: ['-db', '-q', '-f', path],
    core: serverCore,
  });
  running.child.stdout?.resume();
  await awaitPort(port, running, 'haproxy');
  return { ...running, name: 'haproxy', port, handshakePort };
}

interface Places {
  readonly port: number;
  readonly handshakePort: number;
  readonly stubPort: number;
  readonly pem: string;
}

/**
 * The frontend `handshake` waits for the client's first bytes before it would contact a server: like a
 * gateway that awaits the login, and unlike `imaps`, which dials as soon as the handshake is over. Without
 * it HAProxy's figure would hold a connection more than the others'.
 */
export function configuration({ port, handshakePort, stubPort, pem }: Places): string {
  return `global
  nbthread 1
  maxconn ${connectionsMax}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
frontend imaps
  bind 127.0.0.1:${port} ssl crt ${pem} curves X25519
  default_backend stub
frontend handshake
  bind 127.0.0.1:${handshakePort} ssl crt ${pem} curves X25519
  tcp-request inspect-delay 10s
  tcp-request content accept if { req.len gt 0 }
  tcp-request content reject
  default_backend stub
backend stub
  server stub1 127.0.0.1:${stubPort}
`;
}

/** HAProxy refuses to start when twice this exceeds the file limit, which is 20,000 on many machines. */
const connectionsMax = 9_500;
