/** What an operator did wrong in the settings: which one, what, and how to mend it. */

export interface Problem {
  readonly setting: string;
  readonly problem: string;
  readonly mend: string;
}

/** One line: "POSTERN_SERVERS is not set; name the servers: POSTERN_SERVERS=ex1,ex2". */
export function formatProblem({ setting, problem, mend }: Problem): string {
  return `${setting} ${problem}; ${mend}`;
}
