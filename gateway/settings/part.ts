/** What each part of the settings is parsed from. */
import type { Problem } from './problem.ts';
import type { Sources } from './sources.ts';
import type { Env, Surroundings } from './surroundings.ts';
import type { Values } from './values.ts';

/** Problems are added to the one list; what a part gives beside a problem is not used. */
export interface Part {
  readonly values: Values;
  readonly sources: Sources;
  readonly env: Env;
  readonly surroundings: Surroundings;
  readonly problems: Problem[];
}
