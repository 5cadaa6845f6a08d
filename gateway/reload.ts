/**
 * What SIGHUP does: reads the certificates anew, and says which other settings differ and need a restart.
 * A certificate that is refused changes nothing.
 */
import { type CertificateText, readCertificates } from '#gateway/settings/certificates';
import { formatProblem } from '#gateway/settings/problem';
import type { Settings } from '#gateway/settings/settings';
import type { ReadFile } from '#gateway/settings/surroundings';
import type { Log } from '#lib/log';

export interface ReloadParts {
  readonly inForce: Settings;
  readonly next: Settings;
  readonly readFile: ReadFile;
  /** Throws in words where a certificate and its key don't match. */
  readonly setCertificates: (pairs: CertificateText[]) => void;
  readonly log: Log;
}

export function reload({ inForce, next, readFile, setCertificates, log }: ReloadParts): void {
  const read = readCertificates(next.tls.certificates, readFile);
  if ('problems' in read) {
    for (const problem of read.problems)
      log.error(`reload: the certificates stay: ${formatProblem(problem)}`);
  } else {
    try {
      setCertificates(read.pairs);
      log.info('reload: certificates read anew', { certificates: read.pairs.length });
    } catch (error) {
      log.error(`reload: the certificates stay: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const changed = changedParts(inForce, next);
  if (changed.length > 0) log.warn(`reload: a restart is needed for changes of ${changed.join(', ')}`);
}

/** The parts of the settings that differ, but for the certificates. */
export function changedParts(inForce: Settings, next: Settings): string[] {
  const before = new Map(Object.entries(inForce));
  return Object.entries(next)
    .filter(([name, value]) => name !== 'tls' && textOf(value) !== textOf(before.get(name)))
    .map(([name]) => name);
}

/** Secrets are compared by what they hold, and never leave this function. */
function textOf(value: unknown): string {
  return JSON.stringify(value, function revealed(this: unknown, key: string, text: unknown) {
    const held = (this as Record<string, unknown>)[key];
    const isSecret = typeof held === 'object' && held !== null && 'reveal' in held;
    return isSecret ? (held as { reveal(): string }).reveal() : text;
  });
}
