/**
 * One look at one port: the monitors' own probe, once, with all that its connection told. The probe is asked
 * without a baseline, so that an item that is missing does not hide the others.
 */
import type { GreetingProbeParts, Probe } from '#gateway/monitors/probe-outcome';
import type { Seen } from '#gateway/monitors/monitor';
import type { Verdict } from '#model/claim';
import { type EndReason, endReasonOf } from '#model/end-reason';
import type { ProbeOutcome, ProbeStanding } from '#native';
import { certificateFacts } from './certificate.ts';
import type { Standing } from './observation.ts';

/** What a monitor asks a server of one protocol. */
export type GreetingProbe = (parts: GreetingProbeParts) => Promise<Seen<Verdict>>;

export interface LookParts extends Omit<GreetingProbeParts, 'baseline'> {
  readonly ask: GreetingProbe;
}

export interface Look {
  readonly verdict: Seen<Verdict>;
  /** Undefined where every step was accepted. */
  readonly reason: EndReason | undefined;
  readonly standing: Standing | undefined;
  readonly outcomes: readonly ProbeOutcome[];
}

/** Asks once. Never rejects if the engine's probe doesn't. */
export async function lookAt({ ask, probe, endpoint, identity, timeouts }: LookParts): Promise<Look> {
  const outcomes: ProbeOutcome[] = [];
  const recorded: Probe = async (request) => {
    const outcome = await probe(request);
    outcomes.push(outcome);
    return outcome;
  };
  const verdict = await ask({ probe: recorded, endpoint, identity, baseline: [], timeouts });
  const last = outcomes.at(-1);
  const stood = outcomes.findLast(({ standing }) => standing !== undefined && standing !== null)?.standing;
  return {
    verdict,
    reason: last === undefined || last.reason === 0 ? undefined : endReasonOf(last.reason),
    standing: stood === undefined ? undefined : standingOf(stood, endpoint.tlsName),
    outcomes,
  };
}

/**
 * What a look's answers lack of the baseline, in the monitors' own words and by their judgement; nobody is
 * asked again.
 */
export async function lackedBy(
  { outcomes }: Look,
  baseline: readonly string[],
  { ask, endpoint, identity, timeouts }: Omit<LookParts, 'probe'>,
): Promise<string[]> {
  const judged = baseline.map(async (item) => {
    const answers = [...outcomes];
    const replayed: Probe = () => {
      const next = answers.shift();
      return next === undefined ? Promise.reject(new Error('no more answers')) : Promise.resolve(next);
    };
    const verdict = await ask({ probe: replayed, endpoint, identity, baseline: [item], timeouts });
    return 'why' in verdict ? [verdict.why] : [];
  });
  return (await Promise.all(judged)).flat();
}

/** How a probe's connection stood, with its certificate read. */
export function standingOf(standing: ProbeStanding, name: string): Standing {
  const { localAddress, tlsVersion, cipherSuite, certificate } = standing;
  return {
    localAddress,
    tlsVersion,
    cipherSuite,
    certificate: certificate === undefined ? undefined : certificateFacts(certificate, name),
  };
}
