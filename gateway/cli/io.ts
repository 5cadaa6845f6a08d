/** What a command may do to the world, so that tests can look on. */

export interface CommandIo {
  /** The whole environment, also its secrets, which process.env has no more. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly temporaryFolder: string;
  /** Standard output. */
  print(text: string): void;
  /** Standard error: one sentence, without its line end. */
  complain(sentence: string): void;
  /** The code that the process ends with; the last word counts. */
  setExitCode(code: number): void;
}
