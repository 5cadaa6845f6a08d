/**
 * The greeting probe of POP3: does the server greet, turn to TLS, and offer what we promise to clients?
 *
 * It does not log in. Its capabilities are what the handoff is written from: upper-case words, those with
 * values once for each (`AUTH=PLAIN` of the line `SASL PLAIN`).
 */
import type { Verdict } from '#model/claim';
import { type Step, encodeScript } from '#model/handoff-script';
import { accept, expect, fail, refuse, send, skip } from '#model/script-steps';
import type { EngineEndpoint, ProbeOutcome } from '#native';
import type { Seen } from './monitor.ts';
import type { GreetingProbeParts, ProbeTimeouts } from './probe-outcome.ts';
import { bad, isOurFault, lackOf, troubleWith } from './probe-outcome.ts';

/** One question to one server. Never rejects if the engine's probe doesn't. */
export async function probePop3(parts: GreetingProbeParts): Promise<Seen<Verdict>> {
  const { probe, endpoint, identity, timeouts } = parts;
  const script = encodeScript([
    ...openingSteps(endpoint.tls, timeouts),
    send('CAPA\r\n'),
    expect(timeouts.answerTimeoutMs, answerRules),
    // RFC 2449 section 5: a line each, until a dot alone.
    expect(timeouts.answerTimeoutMs, [accept('.'), skip('', 'before')]),
    ...(identity === 'xclient' ? xclientSteps(timeouts) : []),
    // Its answer says nothing that we want to know.
    send('QUIT\r\n'),
  ]);
  return verdictOf(await probe({ endpoint, script }), parts);
}

function openingSteps(tls: EngineEndpoint['tls'], timeouts: ProbeTimeouts): Step[] {
  const greeting = expect(timeouts.greetingTimeoutMs, [accept('+OK', 'before'), fail('-ERR')]);
  if (tls !== 'starttls') return [greeting];
  return [greeting, send('STLS\r\n'), expect(timeouts.answerTimeoutMs, answerRules), { step: 'startTls' }];
}

/**
 * Dovecot says only in its greeting, in clear, whether it takes XCLIENT: so it is asked, and told nothing.
 */
function xclientSteps(timeouts: ProbeTimeouts): Step[] {
  return [send('XCLIENT\r\n'), expect(timeouts.answerTimeoutMs, [accept('+OK', 'before'), accept('-ERR')])];
}

const answerRules = [accept('+OK', 'before'), refuse('-ERR', 'before')];

function verdictOf(
  outcome: ProbeOutcome,
  { endpoint, baseline, timeouts }: GreetingProbeParts,
): Seen<Verdict> {
  if (isOurFault(outcome)) return { is: 'unasked', why: outcome.detail };
  const { lines } = outcome;
  const isRefused = lines.at(-1)?.startsWith('-ERR') === true;
  // What was kept before TLS is forgotten with it: the greeting stands here only while there is none.
  const hasGreeting = lines[0]?.startsWith('+OK') === true;
  if (isRefused && hasGreeting && endpoint.tls === 'starttls') return bad('offers no STLS');
  if (outcome.reason !== 0 && !isRefused) return bad(troubleWith(outcome, timeouts, /^-ERR/i));

  // RFC 1939 knows no CAPA; a server without it has USER, or nothing that we could use.
  const capabilities = isRefused
    ? ['USER']
    : capabilitiesOf(lines.slice(endpoint.tls === 'starttls' ? 0 : 1));
  const missing = missingOf(capabilities, baseline);
  if (missing !== undefined) return bad(missing);
  return { is: 'good', capabilities, tookMs: outcome.elapsedMs };
}

/** What stands behind the +OK of CAPA, and XCLIENT where a last +OK has granted it. */
function capabilitiesOf([, ...lines]: readonly string[]): string[] {
  const isGranted = lines.at(-1)?.startsWith('+OK') === true;
  const listed = (isGranted ? lines.slice(0, -1) : lines).flatMap(wordsOf);
  return [...new Set([...listed, ...(isGranted ? ['XCLIENT'] : [])])];
}

/** `SASL PLAIN LOGIN`: the name, and with each value. */
function wordsOf(line: string): string[] {
  const [tag = '', ...values] = line
    .toUpperCase()
    .split(' ')
    .filter((word) => word !== '');
  const name = tag === 'SASL' ? 'AUTH' : tag;
  return [tag, ...values.map((value) => `${name}=${value}`)].filter((word) => word !== '');
}

/** The first thing that the server lacks and we need, in words. */
function missingOf(capabilities: readonly string[], baseline: readonly string[]): string | undefined {
  const has = (item: string): boolean => capabilities.includes(item);
  if (!has('USER') && !has('AUTH=PLAIN')) return 'offers no USER and no AUTH=PLAIN';
  return lackOf(capabilities, baseline);
}
