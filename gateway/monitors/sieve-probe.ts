/**
 * The greeting probe of ManageSieve: does the server greet, turn to TLS, and offer what we promise to
 * clients?
 *
 * It does not log in. Its capabilities are what the handoff is written from: upper-case words, those with
 * values once for each (`AUTH=PLAIN` of `"SASL" "PLAIN"`, `SIEVE=FILEINTO`).
 */
import type { Verdict } from '#model/claim';
import { type Step, encodeScript } from '#model/handoff-script';
import { accept, expect, fail, refuse, send, skip } from '#model/script-steps';
import type { EngineEndpoint, ProbeOutcome } from '#native';
import type { Seen } from './monitor.ts';
import type { GreetingProbeParts, ProbeTimeouts } from './probe-outcome.ts';
import { bad, isOurFault, lackOf, troubleWith } from './probe-outcome.ts';

/** One question to one server. Never rejects if the engine's probe doesn't. */
export async function probeSieve(parts: GreetingProbeParts): Promise<Seen<Verdict>> {
  const { probe, endpoint, timeouts } = parts;
  const script = encodeScript([
    ...openingSteps(endpoint.tls, timeouts),
    // Its answer says nothing that we want to know.
    send('LOGOUT\r\n'),
  ]);
  return verdictOf(await probe({ endpoint, script }), parts);
}

/** RFC 5804 sections 1.7 and 2.2: the capabilities are the greeting, and come anew inside TLS. */
function openingSteps(tls: EngineEndpoint['tls'], timeouts: ProbeTimeouts): Step[] {
  const greeting = expect(timeouts.greetingTimeoutMs, listRules);
  if (tls !== 'starttls') return [greeting];
  return [
    greeting,
    send('STARTTLS\r\n'),
    expect(timeouts.answerTimeoutMs, [accept('OK'), refuse('NO', 'before'), fail('BYE', 'before')]),
    { step: 'startTls' },
    expect(timeouts.answerTimeoutMs, listRules),
  ];
}

/** Each capability is a line that begins with a string; a literal belongs to its line. */
const listRules = [
  accept('OK'),
  fail('NO', 'before'),
  fail('BYE', 'before'),
  skip('"', 'before'),
  skip('{', 'before'),
];

function verdictOf(
  outcome: ProbeOutcome,
  { endpoint, baseline, timeouts }: GreetingProbeParts,
): Seen<Verdict> {
  if (isOurFault(outcome)) return { is: 'unasked', why: outcome.detail };
  const { lines } = outcome;
  // What was kept before TLS is forgotten with it: a greeting stands in front of a NO to STARTTLS only.
  const isRefused = lines.length > 1 && /^NO\b/i.test(lines.at(-1) ?? '');
  if (isRefused && endpoint.tls === 'starttls') return bad('offers no STARTTLS');
  if (outcome.reason !== 0) return bad(troubleWith(outcome, timeouts, /^(NO|BYE)\b/i));

  const capabilities = [...new Set(lines.flatMap(wordsOf))];
  const missing = missingOf(capabilities, baseline);
  if (missing !== undefined) return bad(missing);
  return { is: 'good', capabilities, tookMs: outcome.elapsedMs };
}

/** `"SASL" "PLAIN LOGIN"`: the name, and with each value. */
function wordsOf(line: string): string[] {
  const { text: tag, rest } = firstString(line.toUpperCase());
  const name = tag === 'SASL' ? 'AUTH' : tag;
  const values = firstString(rest).text.split(' ');
  return [tag, ...values.filter((value) => value !== '').map((value) => `${name}=${value}`)].filter(
    (word) => word !== '',
  );
}

/** In quotes, or behind its announcement, since a captured line has lost its ends: `{5}PLAIN`. */
function firstString(line: string): { readonly text: string; readonly rest: string } {
  const quoted = /^ ?"([^"]*)"/.exec(line);
  if (quoted !== null) return { text: quoted[1] ?? '', rest: line.slice(quoted[0].length) };
  const announced = /^ ?\{([0-9]{1,5})\}/.exec(line);
  const start = announced?.[0].length ?? 0;
  const end = start + Number(announced?.[1] ?? 0);
  return { text: line.slice(start, end), rest: line.slice(end) };
}

/** The first thing that the server lacks and we need, in words. */
function missingOf(capabilities: readonly string[], baseline: readonly string[]): string | undefined {
  if (!capabilities.includes('SIEVE')) return 'offers no SIEVE';
  if (!capabilities.includes('AUTH=PLAIN')) return 'offers no AUTH=PLAIN';
  return lackOf(capabilities, baseline);
}
