/**
 * What the doctor asks a submission server beyond the monitors' probe: how it answers EHLO, and whether it
 * would take mail to strangers from us without a login. The recipient's domain is one that never exists (RFC
 * 2606), no message is sent (RSET before any DATA), and QUIT ends it.
 */
import type { Probe, ProbeTimeouts } from '#gateway/monitors/probe-outcome';
import { type Rule, type Step, encodeScript } from '#model/handoff-script';
import { accept, expect, send, skip } from '#model/script-steps';
import type { EngineEndpoint } from '#native';

export interface SubmissionQuestion {
  readonly probe: Probe;
  readonly endpoint: EngineEndpoint;
  readonly timeouts: ProbeTimeouts;
}

export interface SubmissionAnswers {
  /** What the greeting calls itself; null where it says nothing that we know, or came before TLS. */
  readonly product: string | null;
  /** Our address as the server writes it behind its name; null where it does not. */
  readonly seenAddress: string | null;
  readonly takesXclient: boolean | 'untold';
  readonly relays: boolean | 'untold';
}

/** One connection. Never rejects if the engine's probe doesn't. */
export async function askSubmission(question: SubmissionQuestion): Promise<SubmissionAnswers> {
  const { probe, endpoint, timeouts } = question;
  const { lines } = await probe({ endpoint, script: encodeScript(steps(endpoint.tls, timeouts)) });
  // In clear the greeting comes first; what was said before TLS stood is forgotten.
  const all = repliesIn(lines);
  const product = endpoint.tls === 'starttls' ? null : productIn(all[0] ?? []);
  const replies = all.slice(endpoint.tls === 'starttls' ? 0 : 1);
  const [ehlo = [], mail = [], recipient = []] = replies;
  if (codeOf(ehlo) !== 250) return { product, seenAddress: null, takesXclient: 'untold', relays: 'untold' };
  return {
    product,
    seenAddress: addressIn(ehlo[0] ?? ''),
    takesXclient: ehlo.some((line) => /^250[- ]XCLIENT\b/i.test(line)),
    relays: relaysBy(mail, recipient),
  };
}

/** Sixteen at most, which is what a script may have. */
function steps(tls: EngineEndpoint['tls'], timeouts: ProbeTimeouts): Step[] {
  const answer = expect(timeouts.answerTimeoutMs, anyReply);
  const ask = (command: string): Step[] => [send(`${command}\r\n`), answer];
  const turn: Step[] = tls === 'starttls' ? [...ask(ehlo), ...ask('STARTTLS'), { step: 'startTls' }] : [];
  return [
    expect(timeouts.greetingTimeoutMs, anyReply),
    ...turn,
    ...ask(ehlo),
    ...ask('MAIL FROM:<>'),
    ...ask(`RCPT TO:<${stranger}>`),
    ...ask('RSET'),
    send('QUIT\r\n'),
  ];
}

/**
 * Without a login: taken, or refused. A refusal that speaks of the recipient's domain was given after the
 * right to relay, or before it was looked at: nobody can tell.
 */
function relaysBy(mail: readonly string[], recipient: readonly string[]): boolean | 'untold' {
  const [mailCode, code] = [codeOf(mail), codeOf(recipient)];
  if (mailCode === undefined || mailCode === 421) return 'untold';
  if (mailCode >= 300) return false;
  if (code === undefined || code === 421) return 'untold';
  if (code < 300) return true;
  // RFC 3463: X.7.N is about rights, X.1.N about the address.
  const words = recipient.join(' ');
  if (/relay|auth|\b[45]\.7\.\d/i.test(words)) return false;
  if (/domain|\b[45]\.1\.\d/i.test(words)) return 'untold';
  return code >= 500 ? false : 'untold';
}

/** RFC 5321 section 4.2.1: a reply's lines have a hyphen behind the code, but the last. */
function repliesIn(lines: readonly string[]): string[][] {
  const replies: string[][] = [[]];
  for (const line of lines) {
    replies.at(-1)?.push(line);
    if (line[3] !== '-') replies.push([]);
  }
  return replies.filter((reply) => reply.length > 0);
}

function codeOf(reply: readonly string[]): number | undefined {
  const code = Number(/^(\d{3})([- ]|$)/.exec(reply.at(-1) ?? '')?.[1]);
  return Number.isNaN(code) ? undefined : code;
}

/**
 * `220 mx.corp.example Dovecot ready.`: behind the host's own name, which may be anything. The answer to EHLO
 * names no product.
 */
function productIn(greeting: readonly string[]): string | null {
  const words = greeting.map((line) => line.slice(4).trim().split(/\s+/).slice(1).join(' ')).join(' ');
  return /\b(Dovecot|Postfix|Exim|Sendmail|Microsoft ESMTP)\b/i.exec(words)?.[1] ?? null;
}

/** `250-ex1.corp.example Hello [10.1.0.21]`. */
function addressIn(line: string): string | null {
  const found = /\[(?:IPv6:)?([0-9a-f.:]+)\]/i.exec(line)?.[1];
  return found ?? null;
}

/** All codes of RFC 5321 section 4.2: their first lines are skipped, the last is the answer. */
const codes = [2, 4, 5].flatMap((first) =>
  [0, 1, 2, 3, 4, 5, 7].flatMap((second) =>
    Array.from({ length: 10 }, (_, third) => `${first}${second}${third}`),
  ),
);
const anyReply: readonly Rule[] = [...codes.map((code) => skip(`${code}-`, 'before')), accept('', 'before')];

const ehlo = 'EHLO postern.invalid';
const stranger = 'nobody@an-outside.example';
