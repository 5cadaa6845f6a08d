/**
 * Hitch as the rival: it takes TLS off and passes plain bytes on, one worker. It knows no protocol, no TLS
 * towards the server, and dials as soon as a handshake is over, so it has no figure for handshakes alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed, Setup, Subject, SubjectKind } from '../subject.ts';
import { type Places, backlog, isRoot, locate, makePlaces, startRival, tls, wordsOf } from './rival.ts';

/** Hitch as found in PATH. */
export function findHitch(): SubjectKind {
  const command = locate('hitch');
  const version = wordsOf(command, ['--version'])?.split('\n')[0];
  return {
    name: 'hitch',
    role: 'rival',
    version: version ?? 'missing',
    missing: version === undefined ? 'hitch does not run: "apt-get install hitch" installs it.' : undefined,
    features: ['tls12', 'rsa', 'resumption', 'splice', 'dialsBeforeLogin'],
    start: (bed, setup) => startHitch(command, bed, setup),
  };
}

async function startHitch(command: string, bed: Bed, setup: Setup): Promise<Subject> {
  const places = await makePlaces('hitch', bed, setup);
  const path = join(places.folder, 'hitch.conf');
  writeFileSync(path, hitchConfig(places));
  const none = { handshake: undefined, handshakeRsa: undefined, pop3s: undefined, submissions: undefined };
  const ports = { ...places.ports, ...none };
  return startRival({ name: 'hitch', command, words: [`--config=${path}`], ports }, bed);
}

/** Log level 0 is silence; a start that fails still says why. */
export function hitchConfig({ ports, serverPorts, keys }: Places): string {
  const frontend = (port: number, pem: string) =>
    `frontend = { host = "127.0.0.1" port = "${port}" pem-file = "${join(keys, pem)}" }`;
  return `${frontend(ports.imaps, 'both.pem')}
${frontend(ports.imapsRsa, 'rsa-both.pem')}
backend = "[127.0.0.1]:${serverPorts.imap}"
workers = 1
backlog = ${backlog}
tls-protos = TLSv1.2 TLSv1.3
ciphers = "${tls.ciphers}"
ciphersuites = "${tls.suites}"
ecdh-curve = "${tls.groups}"
log-level = 0
daemon = off
${isRoot() ? 'user = "nobody"\ngroup = "nogroup"\n' : ''}`;
}
