/** The nouns of a comparison's results: what was run, and what came of it. The JSON file holds all of it. */
import type { Measured } from './scenario.ts';
import type { Options } from './options.ts';
import type { SubjectKind, SubjectName } from './subject.ts';

/** One run of one scenario on one subject. */
export interface Run extends Measured {
  readonly scenario: string;
  readonly round: number;
  readonly subject: SubjectName;
}

export interface Results {
  readonly options: Options;
  /** In the order of the table's columns. */
  readonly subjects: readonly SubjectFacts[];
  readonly runs: readonly Run[];
}

export type SubjectFacts = Pick<SubjectKind, 'name' | 'role' | 'version' | 'features'>;
