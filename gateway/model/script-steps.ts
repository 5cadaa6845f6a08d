/**
 * The steps and rules of a handoff script in one word each, for those who write scripts: fronts and probes.
 * What they mean is in handoff-script.ts.
 */
import type { Rule, Step } from '#model/handoff-script';

/** Sends these bytes, latin-1. */
export function send(bytes: string): Step {
  return { step: 'send', bytes };
}

/** Waits for a line that one of the rules decides. */
export function expect(timeoutMs: number, rules: readonly Rule[]): Step {
  return { step: 'expect', rules, timeoutMs };
}

/** The answer that was waited for. `keep`: it goes to the client, or to the probe. */
export function accept(prefix: string, keep?: Rule['keep']): Rule {
  return rule('accept', prefix, keep);
}

/** The server's judgement of the login. */
export function refuse(prefix: string, keep?: Rule['keep']): Rule {
  return rule('refuse', prefix, keep);
}

/** Temporary trouble. */
export function fail(prefix: string, keep?: Rule['keep']): Rule {
  return rule('fail', prefix, keep);
}

/** Not the answer yet. */
export function skip(prefix: string, keep?: Rule['keep']): Rule {
  return rule('skip', prefix, keep);
}

function rule(then: Rule['then'], prefix: string, keep: Rule['keep']): Rule {
  return keep === undefined ? { prefix, then } : { prefix, then, keep };
}
