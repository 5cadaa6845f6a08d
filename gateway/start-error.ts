/** Why a gateway could not start, in one sentence for the operator; the command exits with its code. */
export class StartError extends Error {
  readonly exitCode: number;

  /** 78 where the settings must be mended, 1 for what the machine refuses. */
  constructor(words: string, exitCode: 1 | 78) {
    super(words);
    this.name = 'StartError';
    this.exitCode = exitCode;
  }
}
