/**
 * What judges a client's commands, as the front sees it: workers/smtp-dialogue.ts, which has a library for
 * it. What is said to the client, and what is offered to it, is not the dialogue's: preamble.ts and
 * replies.ts.
 */

/**
 * Opens a dialogue with one client, for a connection in clear or inside TLS. It knows nothing of an earlier
 * one.
 */
export type OpenDialogue = (isSecure: boolean) => Dialogue;

/** One client's commands in their order. */
export interface Dialogue {
  /**
   * Judges one command line: printable ASCII, without its end, and of AUTH the first word alone. One line
   * at a time. Never rejects for what a client says.
   */
  judge(line: string): Promise<Judgement>;
}

export type Judgement =
  /** The code of the answer. Behind 221 and 421 the dialogue takes no more lines. */
  | { readonly is: 'answered'; readonly code: number }
  /** AUTH may begin at this place. Its line and those that follow are the front's. */
  | { readonly is: 'auth' }
  /** TLS may begin at this place. The dialogue takes no more lines. */
  | { readonly is: 'startTls' };
