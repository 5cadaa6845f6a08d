/** What the settings need to know of the machine. An argument, so that parsing them stays a function. */
import { accessSync, constants, statSync } from 'node:fs';
import { availableParallelism, hostname, tmpdir, userInfo } from 'node:os';
import { rootCertificates } from 'node:tls';
import { readFileBounded } from '#lib/read-file';
import type { FileText } from '#lib/read-file';

export interface Surroundings {
  readonly readFile: ReadFile;
  /** For files that others read later, and that may be large. */
  readonly isReadableFile: (path: string) => boolean;
  readonly isWritableFolder: (path: string) => boolean;
  readonly cpuCount: number;
  readonly hostname: string;
  /** PEM of the authorities that servers are checked against where no file is named. */
  readonly rootsPem: string;
  readonly uid: number;
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
    cpuCount: availableParallelism(),
    hostname: hostname(),
    rootsPem: rootCertificates.join('\n'),
    uid: userInfo().uid,
    temporaryFolder: tmpdir(),
  };
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
