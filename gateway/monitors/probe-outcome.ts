/**
 * What all greeting probes share: what they are given, and an outcome of the engine in words. What they say
 * to a server is each protocol's own (imap-probe.ts, pop3-probe.ts, sieve-probe.ts).
 */
import type { Verdict } from '#model/claim';
import { codeOf, endReasonOf } from '#model/end-reason';
import type { Identity } from '#model/routing-table';
import type { EngineEndpoint, ProbeOutcome, ProbeRequest } from '#native';

/** The part of the engine that probes need. */
export type Probe = (request: ProbeRequest) => Promise<ProbeOutcome>;

export interface ProbeTimeouts {
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  /** For the answer to one command. */
  readonly answerTimeoutMs: number;
}

export interface GreetingProbeParts {
  readonly probe: Probe;
  readonly endpoint: EngineEndpoint;
  /** How the server is to be told of clients. */
  readonly identity: Identity;
  /** What the frontends promise before the login, upper case: a server without it is down. */
  readonly baseline: readonly string[];
  readonly timeouts: ProbeTimeouts;
}

/**
 * True where the probe failed for want of something of our own, such as a file descriptor: it says nothing of
 * the server, whose sessions must not end for it.
 */
export function isOurFault(outcome: ProbeOutcome): boolean {
  return outcome.reason === codeOf('internal_error');
}

/** The first promised word that the server lacks, in words. */
export function lackOf(capabilities: readonly string[], baseline: readonly string[]): string | undefined {
  const missing = baseline.find((item) => !capabilities.includes(item));
  return missing === undefined ? undefined : `offers no ${missing}`;
}

export function bad(why: string): Verdict {
  return { is: 'bad', why };
}

/**
 * Why the connection did not come to its end, for a log and for `whereis`. `goodbye`: what a line begins with
 * by which a server sends us away.
 */
export function troubleWith(outcome: ProbeOutcome, timeouts: ProbeTimeouts, goodbye: RegExp): string {
  const bye = outcome.lines.find((line) => goodbye.test(line));
  if (bye !== undefined) return `said "${bye.slice(0, wordsMax)}"`;
  const detail = outcome.detail === '' ? '' : `: ${outcome.detail.slice(0, detailMax)}`;
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
/** The engine's: a certificate with its names, and the setting that would accept it. */
const detailMax = 700;
