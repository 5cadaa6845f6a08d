/** Where a rule of test/tidy.test.ts does harm, and why. A row that nothing needs any more fails. */

export interface Exception {
  readonly path: string;
  readonly rule: string;
  readonly reason: string;
}

export const exceptions: readonly Exception[] = [
  {
    path: 'test/tally.ts',
    rule: 'no default export',
    reason: 'vitest takes a reporter by its default export',
  },
  {
    path: 'native/crates/binding/src/arrays.rs',
    rule: 'no unsafe',
    reason: "napi gives a JavaScript array's memory by unsafe functions only; this module is where",
  },
  {
    path: 'gateway/lab/active-manager.ts',
    rule: 'plain names',
    reason: "the Active Manager is Exchange's own name of the part that this file plays",
  },
  {
    path: 'gateway/cli/postern.ts',
    rule: 'short chains',
    reason: "the settings' table is a file for each section, under the way from the command to the checks",
  },
  {
    path: 'workers/smtp-dialogue.ts',
    rule: 'no base classes',
    reason: 'smtp-server takes what differs from it by its methods only, and wants a stream for a socket',
  },
];
