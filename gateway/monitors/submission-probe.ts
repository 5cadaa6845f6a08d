/**
 * The greeting probe of submission: does the server greet, turn to TLS, and offer in EHLO what we promise to
 * clients? It does not log in. What it sees of EHLO is what the handoff is written from.
 */
import type { Verdict } from '#model/claim';
import { type Step, encodeScript } from '#model/handoff-script';
import { accept, expect, fail, refuse, send, skip } from '#model/script-steps';
import { submissionWords } from '#model/submission-words';
import type { ProbeOutcome } from '#native';
import type { Seen } from './monitor.ts';
import { type GreetingProbeParts, type ProbeTimeouts } from './probe-outcome.ts';
import { bad, isOurFault, lackOf, troubleWith } from './probe-outcome.ts';

/** One question to one server. Never rejects if the engine's probe doesn't. */
export async function probeSubmission(parts: Omit<GreetingProbeParts, 'identity'>): Promise<Seen<Verdict>> {
  const { probe, endpoint, baseline, timeouts } = parts;
  const script = encodeScript([
    expect(timeouts.greetingTimeoutMs, [skip('220-'), accept('220'), fail('', 'before')]),
    ...ehloSteps(timeouts),
    ...(endpoint.tls === 'starttls' ? [...startTlsSteps(timeouts), ...ehloSteps(timeouts)] : []),
    // So that no half-open session stays behind: Exchange counts them against the gateway's address.
    send('QUIT\r\n'),
  ]);
  const outcome = await probe({ endpoint, script });
  return verdictOf(outcome, baseline, timeouts);
}

/** RFC 2606: a name that is nobody's, for servers that look it up. */
function ehloSteps({ answerTimeoutMs }: ProbeTimeouts): Step[] {
  const rules = [skip('250-', 'before'), accept('250', 'before'), refuse('', 'before')];
  return [send('EHLO postern.invalid\r\n'), expect(answerTimeoutMs, rules)];
}

/** What was kept before TLS stands is forgotten by the engine: only the EHLO inside it counts. */
function startTlsSteps({ answerTimeoutMs }: ProbeTimeouts): Step[] {
  const rules = [skip('220-'), accept('220'), refuse('', 'before')];
  return [send('STARTTLS\r\n'), expect(answerTimeoutMs, rules), { step: 'startTls' }];
}

function verdictOf(
  outcome: ProbeOutcome,
  baseline: readonly string[],
  timeouts: ProbeTimeouts,
): Seen<Verdict> {
  if (isOurFault(outcome)) return { is: 'unasked', why: outcome.detail };
  if (outcome.reason !== 0) return bad(startTlsTrouble(outcome) ?? troubleWith(outcome, timeouts, /^[45]/));
  const capabilities = keywordsIn(outcome.lines);
  const missing = missingOf(capabilities, baseline);
  if (missing !== undefined) return bad(missing);
  return { is: 'good', capabilities, tookMs: outcome.elapsedMs };
}

/** The refusal of STARTTLS, behind what EHLO showed in clear. */
function startTlsTrouble({ lines }: ProbeOutcome): string | undefined {
  const refusal = lines.find((line) => !line.startsWith('250'));
  if (refusal === undefined || lines.length === 1) return undefined;
  if (!keywordsIn(lines).includes('STARTTLS')) return 'offers no STARTTLS';
  return `refuses STARTTLS: ${refusal.slice(0, wordsMax)}`;
}

/**
 * The keywords of an EHLO's answer, upper case; those with parameters once more with each, as in
 * `AUTH=PLAIN`, `SIZE=37748736`, `XCLIENT=ADDR`.
 */
export function keywordsIn(lines: readonly string[]): string[] {
  // RFC 5321 section 4.1.1.1: the first line is the server's name.
  const keywords = lines.slice(1).flatMap((line) => /^250[- ](.*)$/.exec(line)?.[1]?.toUpperCase() ?? []);
  return [...new Set(keywords.flatMap(wordsOf))];
}

/** Servers older than RFC 4954 write `AUTH=LOGIN`, some beside `AUTH LOGIN`. */
function wordsOf(line: string): string[] {
  const [keyword = '', ...values] = line
    .replace(/^AUTH=/, 'AUTH ')
    .split(' ')
    .filter((word) => word !== '');
  return keyword === '' ? [] : [keyword, ...values.map((value) => `${keyword}=${value}`)];
}

/** The first thing that the server lacks and we need, in words. */
function missingOf(keywords: readonly string[], baseline: readonly string[]): string | undefined {
  const has = (word: string): boolean => keywords.includes(word);
  if (!has('AUTH=PLAIN') && !has('AUTH=LOGIN')) return 'offers no AUTH PLAIN and no AUTH LOGIN';
  const promised = baseline.find((word) => word.startsWith('SIZE='));
  const words = [...submissionWords, ...baseline.filter((word) => word !== promised)];
  return lackOf(keywords, words) ?? (promised && smallerSize(keywords, promised));
}

/** RFC 1870 section 5: a SIZE of 0, or without a number, declares no limit. */
function smallerSize(keywords: readonly string[], promised: string): string | undefined {
  const size = keywords.find((word) => word.startsWith('SIZE='));
  if (size === undefined || sizeIn(size) === 0 || sizeIn(size) >= sizeIn(promised)) return undefined;
  return `offers ${size}, which is less than ${promised}`;
}

function sizeIn(word: string): number {
  return Number(word.slice('SIZE='.length));
}

/** A server's words in our own. */
const wordsMax = 200;
