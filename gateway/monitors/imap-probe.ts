/**
 * The greeting probe of IMAP: does the server greet, turn to TLS, and offer what we promise to clients?
 *
 * It does not log in (imap-login-probe.ts). Its capabilities are what the handoff is written from.
 */
import type { Verdict } from '#model/claim';
import { encodeScript } from '#model/handoff-script';
import type { ProbeOutcome } from '#native';
import { closingStep, commandSteps, isAccepted, openingSteps, refusalOf, troubleOf } from './imap-talk.ts';
import type { Seen } from './monitor.ts';
import { type GreetingProbeParts, type ProbeTimeouts, bad, isOurFault, lackOf } from './probe-outcome.ts';

/** One question to one server. Never rejects if the engine's probe doesn't. */
export async function probeImap({
  probe,
  endpoint,
  baseline,
  timeouts,
}: Omit<GreetingProbeParts, 'identity'>): Promise<Seen<Verdict>> {
  const script = encodeScript([
    ...openingSteps(endpoint.tls, timeouts),
    ...commandSteps('c', 'CAPABILITY', timeouts, '* CAPABILITY'),
    closingStep,
  ]);
  const outcome = await probe({ endpoint, script });
  return verdictOf(outcome, baseline, timeouts);
}

function verdictOf(
  outcome: ProbeOutcome,
  baseline: readonly string[],
  timeouts: ProbeTimeouts,
): Seen<Verdict> {
  if (isOurFault(outcome)) return { is: 'unasked', why: outcome.detail };
  if (refusalOf('s', outcome) !== undefined) return bad('offers no STARTTLS');
  const refusal = refusalOf('c', outcome);
  if (refusal !== undefined) return bad(`refuses CAPABILITY: ${refusal}`);
  if (!isAccepted('c', outcome)) return bad(troubleOf(outcome, timeouts));

  const capabilities = capabilitiesOf(outcome.lines);
  const missing = missingOf(capabilities, baseline);
  if (missing !== undefined) return bad(missing);
  return { is: 'good', capabilities, tookMs: outcome.elapsedMs };
}

/** The last list that the server gave, which is the one inside TLS where there is TLS; upper case. */
export function capabilitiesOf(lines: readonly string[]): string[] {
  const lists = lines.flatMap((line) => /^\* CAPABILITY (.*)$/i.exec(line)?.[1] ?? []);
  return (lists.at(-1) ?? '')
    .toUpperCase()
    .split(' ')
    .filter((word) => word !== '');
}

/** The first thing that the server lacks and we need, in words. */
function missingOf(capabilities: readonly string[], baseline: readonly string[]): string | undefined {
  const has = (item: string): boolean => capabilities.includes(item);
  if (!has('IMAP4REV1') && !has('IMAP4REV2')) return 'offers no IMAP4rev1';
  if (has('LOGINDISABLED') && !has('AUTH=PLAIN')) return 'offers no LOGIN and no AUTH=PLAIN';
  return lackOf(capabilities, baseline);
}
