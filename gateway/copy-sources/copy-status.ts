/** The words for how a copy stands, in Exchange's spelling; whatever else a source says is Unknown. */
import type { CopyStatus } from '#model/claim';

/** The status of a word in any case; an unknown word is `Unknown`, never an error. */
export function copyStatusOf(word: string): CopyStatus {
  return byLowerCase.get(word.trim().toLowerCase()) ?? 'Unknown';
}

const statuses: readonly CopyStatus[] = [
  'Mounted',
  'Mounting',
  'Dismounted',
  'Dismounting',
  'Healthy',
  'DisconnectedAndHealthy',
  'DisconnectedAndResynchronizing',
  'SeedingSource',
  'Resynchronizing',
  'Initializing',
  'Seeding',
  'SinglePageRestore',
  'Suspended',
  'Failed',
  'FailedAndSuspended',
  'ServiceDown',
  'Unknown',
];

const byLowerCase: ReadonlyMap<string, CopyStatus> = new Map(
  statuses.map((status) => [status.toLowerCase(), status]),
);
