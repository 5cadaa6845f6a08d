/**
 * What both IMAP probes say to a server: the steps up to TLS, the steps of the goodbye, and an outcome of
 * the engine in words. The engine plays the scripts; nothing here touches a socket.
 */
import { codeOf, endReasonOf } from '#model/end-reason';
import type { Rule, Step } from '#model/handoff-script';
import type { EngineEndpoint, ProbeOutcome, ProbeRequest } from '#native';

/** The part of the engine that probes need. */
export type Probe = (request: ProbeRequest) => Promise<ProbeOutcome>;

export interface ProbeTimeouts {
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  /** For the answer to one command. */
  readonly answerTimeoutMs: number;
}

/** From the greeting to the encrypted connection, as the endpoint's policy says. */
export function openingSteps(tls: EngineEndpoint['tls'], timeouts: ProbeTimeouts): Step[] {
  const greeting: Rule[] = [
    { prefix: '* OK', then: 'accept', keep: 'before' },
    { prefix: '* BYE', then: 'fail', keep: 'before' },
  ];
  const steps: Step[] = [{ step: 'expect', rules: greeting, timeoutMs: timeouts.greetingTimeoutMs }];
  if (tls !== 'starttls') return steps;
  return [...steps, ...commandSteps('s', 'STARTTLS', timeouts), { step: 'startTls' }];
}

/**
 * One command and its OK. Other answers to it are kept and end the probe; untagged lines that begin so are
 * kept.
 */
export function commandSteps(tag: string, command: string, timeouts: ProbeTimeouts, kept?: string): Step[] {
  return [
    { step: 'send', bytes: `${tag} ${command}\r\n` },
    { step: 'expect', rules: answerRules(tag, kept), timeoutMs: timeouts.answerTimeoutMs },
  ];
}

/** The answer to the command with this tag: see `commandSteps`. */
export function answerRules(tag: string, kept?: string): Rule[] {
  const untagged: Rule[] = kept === undefined ? [] : [{ prefix: kept, then: 'skip', keep: 'before' }];
  return [
    { prefix: `${tag} OK`, then: 'accept', keep: 'before' },
    { prefix: `${tag} `, then: 'refuse', keep: 'before' },
    ...untagged,
    { prefix: '* BYE', then: 'fail', keep: 'before' },
    { prefix: '* ', then: 'skip' },
  ];
}

/** LOGOUT, so that no half-open session stays behind. Its answer says nothing that we want to know. */
export const closingStep: Step = { step: 'send', bytes: 'q LOGOUT\r\n' };

/**
 * The server's answer to the command with this tag when it was not OK; undefined when it was, or none came.
 */
export function refusalOf(tag: string, outcome: ProbeOutcome): string | undefined {
  const answer = [...outcome.lines, outcome.detail].find((line) => line.startsWith(`${tag} `));
  if (answer === undefined || /^\S+ OK\b/i.test(answer)) return undefined;
  return answer.slice(tag.length + 1);
}

/** True where the command with this tag was answered with OK. */
export function isAccepted(tag: string, outcome: ProbeOutcome): boolean {
  return outcome.lines.some((line) => line.startsWith(`${tag} `) && /^\S+ OK\b/i.test(line));
}

/**
 * True where the probe failed for want of something of our own, such as a file descriptor: it says nothing of
 * the server, whose sessions must not end for it.
 */
export function isOurFault(outcome: ProbeOutcome): boolean {
  return outcome.reason === codeOf('internal_error');
}

/** Why the connection did not come to its end, for a log and for `whereis`. */
export function troubleOf(outcome: ProbeOutcome, timeouts: ProbeTimeouts): string {
  const bye = outcome.lines.find((line) => /^\* BYE/i.test(line));
  if (bye !== undefined) return `said "${bye.slice(0, wordsMax)}"`;
  const detail = outcome.detail === '' ? '' : `: ${outcome.detail.slice(0, wordsMax)}`;
  const reason = endReasonOf(outcome.reason);
  switch (reason) {
    case 'connect_refused':
      return 'refuses connections';
    case 'connect_timeout':
      return `no connection within ${timeouts.connectTimeoutMs / 1000}s`;
    case 'connect_failed':
      return `can't be reached${detail}`;
    case 'server_tls_failed':
      return `TLS failed${detail}`;
    case 'greeting_timeout':
      return `no greeting within ${timeouts.greetingTimeoutMs / 1000}s`;
    case 'login_timeout':
      return `no answer within ${timeouts.answerTimeoutMs / 1000}s`;
    case 'server_left':
    case 'server_reset':
      return `closed the connection${detail}`;
    case 'server_unexpected':
      return `unexpected answer${detail}`;
    default:
      return `${reason}${detail}`;
  }
}

/** A server's words in our own. */
const wordsMax = 200;
