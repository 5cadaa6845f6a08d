/**
 * What all rivals share: how they are found, which TLS they speak, and how they are started and seen to
 * work. What each is told beyond that is in the file of its name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { awaitPort, freePort } from '../launch.ts';
import { serverCore } from '../load-tool.ts';
import type { Bed, Ports, Setup, StubPorts, Subject, SubjectName } from '../subject.ts';
import { tryLogins } from '../trial.ts';

/**
 * The TLS of every rival, in the words of OpenSSL's settings. The generator offers one version, one suite
 * and one group, and checks what was negotiated; naming the same here keeps a library from preparing for
 * more. P-256 is listed for TLS 1.2, which with an ECDSA certificate fails without it. Tickets are as each
 * ships.
 */
export const tls = {
  suites: 'TLS_AES_128_GCM_SHA256',
  ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  groups: 'X25519:P-256',
} as const;

/**
 * What a rival is told to serve, which is HAProxy's most: it refuses to start when twice this exceeds the
 * file limit, which is 20,000 on many machines.
 */
export const connectionsMax = 9_500;
/** What Linux allows unless told otherwise; a burst of new connections must not be dropped for less. */
export const backlog = 4_096;
/** Longer than any run holds its sessions. */
export const idleMinutes = 10;

/** Everything that a rival's configuration is made of. */
export interface Places extends Setup {
  readonly ports: { readonly [name in keyof Ports]: number };
  /** The stub server, in the way that the setup says. */
  readonly serverPorts: StubPorts;
  /** The rival's own: nothing else lies in it. */
  readonly folder: string;
  /** The folder with the certificates, under the names that `Bed` gives. */
  readonly keys: string;
}

/** Ports and a folder for one start. */
export async function makePlaces(name: SubjectName, bed: Bed, setup: Setup): Promise<Places> {
  const ports = {
    imaps: await freePort(),
    imapsRsa: await freePort(),
    handshake: await freePort(),
    handshakeRsa: await freePort(),
    pop3s: await freePort(),
    submissions: await freePort(),
  };
  return {
    ...setup,
    ports,
    serverPorts: setup.isServerTls ? bed.stubTlsPorts : bed.stubPorts,
    folder: mkdtempSync(join(bed.folder, `${name}-`)),
    keys: bed.folder,
  };
}

/** How to start a rival, once its configuration is written. */
export interface RivalProgram {
  readonly name: SubjectName;
  readonly command: string;
  readonly words: readonly string[];
  readonly ports: Ports;
}

/**
 * The running rival, after a login of each protocol through it; its processes are all that descend from the
 * one started.
 */
export async function startRival({ name, command, words, ports }: RivalProgram, bed: Bed): Promise<Subject> {
  const running = bed.tool.launcher.start({ name, command, words, core: serverCore });
  running.child.stdout?.resume();
  await awaitPort(ports.imaps, running, name);
  const problem = await tryLogins(bed.tool, ports);
  if (problem !== undefined) throw new Error(`${name} takes no login: ${problem}\n${running.lastWords()}`);
  return { ...running, name, ports };
}

/** The program in PATH, or where systems keep daemons and not every user's PATH leads; else the bare name. */
export function locate(name: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name;
}

/** What a program says of itself, on either output; undefined when it does not run. */
export function wordsOf(command: string, words: readonly string[]): string | undefined {
  const asked = spawnSync(command, words, { encoding: 'utf8', timeout: askTimeoutMs });
  if (asked.error !== undefined || asked.status !== 0) return undefined;
  return `${asked.stdout}${asked.stderr}`.trim();
}

/** Programs that start in root's rights give them up for this user, and do not start without one. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

const askTimeoutMs = 10_000;
