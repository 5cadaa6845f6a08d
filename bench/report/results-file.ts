/** The results file as the report reads it: what bench/results/*.json holds, and whether a file is one. */
import type { Report } from '../report.ts';
import type { Results } from '../results.ts';
import type { Scenario } from '../scenario.ts';

export interface ResultsFile extends Report, Results {
  readonly bench: 'postern';
  /** When it ended, ISO 8601 in UTC. */
  readonly at: string;
  readonly machine: Readonly<Record<string, string | number>>;
  /** By version, what was negotiated. */
  readonly tls: Readonly<Record<string, string>>;
  readonly scenarios: readonly Pick<Scenario, 'name' | 'doc'>[];
  readonly faults: readonly string[];
}

/** Takes the text of a results file; a string says why it is none. */
export function parseResultsFile(text: string): ResultsFile | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const file = value as Partial<ResultsFile> | null;
  if (typeof file !== 'object' || file === null || file.bench !== 'postern')
    return 'it is not a result of this bench';
  const lists = ['subjects', 'scenarios', 'rows', 'runs', 'faults'] as const;
  const lost = lists.filter((name) => !Array.isArray(file[name]));
  // A file from before a change of its form: measured again it has what it lacks.
  return lost.length === 0 ? (file as ResultsFile) : `it has no ${lost.join(', ')}`;
}
