/** What the settings need to know of the machine. An argument, so that parsing them stays a function. */
import { accessSync, constants, statSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { availableParallelism, hostname, networkInterfaces, tmpdir, userInfo } from 'node:os';
import { rootCertificates } from 'node:tls';
import { readBuild } from '#lib/read-build';
import { readFileBounded } from '#lib/read-file';
import type { FileText } from '#lib/read-file';

export interface Surroundings {
  readonly readFile: ReadFile;
  /** For files that others read later, and that may be large. */
  readonly isReadableFile: (path: string) => boolean;
  readonly isWritableFolder: (path: string) => boolean;
  /** Whether the IP address is one of this machine's. */
  readonly hasAddress: (address: string) => boolean;
  readonly cpuCount: number;
  readonly hostname: string;
  /** PEM of the authorities that servers are checked against where no file is named. */
  readonly rootsPem: string;
  /** Whether this build has the TLS profiles `compatible` and `legacy`. */
  readonly hasOpenssl: boolean;
  readonly uid: number;
  /** Files that this process may have open at a time; undefined where the system does not say. */
  readonly descriptorsMax: number | undefined;
  readonly temporaryFolder: string;
}

/** Reads a small text file whole. */
export type ReadFile = (path: string) => FileText;

/** The process's environment, or what stands in its place. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The machine that the process runs on. */
export function systemSurroundings(): Surroundings {
  return {
    readFile: (path) => readFileBounded(path),
    isReadableFile: (path) => allows(path, constants.R_OK) && !isFolder(path),
    isWritableFolder: (path) => allows(path, constants.W_OK | constants.X_OK) && isFolder(path),
    hasAddress,
    cpuCount: availableParallelism(),
    hostname: hostname(),
    rootsPem: rootCertificates.join('\n'),
    hasOpenssl: readBuild().hasOpenssl,
    uid: userInfo().uid,
    descriptorsMax: descriptorsMaxOf(readFileBounded('/proc/self/limits')),
    temporaryFolder: tmpdir(),
  };
}

/** All of 127.0.0.0/8 is there, though one address of it is listed. */
function hasAddress(address: string): boolean {
  if (address.startsWith('127.')) return true;
  const all = new BlockList();
  for (const own of Object.values(networkInterfaces()).flatMap((each) => each ?? []))
    all.addAddress(own.address, own.family === 'IPv6' ? 'ipv6' : 'ipv4');
  return all.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Of proc(5): `Max open files  SOFT  HARD  files`. */
function descriptorsMaxOf(limits: FileText): number | undefined {
  const soft = 'text' in limits ? /^Max open files +(\d+)/m.exec(limits.text)?.[1] : undefined;
  return soft === undefined ? undefined : Number(soft);
}

function allows(path: string, wanted: number): boolean {
  try {
    accessSync(path, wanted);
    return true;
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
