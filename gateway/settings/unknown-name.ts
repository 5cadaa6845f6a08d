/** What to say of a server or database that is named in one setting and missing in the list of them. */
import { didYouMean } from './did-you-mean.ts';
import type { Problem } from './problem.ts';

/** The problem of a name that another setting does not list. */
export function unknownName(
  setting: string,
  name: string,
  { known, list }: { readonly known: readonly string[]; readonly list: string },
): Problem {
  const meant = didYouMean(name, known);
  const mend = meant === undefined ? `add it to ${list}, or correct it` : `did you mean ${meant}?`;
  return { setting, problem: `has ${name}, which ${list} does not list`, mend };
}
